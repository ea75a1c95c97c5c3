"""Learn what tells beats that fall into three from others, see `ritornello.transcribe.bars`.

    python -m experiments.listening.compound_metres STORE    # prints the logit; a minute, no torch

Parts and mixes of both kinds, as they might be heard, on their true beats: one in four in a
compound metre.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from experiments.listening.beat_clips import ANY_PART, COMPOUND_METRES, METRES, Excerpts
from experiments.listening.note_beat_model import heard
from ritornello.corpus.store import Corpus
from ritornello.transcribe.bars import falls_into_three, shares_between

_SHARES = {ANY_PART: 50, "piano": 12, "guitar": 10, "lead": 10, "strings": 8, "mix": 10}
_COMPOUND_SHARE, _STEADY_SHARE = 0.25, 0.4
_SECONDS, _FEWEST_NOTES, _FEWEST_BEATS = 35.0, 16, 8
_DECAY, _STEPS, _SPEED = 1e-3, 4000, 0.3


def examples(
    corpus: Corpus, side: str, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares between beats [examples, 5], whether beats fall into three, and what is told now."""
    excerpts, rng = Excerpts(corpus, side, _SECONDS), np.random.default_rng(seed)
    kinds, shares = [*_SHARES], np.array([*_SHARES.values()])
    rows: list[np.ndarray] = []
    truth: list[bool] = []
    told: list[bool] = []
    while len(rows) < count:
        is_compound = bool(rng.random() < _COMPOUND_SHARE)
        kind = str(rng.choice(kinds, p=shares / shares.sum()))
        metres = COMPOUND_METRES if is_compound else METRES - COMPOUND_METRES
        steady = bool(rng.random() < _STEADY_SHARE)
        found = excerpts.draw(kind, rng, steady=steady, metres=metres)
        notes, beats = heard(found, rng), found.beats_seconds
        if len(notes) < _FEWEST_NOTES or len(beats) < _FEWEST_BEATS:
            continue
        rows.append(shares_between(notes, beats))
        truth.append(is_compound)
        told.append(falls_into_three(notes, beats))
    return np.array(rows), np.array(truth), np.array(told)


def learn(shares: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """A constant and the nats of each share, [6], by gradient descent with momentum; what lies on
    both quarters counts alike."""
    table = _joined(shares)
    scale = table.std(axis=0) + 1e-9
    scaled = np.column_stack([np.ones(len(table)), table / scale])
    weights, speed = np.zeros(5), np.zeros(5)
    for _ in range(_STEPS):
        slope = scaled.T @ (1 / (1 + np.exp(-scaled @ weights)) - truth) / len(truth)
        slope[1:] += 2 * _DECAY * weights[1:]
        speed = 0.9 * speed - _SPEED * slope
        weights = weights + speed
    found = weights[1:] / scale
    return np.array([weights[0], *found, found[-1]])


def _joined(shares: np.ndarray) -> np.ndarray:
    return np.column_stack([shares[:, :3], shares[:, 3] + shares[:, 4]])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--examples", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    corpus = Corpus.open(options.store)
    shares, truth, _ = examples(corpus, "train", options.examples, options.seed)
    print("constant and nats:", learn(shares, truth).round(1))
    _, truth, told = examples(corpus, "valid", options.examples // 3, options.seed + 1)
    print(f"told now: {told[truth].mean():.2f} of threes, {told[~truth].mean():.3f} of others")


if __name__ == "__main__":
    main()
