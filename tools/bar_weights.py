"""Learn what tells where bars begin, see `ritornello.audio.listening.bars`.

    python -m tools.bar_weights STORE        # of a prepared corpus store; weights into the package

Parts of training pieces, as they might be heard: notes are missing and a little off, some players
begin with an upbeat, and some recordings before the music. One minute; no torch.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import numpy as np

from ritornello import weights_file
from ritornello.audio.listening.bars import BARS_FILE, BARS_KIND, FEATURES, METRES, describe
from ritornello.audio.listening.heard import HEARD_NOTE_DTYPE
from ritornello.corpus.store import Corpus
from ritornello.piece import Piece, Track

ANSWERS = [(count, first) for count in METRES for first in range(count)]
_BARS = (6, 24)  # of a stretch
_FEWEST_NOTES = 16
_MOST_LOST = 0.25
_OFF_BEATS = 0.02
_UPBEATS = 0.35
_DECAY = 0.002
_STEPS = 4000


def examples(corpus: Corpus, side: str, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features [examples, answers, features] and the numbers of the true answers."""
    rng = np.random.default_rng(seed)
    rows, truth = [], []
    for piece, track in _parts(corpus, side, rng):
        made = _heard(piece, track, rng)
        if made is not None:
            notes, times, answer = made
            rows.append(describe(notes, times, ANSWERS))
            truth.append(ANSWERS.index(answer))
        if len(rows) == count:
            break
    return np.array(rows), np.array(truth)


def _parts(corpus: Corpus, side: str, rng: np.random.Generator) -> Iterator[tuple[Piece, Track]]:
    """Pitched parts of random pieces; collections alike, so that none rules."""
    by_collection: dict[str, list[int]] = {}
    for index in corpus.indices(side):
        by_collection.setdefault(corpus.collection_of(int(index)), []).append(int(index))
    names = sorted(by_collection)
    for _ in range(100_000):
        piece = corpus.piece(int(rng.choice(by_collection[names[rng.integers(len(names))]])))
        pitched = [track for track in piece.tracks if not track.is_drum]
        if pitched:
            yield piece, pitched[rng.integers(len(pitched))]


def _heard(
    piece: Piece, track: Track, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, tuple[int, int]] | None:
    """A stretch of a part as it might be heard, its beats, and where its bars begin."""
    metre = piece.metres[rng.integers(len(piece.metres))]
    later = [other.tick for other in piece.metres if other.tick > metre.tick]
    end = min([*later, piece.length_ticks])
    beat, bar = metre.beat_ticks(piece.resolution), metre.bar_ticks(piece.resolution)
    in_bar = bar // beat
    bars = int(rng.integers(_BARS[0], _BARS[1] + 1))
    room = (end - metre.tick) // bar - bars
    if in_bar not in METRES or bar % beat or room < 0:
        return None
    start = metre.tick + int(rng.integers(room + 1)) * bar
    if rng.random() < _UPBEATS:  # begins in the middle of a bar
        start += int(rng.integers(in_bar)) * beat
    table = track.notes[
        (track.notes["onset"] >= start) & (track.notes["onset"] < start + bars * bar)
    ]
    table = table[rng.random(len(table)) >= rng.uniform(0, _MOST_LOST)]
    if len(table) < _FEWEST_NOTES:
        return None
    silent = int(rng.integers(in_bar))  # beats heard before the music
    notes = np.zeros(len(table), HEARD_NOTE_DTYPE)
    onsets = (table["onset"] - start) / beat + silent
    notes["onset_seconds"] = np.maximum(0, onsets + rng.normal(0, _OFF_BEATS, len(table)))
    notes["end_seconds"] = notes["onset_seconds"] + table["duration"] / beat
    notes["pitch"] = table["pitch"]
    notes["velocity"] = np.clip(table["velocity"] + rng.integers(-8, 9, len(table)), 1, 127)
    notes = np.sort(notes, order=["onset_seconds", "pitch"])
    beats = np.arange(bars * in_bar + silent, dtype=float)
    first = (silent - (start - metre.tick) // beat) % in_bar
    return notes, beats, (in_bar, int(first))


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
    return weights / scale


def _chances(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    scores = features @ weights
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    return chances / chances.sum(axis=1, keepdims=True)


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
        "command": "python -m tools.bar_weights STORE",
    }  # fmt: skip
    file = weights_file.WeightsFile(
        BARS_KIND, {"weights": weights.astype(np.float32)}, {"features": list(FEATURES)}, provenance
    )
    weights_file.save(file, Path(str(files("ritornello"))) / "assets" / "listening" / BARS_FILE)


if __name__ == "__main__":
    main()
