"""The music of `groovybee2018`: read and split, written from rolls, and measured."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from ritornello.corpus.scan import ScanResult, scan
from ritornello.corpus.splits import LEFT_OUT, SIDES, assign_splits
from ritornello.errors import InputError
from ritornello.metrics.overlap import features
from ritornello.music.io import read
from ritornello.music.piece import Piece
from ritornello.music.slicing import slice_seconds
from ritornello.papers.groovybee2018 import encoding as velocity_roll
from ritornello.papers.groovybee2018.encoding import Losses, Roll
from ritornello.papers.shared.off_key import off_key_notes
from ritornello.papers.shared.study import Study

TICKS_PER_QUARTER = 4  # the report gives none
_STAND_IN = Path("lists") / "composers3_132.txt"
_HELD_OUT_SHARE = 0.1
_SPLITS_TRIED = 50
_MOST_NAMES = 12  # of files left out for one reason


class Held(NamedTuple):
    """A piece and its side: "train", "valid" or "test"."""

    name: str
    piece: Piece
    side: str


@dataclass(frozen=True)
class Music:
    """The music of a study.

    Attributes:
        pieces: by path. about: where it comes from and what was left out, a sentence.
    """

    pieces: tuple[Held, ...]
    about: str

    def side(self, name: str) -> list[Piece]:
        return [piece for _, piece, side in self.pieces if side == name]


def load(study: Study) -> Music:
    """Read the user's folder of MIDI files, or else the stand-in, and split it by work.

    Raises:
        InputError: if there are too few pieces for three sides.
    """
    if study.data is not None:
        return _load(study, study.data, study.data.name)
    with TemporaryDirectory() as folder:
        for path in study.music_set(str(_STAND_IN)).read_text(encoding="utf-8").split():
            copy = Path(folder) / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(study.music_set(path), copy)
        return _load(study, Path(folder), study.recipe.stand_in)


def _load(study: Study, folder: Path, name: str) -> Music:
    found = scan(folder, workers=study.threads)
    sides = _three_sides(found, study.seed)
    used = [item.path for item in found.used if sides[item.path] != LEFT_OUT]
    chosen = _choose_evenly(used, study.settings["pieces"], sides)
    pieces = tuple(Held(path, read(folder / path), sides[path]) for path in chosen)
    reasons = Counter(item.rejection.reason for item in found.files if item.rejection)
    left_out = "; ".join(
        f"{count} left out: {reason} ({_names(found, reason)})" for reason, count in reasons.items()
    )
    counts = Counter(held.side for held in pieces)
    return Music(
        pieces,
        f"{name}: {len(pieces)} of {len(found.files)} files, "
        f"{sum(held.piece.note_count for held in pieces):,} notes, split by work into "
        + ", ".join(f"{counts[side]} {side}" for side in SIDES)
        + (f"; {left_out}" if left_out else "")
        + ".",
    )


def _names(found: ScanResult, reason: str) -> str:
    items = (item for item in found.rejected if item.rejection and item.rejection.reason == reason)
    names = [Path(item.path).name for item in items]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _three_sides(found: ScanResult, seed: int) -> dict[str, str]:
    """Sides by the hash of each work; of few works another hash may be needed to fill them all."""
    for attempt in range(_SPLITS_TRIED):
        sides = assign_splits(
            found,
            explicit={},
            seed=seed + 1000 * attempt,
            valid_share=_HELD_OUT_SHARE,
            test_share=_HELD_OUT_SHARE,
        )
        if {*SIDES} <= {*sides.values()}:
            return sides
    raise InputError(
        f"{len(found.used)} usable pieces; at least three different works are needed, "
        "to train, to validate and to test.",
        where=str(found.folder),
        next_step="Give a folder with more MIDI files.",
    )


def _choose_evenly(paths: Sequence[str], most: int, sides: dict[str, str]) -> list[str]:
    """At most so many paths, evenly chosen from each side in proportion; one at least of each."""
    chosen = []
    for side in SIDES:
        there = [path for path in paths if sides[path] == side]
        count = min(len(there), max(1, round(most * len(there) / len(paths))))
        chosen += [there[index * len(there) // count] for index in range(count)]
    return sorted(chosen)


def rolls(pieces: Iterable[Piece], *, keep_silence: bool) -> list[Roll]:
    """The parts of all pieces, each alone."""
    return [
        roll
        for piece in pieces
        for roll in velocity_roll.encode(piece, TICKS_PER_QUARTER, keep_silence=keep_silence)
    ]


def count_losses(pieces: Iterable[Piece], ticks_per_quarter: int) -> Losses:
    """What all pieces lose together."""
    counts = [velocity_roll.losses(piece, ticks_per_quarter) for piece in pieces]
    return Losses(*np.sum(counts, axis=0).tolist())


def merge_parts(parts: Sequence[Roll], forecasts: np.ndarray, threshold: float) -> Piece:
    """Generated vectors as the tracks of one piece.

    Args:
        parts: whose instruments play. forecasts: float [ticks, parts, 128], 0 to 127.
        threshold: least velocity of a note.
    """
    notes = np.where(forecasts >= threshold, np.rint(forecasts), 0).astype(np.uint8)
    return velocity_roll.decode(
        [
            Roll(
                velocity_roll.hold_velocities(notes[:, index]),
                part.program,
                part.is_drum,
                part.name,
            )
            for index, part in enumerate(parts)
        ],
        TICKS_PER_QUARTER,
    )


def excerpt(piece: Piece, beats: float) -> Piece:
    """The first quarter notes of a piece."""
    end_seconds = piece.ticks_to_seconds(np.array([beats * piece.resolution]))
    return slice_seconds(piece, float(end_seconds[0]))


class Character(NamedTuple):
    """What a few pieces are like: shares of their notes or time, and means over them.

    off_key: share of notes outside the key of their 32 beats.
    pitch_class_entropy_bits, notes_per_beat: see `ritornello.metrics.overlap.features`.
    silence: share of the parts' time in which they are silent.
    """

    off_key: float
    pitch_class_entropy_bits: float
    notes_per_beat: float
    silence: float


def character(pieces: Sequence[Piece]) -> Character:
    """Measure pieces; nan where they have no notes."""
    outside = [table for piece in pieces for table in off_key_notes(piece)]
    found = [features(piece) for piece in pieces]
    counts = count_losses(pieces, TICKS_PER_QUARTER)
    return Character(
        _mean(np.concatenate(outside) if outside else np.zeros(0)),
        _mean(np.array([item["pitch_class_entropy_bits"] for item in found])),
        _mean(np.array([item["notes_per_beat"] for item in found])),
        counts.silent_ticks / counts.ticks if counts.ticks else float("nan"),
    )


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)] if values.dtype != bool else values
    return float(known.mean()) if len(known) else float("nan")
