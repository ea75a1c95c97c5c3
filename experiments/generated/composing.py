"""Compose many pieces under random rules; count violations, repetition and endings.

    python -m experiments.generated.composing --pieces 200 [--model default] [--real FOLDER]

Violations are counted by an independent reader (`judge.py`). Repetition stands beside that of
real music when a folder of it is given.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path

import numpy as np

from experiments.generated.judge import violations
from ritornello.api import Composer
from ritornello.generation.rules import Rules
from ritornello.metrics.repetition import LAGS_BARS, Repetition, repetition
from ritornello.music.io import read
from ritornello.music.io.midi_write import write_bytes
from ritornello.music.keys import SCALES, KeyName
from ritornello.music.piece import Piece
from ritornello.rng import Rng

BAND = ("piano", "guitar", "bass", "strings", "drums", "lead", "organ", "flute", "violin", "pad")


def random_rules(rng: Rng) -> Rules:
    parts = rng.choice(BAND, size=rng.integers(1, 7), replace=False)
    low = int(rng.integers(36, 48))
    return Rules(
        bars=int(rng.integers(4, 33)),
        metre=str(rng.choice(["4/4", "3/4", "6/8", "2/4", "5/4", "7/8"])),
        tempo_bpm=float(rng.integers(50, 200)),
        key=KeyName(int(rng.integers(12)), str(rng.choice([*SCALES]))),
        parts=tuple(map(str, parts)),
        polyphony={"all": int(rng.integers(1, 7))} if rng.random() < 0.5 else {},
        ranges={"bass": (low - 8, low + 12)} if rng.random() < 0.3 else {},
    )


def summary(found: list[Repetition]) -> dict[str, float]:
    similarity = np.nanmean([each.self_similarity for each in found], axis=0)
    by_lag = zip(LAGS_BARS, similarity, strict=True)
    runs = np.array([each.longest_run for each in found])
    return {
        "pieces": len(found),
        "longest_run_median": float(np.median(runs)),
        "longest_run_95th": float(np.percentile(runs, 95)),
        **{f"self_similarity_{lag}": round(float(s), 3) for lag, s in by_lag},
    }


def ends_well(piece: Piece) -> bool:
    """Whether something still sounds in the last bar."""
    last = piece.bar_starts_ticks()[-1]
    return any(track.end_ticks > last for track in piece.tracks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pieces", type=int, default=200)
    parser.add_argument("--model", default="default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", type=Path, help="folder of real music to compare repetition with")
    arguments = parser.parse_args()

    composer = Composer.load(arguments.model)
    rng = np.random.default_rng(arguments.seed)
    broken: Counter[str] = Counter()
    repetitions, ended, notes = [], 0, 0
    began = time.process_time()
    for number in range(arguments.pieces):
        rules = random_rules(rng)
        piece = composer.compose(rules, seed=number, best_of=1)
        broken.update(violations(write_bytes(piece), rules))
        repetitions.append(repetition(piece))
        ended += ends_well(piece)
        notes += piece.note_count
    report = {
        "pieces": arguments.pieces,
        "notes": notes,
        "violations": sum(broken.values()),
        "kinds": broken.most_common(5),
        "sounding_in_the_last_bar": ended / arguments.pieces,
        "cpu_seconds": round(time.process_time() - began, 1),
        "composed": summary(repetitions),
    }
    if arguments.real:
        paths = sorted(arguments.real.rglob("*.mid"))
        report["real"] = summary([repetition(read(path)) for path in paths])
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
