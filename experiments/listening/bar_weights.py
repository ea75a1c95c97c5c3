"""Learn what tells where bars begin, see `ritornello.transcribe.bars`.

    python -m experiments.listening.bar_weights STORE    # a corpus store; into the package

The parts are those of `note_beat_model`, whose network must be packed before: as they might
be heard, and some recordings begin before the music. One minute; no torch.
"""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from experiments.listening.beat_clips import ANY_PART, Excerpts
from experiments.listening.note_beat_model import heard
from ritornello.corpus.store import Corpus
from ritornello.note_model import weights_file
from ritornello.transcribe.bars import BARS_FILE, BARS_KIND, FEATURES, METRES, describe
from ritornello.transcribe.note_beats import told_by
from ritornello.transcribe.notes_on_beats import NotesOnBeats

ANSWERS = [(count, first) for count in METRES for first in range(count)]
_SHORTEST_SECONDS, _LONGEST_SECONDS = 15.0, 60.0
_FEWEST_BEATS = 12
_STEADY_SHARE = 0.4
_MOST_SILENT_BEATS = 3  # before the music
_DECAY = 0.002
_STEPS = 4000


def examples(corpus: Corpus, side: str, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features [examples, answers, features] and the numbers of the true answers."""
    rng = np.random.default_rng(seed)
    lengths = np.linspace(_SHORTEST_SECONDS, _LONGEST_SECONDS, 4)
    excerpts = [Excerpts(corpus, side, seconds) for seconds in lengths]
    rows: list[Any] = []
    truth: list[Any] = []
    while len(rows) < count:
        steady = bool(rng.random() < _STEADY_SHARE)
        found = excerpts[rng.integers(len(excerpts))].draw(ANY_PART, rng, steady=steady)
        notes = heard(found, rng)
        told = told_by(notes)
        in_metre = found.knows_bars and found.beats_per_bar in METRES
        if told is None or not in_metre or len(found.beats_seconds) < _FEWEST_BEATS:
            continue
        silent = int(rng.integers(_MOST_SILENT_BEATS + 1))
        beats = found.beats_seconds
        before = beats[0] - (beats[1] - beats[0]) * np.arange(silent, 0, -1)
        first = (int(found.is_downbeat.argmax()) + silent) % found.beats_per_bar
        played = NotesOnBeats(notes, told, np.concatenate([before, beats]))
        rows.append(describe(played, ANSWERS))
        truth.append(ANSWERS.index((found.beats_per_bar, first)))
    return np.array(rows), np.array(truth)


def learn(features: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Weights of a conditional logit, [features], by gradient descent with momentum."""
    scale = features.reshape(-1, features.shape[2]).std(axis=0) + 1e-6
    scaled, who = features / scale, np.arange(len(truth))
    weights, speed = np.zeros(len(scale)), np.zeros(len(scale))
    for _ in range(_STEPS):
        chances = _chances(scaled, weights)
        chances[who, truth] -= 1
        slope = np.einsum("ea,eaf->f", chances, scaled) / len(truth) + 2 * _DECAY * weights
        speed = 0.9 * speed - 0.1 * slope
        weights = weights + speed
    result: np.ndarray = weights / scale
    return result


def _chances(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    scores = features @ weights
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: np.ndarray = chances / chances.sum(axis=1, keepdims=True)
    return result


def figures(features: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """How often answer and beats a bar are right, and nats of the truth."""
    chances = _chances(features, weights)
    best = chances.argmax(axis=1)
    counts = np.array([count for count, _ in ANSWERS])
    return {
        "examples": len(truth),
        "right": float((best == truth).mean()),
        "right_beats_a_bar": float((counts[best] == counts[truth]).mean()),
        "nats": float(-np.log(chances[np.arange(len(truth)), truth]).mean()),
        "mean_confidence": float(chances.max(axis=1).mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--examples", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    corpus = Corpus.open(options.store)
    weights = learn(*examples(corpus, "train", options.examples, options.seed))
    held_out = figures(*examples(corpus, "valid", 1000, options.seed + 1), weights)
    for name, weight in sorted(zip(FEATURES, weights, strict=True), key=lambda item: -abs(item[1])):
        print(f"{weight:8.2f}  {name}")
    print(held_out)
    provenance = {
        "data": "parts of the training side of the sets that models of the package may learn",
        "examples": options.examples, "seed": options.seed, "validation": held_out,
        "command": "python -m experiments.listening.bar_weights STORE",
    }  # fmt: skip
    file = weights_file.WeightsFile(
        BARS_KIND, {"weights": weights.astype(np.float32)}, {"features": list(FEATURES)}, provenance
    )
    weights_file.save(file, Path(str(files("ritornello"))) / "assets" / "listening" / BARS_FILE)


if __name__ == "__main__":
    main()
