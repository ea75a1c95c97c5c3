"""Solos whose notes are known: parts of pieces, played on their instruments.

Used by `note_decoder` to train and by `transcription` to measure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ritornello.corpus.store import Corpus
from ritornello.dsp.effects import NOISE_KINDS, noise, random_effects
from ritornello.music.piece import Piece, Track
from ritornello.rng import Rng
from ritornello.synth.sampler import PlayedNote, Sampler
from ritornello.synth.soundfont import SoundFont
from ritornello.transcribe.note_activity import RATE_HZ
from ritornello.transcribe.values import HEARD_NOTE_DTYPE

SECONDS, _TAIL_SECONDS, _SILENCE_BEFORE_SECONDS = 20.0, 1.5, 0.2
CLIP_SAMPLES = round((SECONDS + _TAIL_SECONDS) * RATE_HZ)
_FEWEST_NOTES = 15
_ONE_STROKE_SECONDS = 0.03
_FEWEST_VELOCITIES = 4
_TRIES = 100
_PEAK = 0.5


class Kind(NamedTuple):
    """An instrument: sets to draw from, whose parts it plays, and the programs it is played on."""

    sets: tuple[str, ...]
    parts: tuple[int, ...]  # programs of the file; none for the first part
    programs: tuple[int, ...]
    all_parts: bool = False  # together, not the first of them


_BAND, _SONGS, _SCORES = "band_arranged_synth", "openscore_lieder_midi", "mutopia_pd_midi"
_QUARTETS = "openscore_quartets_midi"
KINDS = {
    "piano": Kind((_BAND, _SONGS, _SCORES), (0,), (0, 0, 0, 4, 1), all_parts=True),
    "guitar": Kind((_BAND, _SCORES), (24, 25, 26, 27), (25, 24, 27, 26, 30)),
    "bass": Kind((_BAND,), tuple(range(32, 40)), (33, 32, 34, 38)),
    "lead": Kind((_BAND,), (), (26, 81, 65, 56, 30)),
    "flute": Kind(("openewld_pd",), (73,), (73, 73, 71, 68, 75)),
    "violin": Kind((_QUARTETS,), (40,), (40, 40, 42, 41)),
    "string chords": Kind((_BAND, _QUARTETS), (48, 49, 50, 40, 41, 42), (48, 48, 49), True),
    "voice": Kind((_SONGS,), (52, 53, 54), (52, 53, 54, 85)),
}


NO_NOTES = "no notes"


@dataclass(frozen=True, eq=False)
class Clip:
    """A recording and its notes.

    Attributes:
        kind: of `KINDS`, or `NO_NOTES`. name: of the piece or noise.
        samples: mono float32 at 22,050 Hz.
        notes: `HEARD_NOTE_DTYPE` as played; keys of one pitch never overlap.
    """

    kind: str
    name: str
    samples: np.ndarray
    notes: np.ndarray


def clips(
    corpus: Corpus,
    side: str,
    kind: str,
    count: int,
    font: SoundFont,
    seed: int,
    *,
    effects: bool = False,
    transposed: bool = False,
) -> Iterator[Clip]:
    """Excerpts of pieces of one side of the split; a seed gives the same on every font.

    Args:
        effects: recorded as somebody might, see `random_effects`. transposed: by up to 4 semitones.
    """
    chosen, sampler = KINDS[kind], Sampler(font, RATE_HZ)
    rng = np.random.default_rng([seed, [*KINDS].index(kind)])
    pieces = {
        name: rng.permutation(
            [i for i in corpus.indices(side) if corpus.collection_of(int(i)) == name]
        )
        for name in chosen.sets
    }
    found = 0
    for tried in range(_TRIES * count):
        queue = pieces[chosen.sets[tried % len(chosen.sets)]]
        index = int(queue[tried // len(chosen.sets) % len(queue)])
        piece = corpus.piece(index)
        notes = excerpt(piece, _parts(piece, chosen), rng)
        if len(notes) < _FEWEST_NOTES:
            continue
        program = int(rng.choice(chosen.programs))
        if transposed:
            notes["pitch"] = np.clip(notes["pitch"] + rng.integers(-4, 5), 21, 108)
        samples = _played(notes, program, sampler)
        if effects:
            samples = random_effects(samples, RATE_HZ, rng)
        yield Clip(kind, corpus.name_of(index), samples, notes)
        found += 1
        if found == count:
            return


def without_notes(
    corpus: Corpus, side: str, count: int, font: SoundFont, seed: int
) -> Iterator[Clip]:
    """Drums and noises by turns, recorded as somebody might; nothing in them is a note."""
    rng, sampler = np.random.default_rng([seed, len(KINDS)]), Sampler(font, RATE_HZ)
    drums = [i for i in corpus.indices(side) if corpus.collection_of(int(i)) == "groove_midi"]
    for number in range(count):
        if number % 2:
            kind = NOISE_KINDS[number // 2 % len(NOISE_KINDS)]
            name: str = kind
            samples = np.float32(0.1) * noise(CLIP_SAMPLES, RATE_HZ, kind, rng)
        else:
            index = int(rng.choice(drums))
            name, piece = corpus.name_of(index), corpus.piece(index)
            notes = excerpt(piece, list(piece.tracks), rng)
            samples = _played(notes, 0, sampler, is_drum=True)
        samples = random_effects(samples, RATE_HZ, rng)
        yield Clip(NO_NOTES, name, samples, np.zeros(0, HEARD_NOTE_DTYPE))


def _parts(piece: Piece, kind: Kind) -> list[Track]:
    pitched = [track for track in piece.tracks if not track.is_drum and len(track)]
    parts = [track for track in pitched if not kind.parts or track.program in kind.parts]
    return parts if kind.all_parts else parts[:1]


def excerpt(piece: Piece, parts: list[Track], rng: Rng) -> np.ndarray:
    """The notes of a random stretch, from its beginning, by onset and pitch."""
    rows = []
    for track in parts:
        part = np.zeros(len(track), HEARD_NOTE_DTYPE)
        part["onset_seconds"] = piece.ticks_to_seconds(track.notes["onset"])
        ends = track.notes["onset"] + track.notes["duration"]
        part["end_seconds"] = piece.ticks_to_seconds(ends)
        part["pitch"], part["velocity"] = track.notes["pitch"], track.notes["velocity"]
        rows.append(part)
    notes = np.concatenate([np.zeros(0, HEARD_NOTE_DTYPE), *rows])
    start = rng.uniform(0, max(1e-9, piece.duration_seconds - SECONDS - 1))
    onset = notes["onset_seconds"]
    notes = notes[(onset >= start) & (onset < start + SECONDS - 0.3)]
    for name in ("onset_seconds", "end_seconds"):
        notes[name] -= start - _SILENCE_BEFORE_SECONDS
    notes["end_seconds"] = np.minimum(notes["end_seconds"], SECONDS + _SILENCE_BEFORE_SECONDS)
    notes["confidence"] = 1
    notes = notes[np.lexsort((notes["pitch"], notes["onset_seconds"]))]
    if len(np.unique(notes["velocity"])) < _FEWEST_VELOCITIES:
        notes["velocity"] = _dynamics(notes["onset_seconds"], rng)
    return one_key_once(notes)


def _dynamics(onsets_seconds: np.ndarray, rng: Rng) -> np.ndarray:
    """Velocities for music that has none, alike within a chord and drifting slowly."""
    places, chord = np.unique(onsets_seconds.round(3), return_inverse=True)
    drift = 2.5 * np.cumsum(rng.normal(0, 1, len(places)))
    velocities = 80 + drift + rng.normal(0, 10, len(places))
    return np.clip(np.rint(velocities), 40, 115)[chord]


def one_key_once(notes: np.ndarray) -> np.ndarray:
    """Notes that begin together on one key made one; others end where their key is struck again."""
    kept = np.ones(len(notes), bool)
    latest: dict[int, int] = {}
    for n, note in enumerate(notes):
        before = latest.get(int(note["pitch"]))
        latest[int(note["pitch"])] = n
        if before is None:
            continue
        if note["onset_seconds"] - notes["onset_seconds"][before] < _ONE_STROKE_SECONDS:
            kept[n] = False
            latest[int(note["pitch"])] = before
            ends = notes["end_seconds"]
            ends[before] = max(ends[before], ends[n])
        else:
            ends = notes["end_seconds"]
            ends[before] = min(ends[before], note["onset_seconds"])
    return notes[kept]


def _played(
    notes: np.ndarray, program: int, sampler: Sampler, *, is_drum: bool = False
) -> np.ndarray:
    out = np.zeros((2, CLIP_SAMPLES), np.float32)
    names = ("onset_seconds", "end_seconds")
    onsets, ends = (np.rint(notes[name] * RATE_HZ).astype(int).tolist() for name in names)
    columns = (onsets, ends, notes["pitch"].tolist(), notes["velocity"].tolist())
    played = [PlayedNote(*note) for note in zip(*columns, strict=True)]
    sampler.play(played, out, program=program, is_drum=is_drum)
    mono = out.mean(axis=0)
    result: np.ndarray = mono * np.float32(_PEAK / max(float(np.abs(mono).max()), 1e-6))
    return result
