"""The feedback loop of `rhythmix2024`: listeners rate what a model wrote, and it learns from that.

The authors describe the loop and do not say how a rating changes the network. Here the model
learns its own rated pieces again, each weighted by how far its rating is above those of other
pieces with the same primer (how well the primer itself pleases, the model cannot change): what was
liked gains on what was not, as in the policy gradient of Williams (1992).
Weights that are all positive, exp(rating / temperature), made no difference that could be told
from chance with half as many ratings. On its own this drifts away from music; a second term, the
divergence from the model before on windows of real lines, holds it there.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ritornello.music.keys import estimate_key, pitch_class_weights
from ritornello.papers.rhythmix2024.encoding import DURATIONS_TICKS, NONE, PITCHES, REST
from ritornello.papers.rhythmix2024.model import EventLSTM
from ritornello.rng import Rng

_KEPT = 0.5  # weight of the divergence, in nats for nats
_LEARNING_RATE = 2e-3
_BATCH = 128
_NOISE_STARS = 0.5
STARS = (1, 5)
_LARGEST_STEP = 2  # semitones

Windows = Iterator[tuple[Tensor, Tensor]]


def simulated_rating(events: np.ndarray, rng: Rng) -> int:
    """Stars, 1 to 5, from a simulated listener who likes stepwise melody within a key.

    1 + 8 x (share of steps of one or two semitones among the moves from note to note) x (share of
    the sounding time in the scale of the key that fits best), and noise of half a star; so a
    melody within a key that moves by step every other time has all five.
    """
    sounds = events[:, 0] != REST
    pitches, ticks = events[sounds, 0], DURATIONS_TICKS[events[sounds, 1]]
    moves = np.abs(np.diff(pitches))
    steps = np.mean((moves >= 1) & (moves <= _LARGEST_STEP)) if len(moves) else 0.0
    weights = pitch_class_weights(pitches, ticks)
    key = estimate_key(weights)
    in_key = 0.0 if key is None else weights[[*key.pitch_classes]].sum() / weights.sum()
    return int(np.clip(round(1 + 8 * steps * in_key + rng.normal(0, _NOISE_STARS)), *STARS))


@dataclass(frozen=True)
class Rated:
    """A piece that was rated: its primer, what the model wrote after it, and the stars."""

    primer: np.ndarray
    written: np.ndarray
    stars: float


def learn_from_ratings(
    model: EventLSTM, rated: Sequence[Rated], real: Windows, *, passes: int, seed: int
) -> EventLSTM:
    """A copy of a model that has learned from ratings; the model itself stays as it is.

    Args:
        rated: pieces of the model with their ratings; only what it wrote counts, not the primers.
        real: windows of real lines, see `rhythmix2024_training.windows`, to stay near.
        passes: through the rated pieces. seed: of their order.
    """
    rng = np.random.default_rng(seed)
    learner = copy.deepcopy(model).eval()  # dropout would be taken for a divergence
    optimiser = torch.optim.Adam(learner.parameters(), _LEARNING_RATE)
    weights = _weights(rated)
    for _ in range(passes):
        order = rng.permutation(len(rated))
        for chosen in np.split(order, range(_BATCH, len(order), _BATCH)):
            liked = _rated_nats(learner, [rated[index] for index in chosen], weights[chosen])
            kept = _divergence(model, learner, *next(real))
            (liked + _KEPT * kept).backward()
            torch.nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
    return learner


def _weights(rated: Sequence[Rated]) -> np.ndarray:
    """How much each piece counts, mean 0 and deviation 1; a single piece is held against all."""
    stars = np.array([piece.stars for piece in rated], float)
    primers = np.unique([piece.primer.ravel() for piece in rated], axis=0, return_inverse=True)[1]
    counts = np.bincount(primers)[primers]
    usual = np.where(counts > 1, np.bincount(primers, stars)[primers] / counts, stars.mean())
    above = stars - usual
    result: np.ndarray = above / max(above.std(), 1e-6)
    return result


def _rated_nats(learner: EventLSTM, rated: list[Rated], weights: np.ndarray) -> Tensor:
    """Weighted mean nats of the events that were written; a scalar."""
    rows = np.stack([np.concatenate([[NONE], piece.primer, piece.written]) for piece in rated], 1)
    table = torch.as_tensor(rows)
    nats, _ = learner.nats(table[:-1], table[1:], learner.initial_state(len(rated)))
    written = nats[len(rated[0].primer) :].sum(-1)
    return (written * torch.as_tensor(weights, dtype=written.dtype)).mean()


def _divergence(before: EventLSTM, learner: EventLSTM, rows: Tensor, events: Tensor) -> Tensor:
    """Mean nats that the learner's distributions of real events differ from those before."""
    state = learner.initial_state(rows.shape[1])
    with torch.no_grad():
        *held, _ = before(rows, state)
    *now, _ = learner(rows, state)
    here = events[..., 0] < PITCHES
    total = torch.zeros(())
    for old, new in zip(held, now, strict=True):
        total = total + F.kl_div(
            new[here].log_softmax(-1),
            old[here].log_softmax(-1),
            log_target=True,
            reduction="batchmean",
        )
    return total


def feedback_loop(
    model: EventLSTM,
    write: Callable[[EventLSTM, int], list[tuple[np.ndarray, np.ndarray]]],
    real: Windows,
    *,
    rounds: int,
    passes: int,
    seed: int,
    shuffled: bool = False,
) -> EventLSTM:
    """Write, be rated, learn, and again.

    Args:
        write: pieces of a model in a round: primers, and what it wrote after each.
        shuffled: give each piece the stars of another: what learning without a meaning does.
    """
    rng = np.random.default_rng((seed, 7))
    for number in range(rounds):
        pieces = write(model, number)
        stars = [simulated_rating(written, rng) for _, written in pieces]
        if shuffled:
            rng.shuffle(stars)
        rated = [Rated(*piece, stars=star) for piece, star in zip(pieces, stars, strict=True)]
        model = learn_from_ratings(model, rated, real, passes=passes, seed=seed + number)
    return model


def mean_with_interval(
    values: Sequence[float] | np.ndarray, *, seed: int, resamples: int = 2000
) -> tuple[float, float, float]:
    """The mean, and the 95% interval of the mean by bootstrap (percentiles): mean, low, high."""
    table = np.asarray(values, float)
    rng = np.random.default_rng(seed)
    means = table[rng.integers(len(table), size=(resamples, len(table)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(table.mean()), float(low), float(high)
