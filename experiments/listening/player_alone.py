"""Learn what tells one player from several by their notes, see `ritornello.transcribe.alone`.

    python -m experiments.listening.player_alone TRAIN [TRAIN ...] --valid FILE [FILE ...]

The files are those of `heard_clips`: what a kind other than "mix" is called is one player. Prints
the logit, and how many clips of validation are told. Seconds; no torch.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from experiments.listening.beat_model import logistic
from experiments.listening.heard_clips import load
from ritornello.transcribe.alone import clearness_and_range, is_alone

_FEWEST_NOTES = 8
_BANDS = "mix"
_WITHOUT_A_PLAYER = "drums", "noise", "drone", "speech", "real songs"


def examples(files: Iterable[Path]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measures [clips, 2], whether several play, and what is told now."""
    rows: list[np.ndarray] = []
    several: list[bool] = []
    told: list[bool] = []
    for file in files:
        for clip in load(file):
            if len(clip.notes) < _FEWEST_NOTES or clip.kind in _WITHOUT_A_PLAYER:
                continue
            rows.append(clearness_and_range(clip.notes))
            several.append(clip.kind == _BANDS)
            told.append(not is_alone(clip.notes))
    return np.array(rows), np.array(several), np.array(told)


def learn(rows: np.ndarray, several: np.ndarray) -> np.ndarray:
    """A constant and the nats of each measure, [3]."""
    centre, scale = rows.mean(axis=0), rows.std(axis=0)
    constant, *weights = logistic((rows - centre) / scale, several)
    nats = np.array(weights) / scale
    return np.array([constant - float(nats @ centre), *nats])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--valid", nargs="+", type=Path, required=True)
    options = parser.parse_args()
    rows, several, _ = examples(options.files)
    print("constant and nats:", learn(rows, several).round(2))
    _, several, told = examples(options.valid)
    print(f"several, told so: {told[several].mean():.2f} of {several.sum()}")
    print(f"alone, told so: {1 - told[~several].mean():.2f} of {(~several).sum()}")


if __name__ == "__main__":
    main()
