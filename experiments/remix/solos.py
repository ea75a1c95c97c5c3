"""Solos with known truth: parts of validation pieces, played and recorded as somebody might.

The pieces are on the validation side of `splits.json` and have no near copy in training. What is
kept of each: the sound, the notes, beats and bars in seconds, the key, and the real accompaniment.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments.generated.generated import excerpt
from experiments.music_sets import MusicSets, open_music_sets
from experiments.remix.performing import Manner, on_players_tempo, played, recorded
from experiments.scorecard import say
from ritornello.dsp.sound_files import write_audio
from ritornello.errors import InputError
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.io import read
from ritornello.music.io.midi_write import write_bytes
from ritornello.music.keys import KeyName, estimate_key, parse_key, pitch_class_weights
from ritornello.music.piece import Metre, Piece, Tempo
from ritornello.rng import Rng
from ritornello.synth.soundfont import SoundFont
from ritornello.transcribe.values import HEARD_NOTE_DTYPE

# What is played, and the General MIDI programs that play it, in turns.
KINDS: dict[str, tuple[frozenset[str], tuple[int, ...]]] = {
    "piano": (frozenset({"piano"}), (0, 4)),
    "guitar": (frozenset({"guitar", "electric guitar", "distortion guitar"}), (25, 27)),
    "bass": (frozenset({"bass", "double bass"}), (33, 32)),
    "strings": (frozenset({"violin", "strings"}), (40, 48)),
    "lead": (frozenset({"lead", "flute", "voice", "saxophone", "clarinet"}), (73, 65, 81)),
}
_METRES = {(4, 4), (3, 4), (2, 4), (6, 8)}
_SLOWEST_BPM, _FASTEST_BPM = 60.0, 150.0  # felt beats
_LONGEST_REST_SECONDS = 4.0
_FEWEST_ONSETS_A_SECOND = 0.7
_FEWEST_OTHERS = 16  # notes of other instruments in the real accompaniment
_TRIES = 30  # stretches looked at in each part

PROTOCOL = (
    "solos are parts of validation pieces without a near copy in training (all sets that the "
    "bundled model may learn), 30 to 60 s in one metre (4/4, 3/4, 2/4, 6/8) at the tempo of the "
    "piece, if need be brought to 60-150 felt beats a minute; half steady (onsets 4 ms off, "
    "standard deviation), half rubato (smooth curve of +-12%, slower phrase ends and close, onsets "
    "8-15 ms off); 0.3-1 s of silence before; one third rough: a room, noise 35 dB below, mp3; "
    "fonts in turns; key: that of all parts by Temperley's profile, none where a stated signature "
    "has other sharps"
)


@dataclass(frozen=True, eq=False)
class Solo:
    """A recording and all that is true of it.

    Attributes:
        name: such as "piano-03". kind: of `KINDS`.
        manner, collection, font, program: how and with what it was made.
        path: the sound.
        piece: the solo as its first track, then the real accompaniment, on the player's tempo map
            and in beats as written; it begins `begins_seconds` after the sound does.
        notes: as played, in seconds of the sound, `HEARD_NOTE_DTYPE`.
        key: None where it cannot be told.
    """

    name: str
    kind: str
    manner: Manner
    collection: str
    font: str
    program: int
    path: Path
    piece: Piece
    begins_seconds: float
    notes: np.ndarray
    key: KeyName | None

    @property
    def given(self) -> Piece:
        """The solo alone, as written."""
        return replace(self.piece, tracks=self.piece.tracks[:1])

    @property
    def accompaniment(self) -> Piece:
        return replace(self.piece, tracks=self.piece.tracks[1:])

    @property
    def metre(self) -> tuple[int, int]:
        return self.piece.metres[0].numerator, self.piece.metres[0].denominator

    @property
    def beats_seconds(self) -> np.ndarray:
        """Felt beats, float64 [beats], of the sound."""
        return self._seconds(self.piece.metres[0].beat_ticks(self.piece.resolution))

    @property
    def downbeats_seconds(self) -> np.ndarray:
        return self._seconds(self.piece.metres[0].bar_ticks(self.piece.resolution))

    def ticks_at(self, seconds: np.ndarray) -> np.ndarray:
        """Where on the true grid moments of the sound lie, float64; below 0 before it begins."""
        step = self.piece.resolution // 4
        ticks = np.arange(0, self.piece.length_ticks + step, step)
        known = self.piece.ticks_to_seconds(ticks) + self.begins_seconds
        before = (np.asarray(seconds) - known[0]) / (known[1] - known[0]) * step
        after = (np.asarray(seconds) - known[-1]) / (known[-1] - known[-2]) * step + ticks[-1]
        inside = np.interp(seconds, known, ticks)
        result: np.ndarray = np.where(
            seconds < known[0], before, np.where(seconds > known[-1], after, inside)
        )
        return result

    def _seconds(self, step_ticks: int) -> np.ndarray:
        ticks = np.arange(0, self.piece.length_ticks, step_ticks)
        return self.piece.ticks_to_seconds(ticks) + self.begins_seconds


# --- choosing -------------------------------------------------------------------------------------


def chosen(music: MusicSets, kind: str, count: int, rng: Rng) -> Iterator[tuple[str, Piece]]:
    """Excerpts whose first track is of a kind; the sets in turns, no part of a piece twice.

    Raises:
        InputError: if there are too few.
    """
    wanted = KINDS[kind][0]
    waiting: dict[str, list[tuple[Piece, int]]] = {}
    for collection, piece in music.pieces("unseen"):
        for place, track in enumerate(piece.tracks):
            if INSTRUMENTS[track.instrument].name in wanted:
                waiting.setdefault(collection, []).append((piece, place))
    queues = [[queue[i] for i in rng.permutation(len(queue))] for queue in waiting.values()]
    names, found = [*waiting], 0
    while found < count and any(queues):
        for collection, queue in zip(names, queues, strict=True):
            cut = None
            while queue and cut is None:
                piece, number = queue.pop()
                cut = _stretch(piece, number, rng)
            if cut is not None and found < count:
                found += 1
                yield collection, cut
    if found < count:
        raise InputError(f"There are only {found} solos for {kind}, and {count} are asked for.")


def _stretch(piece: Piece, number: int, rng: Rng) -> Piece | None:
    """A playable stretch of a part with what the others play in it; None if none is found."""
    starts = piece.bar_starts_ticks()
    for _ in range(_TRIES):
        first = int(starts[rng.integers(len(starts))])
        metre = [metre for metre in piece.metres if metre.tick <= first][-1]
        tempo = [tempo for tempo in piece.tempos if tempo.tick <= first][-1]
        beat_quarters = metre.beat_ticks(piece.resolution) / piece.resolution
        felt = float(np.clip(tempo.bpm / beat_quarters, _SLOWEST_BPM, _FASTEST_BPM))
        bar_beats = metre.bar_ticks(piece.resolution) // metre.beat_ticks(piece.resolution)
        bars = round(rng.uniform(30, 60) * felt / 60 / bar_beats)
        end = first + bars * metre.bar_ticks(piece.resolution)
        changes = any(first < other.tick < end for other in piece.metres)
        if end > piece.length_ticks or changes or (metre[1], metre[2]) not in _METRES:
            continue
        # The solo first; a mark that `excerpt` keeps tells it from an equal part.
        marked = [replace(track, name=f"{i}") for i, track in enumerate(piece.tracks)]
        ordered = (marked[number], *marked[:number], *marked[number + 1 :])
        cut = excerpt(replace(piece, tracks=ordered), first, end, Metre(0, *metre[1:]))
        cut = replace(cut, tempos=(Tempo(0, felt * beat_quarters),), keys=_stated(piece, first))
        if cut.tracks and cut.tracks[0].name == str(number) and _playable(cut):
            return cut
    return None


def _stated(piece: Piece, tick: int) -> tuple[Any, ...]:
    """The key that is stated at a tick, from the beginning."""
    return tuple(change._replace(tick=0) for change in piece.keys if change.tick <= tick)[-1:]


def _playable(cut: Piece) -> bool:
    """Whether the first track is a solo, from the first bar to the last, and others play."""
    notes, bar = cut.tracks[0].notes, cut.metres[0].bar_ticks(cut.resolution)
    onsets = cut.ticks_to_seconds(np.unique(notes["onset"]))
    player = INSTRUMENTS[cut.tracks[0].instrument]
    others = sum(
        len(track)
        for track in cut.tracks[1:]
        if not track.is_drum and INSTRUMENTS[track.instrument] is not player
    )
    return (
        len(onsets) / cut.duration_seconds >= _FEWEST_ONSETS_A_SECOND
        and np.diff(onsets).max() <= _LONGEST_REST_SECONDS
        and notes["onset"][0] < bar
        and notes["onset"][-1] >= cut.length_ticks - bar
        and player.low <= notes["pitch"].min() <= notes["pitch"].max() <= player.high
        and others >= _FEWEST_OTHERS
    )


def true_key(piece: Piece) -> KeyName | None:
    """The key of all parts together; None if a stated signature has other sharps."""
    tables = np.concatenate([track.notes for track in piece.tracks if not track.is_drum])
    key = estimate_key(pitch_class_weights(tables["pitch"], tables["duration"]))
    if key and piece.keys and piece.keys[0].key.sharps % 12 != key.sharps % 12:
        return None
    return key


# --- making and keeping ---------------------------------------------------------------------------


def known_solos(options: argparse.Namespace) -> list[Solo]:
    """The solos of a command, made if they are not there; without its font, all with our own."""
    fonts: dict[str, Path | None] = {"bundled": None}
    if options.font.is_file():
        fonts[options.font.stem] = options.font
    music = open_music_sets(options.store, options.data)
    folder = options.work / f"solos-{options.seed}-{'-'.join(fonts)}"
    say(f"Solos: {options.solos} of each instrument in {folder}")
    return solos(folder, music, fonts, options.solos, options.seed)


def solos(
    folder: Path,
    music: MusicSets,
    fonts: dict[str, Path | None],
    count: int,
    seed: int,
    kinds: Iterable[str] = KINDS,
) -> list[Solo]:
    """So many solos of each kind, made once and then read from the folder.

    Args:
        fonts: by name; None is the font that ships with the package.

    Raises:
        InputError: if the music has too few.
    """
    found = []
    loaded: dict[str, SoundFont] = {}
    for kind in kinds:
        programs = KINDS[kind][1]
        rng = np.random.default_rng([seed, zlib.crc32(kind.encode())])
        for number, (collection, cut) in enumerate(chosen(music, kind, count, rng)):
            name = f"{kind}-{number:02}"
            own = np.random.default_rng([seed, zlib.crc32(name.encode())])
            if not (folder / f"{name}.json").is_file():
                font = [*fonts][(number // 2) % len(fonts)]
                if font not in loaded:
                    loaded[font] = SoundFont.load(fonts[font])
                manner = Manner(rubato=number % 2 == 1, rough=number % 3 == 2)
                program = programs[number % len(programs)]
                _make(folder, name, manner, collection, font, loaded[font], program, cut, own)
            found.append(load(folder, name))
    return found


def _make(
    folder: Path, name: str, manner: Manner, collection: str, font_name: str, font: SoundFont,
    program: int, cut: Piece, rng: Rng,
) -> None:  # fmt: skip
    """Play and record one; the file that makes it whole is written last."""
    folder.mkdir(parents=True, exist_ok=True)
    piece = on_players_tempo(cut, manner, rng)
    begins_seconds = round(float(rng.uniform(0.3, 1.0)), 3)
    notes = played(piece, piece.tracks[0], manner, rng)
    notes["onset_seconds"] += begins_seconds
    notes["end_seconds"] += begins_seconds
    sound = recorded(notes, program, font, manner, rng)
    audio = f"{name}.{'mp3' if manner.rough else 'wav'}"
    write_audio(sound, folder / audio, overwrite=True)
    (folder / f"{name}.mid").write_bytes(write_bytes(piece))
    key = true_key(cut)
    about = {
        "kind": name.rpartition("-")[0], "rubato": manner.rubato, "rough": manner.rough,
        "collection": collection, "font": font_name, "program": program, "audio": audio,
        "begins_seconds": begins_seconds, "key": None if key is None else str(key),
        "notes": [list(note.item()) for note in notes],
    }  # fmt: skip
    (folder / f"{name}.json").write_text(json.dumps(about), encoding="utf-8")


def load(folder: Path, name: str) -> Solo:
    """One that was made."""
    about = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return Solo(
        name=name,
        kind=about["kind"],
        manner=Manner(about["rubato"], about["rough"]),
        collection=about["collection"],
        font=about["font"],
        program=about["program"],
        path=folder / about["audio"],
        piece=read(folder / f"{name}.mid"),
        begins_seconds=about["begins_seconds"],
        notes=np.array([tuple(note) for note in about["notes"]], HEARD_NOTE_DTYPE),
        key=None if about["key"] is None else parse_key(about["key"]),
    )
