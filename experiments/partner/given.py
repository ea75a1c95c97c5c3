"""A thousand real songs with something written into them: is every given note as it was?

Judged by `unchanged.py`, which reads the song's own file and the new one with mido.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from experiments.generated.unchanged import DRUMS, Gap, Part, changes, notes
from experiments.music_sets import MusicSets, open_music_sets
from experiments.partner.units import Units
from ritornello.api import Composer
from ritornello.errors import ConfigError, InputError
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.io import read
from ritornello.music.io.midi_write import write_bytes
from ritornello.music.piece import Piece, Track
from ritornello.music.slicing import bar_lines
from ritornello.rng import Rng

PROTOCOL = (
    "validation files, each set in turn; one half of the time 1 to 8 random bars are filled, in "
    "random parts or in all; else the song is continued by 1 to 8 bars, or, where it has at most "
    "3,000 notes, parts are varied, or one to three instruments or voices are added; default "
    "boldness; the made file and the song's own are read with mido; where the two differ, and the "
    "package reads the song's file otherwise than mido (it mends files), what it reads is the song"
)
VERBS = {"fill": 0.5, "continue": 0.2, "vary": 0.1, "arrange": 0.1, "harmonise": 0.1}
_BLOCK = 25
_LARGEST_WHOLE_NOTES = 3000  # of songs that are written to from beginning to end
_BARS = 8


@dataclass(frozen=True)
class Written:
    """A song with something written into it, and where that may be.

    Attributes:
        piece: the song now. gap: None is anywhere.
        parts: that may play new notes. tracks: indices of those that may lose notes in the gap.
    """

    piece: Piece
    gap: Gap | None
    parts: frozenset[Part]
    tracks: frozenset[int] = frozenset()


def measure(options: argparse.Namespace, units: Units) -> dict[str, Any]:
    """Violations, and the CPU seconds of each verb."""
    music = open_music_sets(options.store, options.data)
    composer = Composer.load(options.model)
    rows: list[dict[str, Any]] = []
    for first in range(0, options.songs, _BLOCK):
        numbers = range(first, min(first + _BLOCK, options.songs))
        block = partial(judged_songs, composer, music, options.data, numbers, options.seed)
        rows += units.take(f"songs from {first}", block)
    by_verb: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_verb[row["verb"]].append(row)
    return {
        "songs": len(rows),
        "violations": sum(row["violations"] for row in rows),
        "examples": [example for row in rows for example in row["examples"]][:20],
        "refused before any work": Counter(why for row in rows for why in row["refused"]),
        "mended in reading": sum(row["mended"] for row in rows),
        "sets": Counter(row["set"] for row in rows),
        "verbs": {verb: summary(by_verb[verb]) for verb in VERBS if by_verb[verb]},
    }


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    seconds = [row["cpu_seconds"] for row in rows]
    return {
        "songs": len(rows),
        "notes_before": sum(row["notes_before"] for row in rows),
        "notes_after": sum(row["notes_after"] for row in rows),
        "violations": sum(row["violations"] for row in rows),
        "cpu_seconds_median": float(np.median(seconds)),
        "cpu_seconds_95th": float(np.percentile(seconds, 95)),
    }


def judged_songs(
    composer: Composer, music: MusicSets, data: Path, numbers: range, seed: int
) -> list[dict[str, Any]]:
    return [judged(composer, music, data, number, seed) for number in numbers]


def judged(
    composer: Composer, music: MusicSets, data: Path, number: int, seed: int
) -> dict[str, Any]:
    """Write into one song, which depends on the number and the seed alone, and judge it."""
    rng = np.random.default_rng((seed, number))
    collection = music.collections[number % len(music.collections)]
    refused = []
    while True:
        index = int(rng.choice(music.only(collection).indices("valid")))
        path = data / music.corpus.name_of(index)
        song = read(path)
        verb = str(rng.choice([*VERBS], p=[*VERBS.values()]))
        if verb in ("vary", "arrange", "harmonise") and song.note_count > _LARGEST_WHOLE_NOTES:
            continue
        began = process_time()
        try:
            written = ACTS[verb](composer, song, rng, number)
            break
        except (ConfigError, InputError) as error:
            refused.append(error.what)
    used = process_time() - began
    found, mended = violations(path, song, written)
    return {
        "set": collection,
        "verb": verb,
        "notes_before": song.note_count,
        "notes_after": written.piece.note_count,
        "violations": len(found),
        "examples": [f"{number}, {verb}, {path.name}: {fault}" for fault in found[:2]],
        "refused": refused,
        "mended": mended,
        "cpu_seconds": used,
    }


def violations(path: Path, song: Piece, written: Written) -> tuple[list[str], bool]:
    """What is wrong, in sentences; and whether the package reads the file otherwise than mido."""
    own, made = path.read_bytes(), write_bytes(written.piece)
    try:
        Counter(notes(own))
    except (OSError, EOFError, ValueError):  # no MIDI file to mido, such as one in RIFF
        return faults(write_bytes(song), song, made, written), True
    found = faults(own, song, made, written)
    if not found:
        return found, False
    heard = write_bytes(song)
    mended = Counter(notes(own)) != Counter(notes(heard))
    return (faults(heard, song, made, written) if mended else found), mended


def faults(own: bytes, song: Piece, made: bytes, written: Written) -> list[str]:
    """Given notes that changed, and composed ones out of place.

    Of parts alike only some may have lost notes, so the others are also looked for by themselves.
    """
    found = changes(own, made, gap=written.gap, parts=written.parts, rewritten=bool(written.tracks))
    others = [track for i, track in enumerate(song.tracks) if i not in written.tracks]
    if written.tracks and written.parts & {part_of(track) for track in others}:
        found += changes(write_bytes(replace(song, tracks=tuple(others))), made)
    return found


def part_of(track: Track) -> Part:
    return DRUMS if track.is_drum else track.program


# --- what is done to a song -----------------------------------------------------------------------


def fill(composer: Composer, song: Piece, rng: Rng, seed: int) -> Written:
    """Some bars, in some parts or in all."""
    lines = bar_lines(song)
    first = int(rng.integers(len(lines) - 1))
    last = min(len(lines) - 1, first + int(rng.integers(1, _BARS + 1)))
    tracks = some(playing(song), rng) if rng.random() < 0.5 else playing(song)
    piece = composer.fill(song, (first + 1, last), parts=numbers(tracks), seed=seed).piece
    gap = beats(song, lines[first]), beats(song, lines[last])
    return Written(piece, gap, parts_of(song, tracks), frozenset(tracks))


def go_on(composer: Composer, song: Piece, rng: Rng, seed: int) -> Written:
    """Some bars after the end, by some parts or all; nothing before the last note has ended."""
    bars = int(rng.integers(1, _BARS + 1))
    tracks = some(playing(song), rng) if rng.random() < 0.5 else playing(song)
    piece = composer.continue_(song, bars, parts=numbers(tracks), seed=seed).piece
    end = bar_lines(song)[-1] + bars * last_bar_ticks(song)
    silent = max(track.end_ticks for track in song.tracks)
    return Written(piece, (beats(song, silent), beats(song, end)), parts_of(song, tracks))


def vary(composer: Composer, song: Piece, rng: Rng, seed: int) -> Written:
    """One or two whole parts."""
    tracks = some(playing(song), rng)[:2]
    piece = composer.vary(song, numbers(tracks), seed=seed).piece
    return Written(piece, None, parts_of(song, tracks), frozenset(tracks))


def arrange(composer: Composer, song: Piece, rng: Rng, seed: int) -> Written:
    """One to three instruments beside all that is there."""
    chosen = rng.choice(len(INSTRUMENTS), int(rng.integers(1, 4)), replace=False).tolist()
    added = [INSTRUMENTS[index] for index in chosen]
    piece = composer.arrange(song, [each.name for each in added], seed=seed).piece
    return Written(piece, None, frozenset(DRUMS if x.is_drum else x.program for x in added))


def harmonise(composer: Composer, song: Piece, rng: Rng, seed: int) -> Written:
    """Voices below one of the parts."""
    pitched = [index for index in playing(song) if not song.tracks[index].is_drum]
    if not pitched:
        raise ConfigError("There is no part with pitches to set voices to.")
    melody = int(rng.choice(pitched))
    voices = [str(voice) for voice in rng.permutation(["alto", "tenor", "bass"])]
    voices = voices[: rng.integers(1, 4)]
    piece = composer.harmonise(song, voices, melody=melody + 1, seed=seed).piece
    return Written(piece, None, parts_of(song, [melody]))


ACTS: dict[str, Callable[[Composer, Piece, Rng, int], Written]] = {
    "fill": fill,
    "continue": go_on,
    "vary": vary,
    "arrange": arrange,
    "harmonise": harmonise,
}


def playing(song: Piece) -> list[int]:
    """Indices of the tracks with notes."""
    return [index for index, track in enumerate(song.tracks) if len(track)]


def some(tracks: Sequence[int], rng: Rng) -> list[int]:
    """At least one of them, in any order."""
    result: list[int] = rng.permutation(tracks)[: rng.integers(1, len(tracks) + 1)].tolist()
    return result


def numbers(tracks: Sequence[int]) -> list[int]:
    """What a person calls them."""
    return [index + 1 for index in tracks]


def parts_of(song: Piece, tracks: Sequence[int]) -> frozenset[Part]:
    return frozenset(part_of(song.tracks[index]) for index in tracks)


def beats(song: Piece, tick: int) -> Fraction:
    """In quarter notes."""
    return Fraction(tick, song.resolution)


def last_bar_ticks(song: Piece) -> int:
    last = song.bar_starts_ticks()[-1]
    return [metre for metre in song.metres if metre.tick <= last][-1].bar_ticks(song.resolution)


# --- the table ------------------------------------------------------------------------------------


def markdown(figures: dict[str, Any]) -> str:
    lines = [
        "| verb | songs | notes before | after | violations | CPU s, median | 95th |",
        "|---|---|---|---|---|---|---|",
    ]
    for verb, found in figures["verbs"].items():
        lines.append(
            f"| {verb} | {found['songs']} | {found['notes_before']:,} | "
            f"{found['notes_after']:,} | {found['violations']} | "
            f"{found['cpu_seconds_median']:.2f} | {found['cpu_seconds_95th']:.2f} |"
        )
    return "\n".join(lines)
