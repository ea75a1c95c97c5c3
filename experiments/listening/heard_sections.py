"""Sections heard in one player of a song, beside those that the exact analysis finds in all parts.

    python -m experiments.listening.heard_sections [--seed 0] [--songs 24]

Songs are drawn from training pieces; one pitched part of each becomes a take, made inexact.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from experiments.music_sets import data_folder
from experiments.scorecard import say
from ritornello.accompany.heard_sections import heard_sections
from ritornello.errors import RitornelloError
from ritornello.music import io
from ritornello.music.piece import Piece
from ritornello.plan.analysis import analyse
from ritornello.plan.sections import Section

SETS = "free_game_midi", "band_arranged_synth", "pop909"
_LEFT_OUT, _WRONG, _JITTER_QUARTERS = 0.2, 0.08, 0.02
_WRONG_BY = np.array([-12, 12, 7, -5, 1, -1])  # semitones
_FEWEST_NOTES, _FEWEST_BARS = 40, 24


def takes(
    data: Path, name: str, rng: np.random.Generator
) -> Iterator[tuple[Piece, tuple[Section, ...]]]:
    """Takes of a set in a random order, each with its piece's sections."""
    if name == "band_arranged_synth":
        files = sorted((data / name / "train").rglob("*.mid"))
    else:
        splits = json.loads((data / "splits.json").read_text())
        files = [data / name / file for file in splits[name]["train"]]
    for index in rng.permutation(len(files)):
        try:
            piece = io.read(files[index])
            found = analyse(piece).sections
        except RitornelloError:
            continue
        parts = [t for t in piece.tracks if not t.is_drum and len(t) >= _FEWEST_NOTES]
        metres = {(metre.numerator, metre.denominator) for metre in piece.metres}
        if parts and len(metres) == 1 and found[-1].end >= _FEWEST_BARS:
            part = parts[rng.integers(len(parts))]
            take = replace(piece, tracks=(part,), length_ticks=piece.length_ticks)
            yield _inexact(take, rng), found


def _inexact(take: Piece, rng: np.random.Generator) -> Piece:
    """A take of which some notes are not heard, some heard wrongly, none on its tick."""
    notes = take.tracks[0].notes.copy()
    notes = notes[rng.random(len(notes)) > _LEFT_OUT]
    wrong = rng.random(len(notes)) < _WRONG
    notes["pitch"][wrong] = np.clip(
        notes["pitch"][wrong] + rng.choice(_WRONG_BY, int(wrong.sum())), 0, 127
    )
    moved = notes["onset"] + np.rint(rng.normal(0, _JITTER_QUARTERS * take.resolution, len(notes)))
    notes["onset"] = np.clip(moved, 0, take.length_ticks - 1)
    notes["duration"] = np.minimum(notes["duration"], take.length_ticks - notes["onset"])
    notes = notes[np.argsort(notes["onset"], kind="stable")]
    return replace(take, tracks=(replace(take.tracks[0], notes=notes),))


def scores(found: Sequence[Section], true: Sequence[Section]) -> tuple[float, ...]:
    """F of pairs of bars that share a letter, F of cuts, letters and sections of both."""
    letters = [[s.name for s in side for _ in range(s.bars)] for side in (found, true)]
    one, other = (np.equal.outer(side, side)[~np.eye(len(side), dtype=bool)]
                  for side in map(np.array, letters))  # fmt: skip
    cuts, wanted = ({s.start for s in side[1:]} for side in (found, true))
    counts = [float(n) for side in (found, true) for n in (len({s.name for s in side}), len(side))]
    pairs = _f(int((one & other).sum()), int(one.sum()), int(other.sum()))
    return pairs, _f(len(cuts & wanted), len(cuts), len(wanted)), *counts


def _f(both: int, one: int, other: int) -> float:
    return 2 * both / (one + other) if one + other else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--songs", type=int, default=24, help="of each set")
    options = parser.parse_args()
    for name in SETS:
        rng = np.random.default_rng(options.seed)
        drawn = islice(takes(options.data, name, rng), options.songs)
        rows = np.array([scores(heard_sections(take), true) for take, true in drawn])
        pairs, cuts, *counts = rows.mean(axis=0)
        found = "{:.1f} letters of {:.1f} sections, analysis {:.1f} of {:.1f}".format(*counts)
        say(f"{name:20} {len(rows)} songs: pairs {pairs:.3f}, cuts {cuts:.3f}; {found}")


if __name__ == "__main__":
    main()
