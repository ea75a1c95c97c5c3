"""Unigrams and bigrams of plans: the trivial baselines that the plan network is shown beside.

A bigram predicts each field from the same field of the bar before, and whether a player plays from
whether it played. Counts are smoothed by a half; nothing is masked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ritornello.plan_model.plan_rows import FIELDS, NONE, SIZES, PlanRows

_SMOOTHING = 0.5
_WEIGHT = 4.0  # of the unigram where a bigram has rarely been seen
_PLAYS = (2, 2)


@dataclass(frozen=True)
class Counts:
    """How often a class followed another, float64 [class before, class]: by field, of players."""

    fields: tuple[np.ndarray, ...]
    plays: np.ndarray


def count(plans: Iterable[PlanRows]) -> Counts:
    """Count the bars of plans in which nothing is open."""
    fields = tuple(np.zeros((size + 1, size)) for size in SIZES)
    plays = np.zeros(_PLAYS)
    for rows in plans:
        before = np.concatenate([[NONE], rows.fields[:-1]])
        for column in range(len(FIELDS)):
            present = rows.fields[:, column] < NONE[column]
            pair = before[present, column], rows.fields[present, column]
            np.add.at(fields[column], pair, 1)
        played = np.concatenate([np.zeros((1, rows.plays.shape[1]), np.int64), rows.plays[:-1]])
        np.add.at(plays, (played.ravel(), rows.plays.ravel()), 1)
    return Counts(fields, plays)


def nats(counts: Counts, rows: PlanRows) -> tuple[np.ndarray, np.ndarray]:
    """Nats of a plan: unigram and bigram, float64 [12] each, the players last."""
    before = np.concatenate([[NONE], rows.fields[:-1]])
    found = np.zeros((2, len(FIELDS) + 1))
    for column in range(len(FIELDS)):
        present = rows.fields[:, column] < NONE[column]
        found[:, column] = _nats(
            counts.fields[column], before[present, column], rows.fields[present, column]
        )
    played = np.concatenate([np.zeros((1, rows.plays.shape[1]), np.int64), rows.plays[:-1]])
    found[:, -1] = _nats(counts.plays, played.ravel(), rows.plays.ravel())
    return found[0], found[1]


def _nats(table: np.ndarray, before: np.ndarray, now: np.ndarray) -> tuple[float, float]:
    single = table.sum(axis=0) + _SMOOTHING
    single /= single.sum()
    pair = (table[before, now] + _WEIGHT * single[now]) / (table.sum(axis=1)[before] + _WEIGHT)
    return float(-np.log(single[now]).sum()), float(-np.log(pair).sum())
