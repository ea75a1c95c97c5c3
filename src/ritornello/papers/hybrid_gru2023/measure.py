"""The figures of `hybrid-gru2023`: one row for each network, ours and the trivial baselines alike.

The first note of each piece is given; all others are scored. Besides the published losses, every
predictor is charged in nats for all three fields on one grid (24 ticks a beat, steps up to eight
beats, durations in the classes of `encodings.notes`), so that they can be added up and compared.
A regression gives no likelihood. It gets the kindest one there is: how often, on training notes,
each class came after a prediction of that size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ritornello.metrics.loops import longest_loop
from ritornello.metrics.token_baselines import token_baselines
from ritornello.note_model.encoding.notes import DURATIONS, MAX_SHIFT, RESOLUTION, duration_class
from ritornello.papers.hybrid_gru2023.encoding import DURATION, PITCH, PITCHES, STEP
from ritornello.papers.hybrid_gru2023.ours import OursForeseen
from ritornello.papers.hybrid_gru2023.train import Foreseen

_EVEN_TICKS = (0, 6, 8, 12, 16, 18)  # sixteenths and triplet eighths, of 24 ticks a beat
_SIZES = 50  # how finely a prediction's size is told apart
_SMOOTHING = 0.5
_BACK_OFF = 4.0  # as in `token_baselines`


@dataclass(frozen=True)
class Figures:
    """Of one predictor on held-out notes; None where it has no such thing.

    Attributes:
        pitch_nats: given the past. accuracy: share of pitches that it held likeliest.
        step_squared, duration_squared: mean squared errors, beats squared.
        step_absolute, duration_absolute: mean absolute errors, beats.
        total_nats: per note, of all three fields on the grid.
    """

    pitch_nats: float
    accuracy: float
    step_squared: float | None
    duration_squared: float | None
    step_absolute: float | None
    duration_absolute: float | None
    total_nats: float


def net_figures(train: Foreseen, test: Foreseen) -> Figures:
    """Of a network, from what it foresaw of training notes and of held-out ones."""
    grid = sum(
        float(_regression_nats(*_classes(train, field), *_classes(test, field)).mean())
        for field in (STEP, DURATION)
    )
    return Figures(
        float(test.pitch_nats.mean()),
        float((test.likeliest == test.true[:, PITCH]).mean()),
        float(((test.step - test.true[:, STEP]) ** 2).mean()),
        float(((test.duration - test.true[:, DURATION]) ** 2).mean()),
        float(np.abs(test.step - test.true[:, STEP]).mean()),
        float(np.abs(test.duration - test.true[:, DURATION]).mean()),
        float(test.pitch_nats.mean()) + grid,
    )


def our_figures(test: OursForeseen) -> Figures:
    """Of our model: squared errors of its means, absolute errors of its medians."""
    return Figures(
        float(test.pitch_nats.mean()),
        float((test.likeliest == test.pitch).mean()),
        float(((test.step_mean - test.step) ** 2).mean()),
        float(((test.duration_mean - test.duration) ** 2).mean()),
        float(np.abs(test.step_median - test.step).mean()),
        float(np.abs(test.duration_median - test.duration).mean()),
        test.total_nats,
    )


def baseline_figures(train: Sequence[np.ndarray], test: Sequence[np.ndarray]) -> dict[str, Figures]:
    """The unigram, whose step and duration are the training mean (squared) and median (absolute);
    and the bigram, which knows the field's last value."""
    fields = ((PITCH, PITCHES), (STEP, MAX_SHIFT + 1), (DURATION, len(DURATIONS)))
    nats = [
        token_baselines([_class(rows, f) for rows in train], [_class(rows, f) for rows in test], n)
        for f, n in fields
    ]
    taught, held = np.concatenate(train), np.concatenate([rows[1:] for rows in test])
    squared = [float(((held[:, f] - taught[:, f].mean()) ** 2).mean()) for f in (STEP, DURATION)]
    absolute = [
        float(np.abs(held[:, f] - np.median(taught[:, f])).mean()) for f in (STEP, DURATION)
    ]
    unigram = Figures(
        nats[0]["unigram_nats"],
        nats[0]["most_frequent_accuracy"],
        squared[0],
        squared[1],
        absolute[0],
        absolute[1],
        sum(field["unigram_nats"] for field in nats),
    )
    bigram = Figures(
        nats[0]["bigram_nats"],
        nats[0]["bigram_accuracy"],
        None,
        None,
        None,
        None,
        sum(field["bigram_nats"] for field in nats),
    )
    return {"unigram": unigram, "bigram": bigram}


def _class(rows: np.ndarray, field: int) -> np.ndarray:
    """Classes of a field on the grid, int64 [notes]."""
    if field == PITCH:
        return rows[:, PITCH].astype(np.int64)
    ticks = np.rint(rows[:, field] * RESOLUTION).astype(np.int64)
    return np.minimum(ticks, MAX_SHIFT) if field == STEP else duration_class(ticks)


def _classes(seen: Foreseen, field: int) -> tuple[np.ndarray, np.ndarray]:
    """What was predicted, in beats, and the true class."""
    return (seen.step if field == STEP else seen.duration), _class(seen.true, field)


def _regression_nats(
    predicted: np.ndarray, true: np.ndarray, test_predicted: np.ndarray, test_true: np.ndarray
) -> np.ndarray:
    """Nats of held-out classes, counted on training pairs of a prediction and a class [notes]."""
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, _SIZES + 1)[1:-1]))
    classes = max(MAX_SHIFT + 1, len(DURATIONS))
    counts = np.zeros((len(edges) + 1, classes))
    np.add.at(counts, (np.searchsorted(edges, predicted), true), 1)
    single = counts.sum(axis=0) + _SMOOTHING
    single /= single.sum()
    size = np.searchsorted(edges, test_predicted)
    share = counts[size, test_true] + _BACK_OFF * single[test_true]
    result: np.ndarray = -np.log(share / (counts.sum(axis=1)[size] + _BACK_OFF))
    return result


# --- habits of what is written ------------------------------------------------------------------


def repetition(pieces: Sequence[np.ndarray]) -> dict[str, float]:
    """Of the pitches of pieces [notes, 3], averaged: the share that lies inside the longest loop
    (a stretch that goes round three times or more), and how many different pitches there are."""
    rows = [piece[:, PITCH].astype(int).tolist() for piece in pieces if len(piece)]
    loops = [longest_loop(row) for row in rows]
    return {
        "in_loop": float(np.mean([
            loop.length / len(row) if loop else 0.0 for loop, row in zip(loops, rows, strict=True)
        ])),
        "pitches": float(np.mean([len(set(row)) for row in rows])),
    }  # fmt: skip


def even_steps(pieces: Sequence[np.ndarray]) -> float:
    """Share of steps that are whole sixteenths or triplet eighths, rounded to 24 ticks a beat."""
    ticks = np.rint(np.concatenate([rows[1:, STEP] for rows in pieces]) * RESOLUTION).astype(int)
    return float(np.isin(ticks % RESOLUTION, _EVEN_TICKS).mean()) if len(ticks) else 0.0


def struck_together(pieces: Sequence[np.ndarray]) -> float:
    """Share of notes on the same of 24 ticks a beat as the note before them."""
    steps = np.concatenate([rows[1:, STEP] for rows in pieces])
    return float((np.rint(steps * RESOLUTION) == 0).mean()) if len(steps) else 0.0
