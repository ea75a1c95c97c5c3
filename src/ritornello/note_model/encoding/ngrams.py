"""Unigram and bigram counts of events: the trivial baselines every model is shown beside.

A bigram predicts each field from the same field of the previous event. Counts are smoothed by
adding a half to each class; the masks of the encoding are not used.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ritornello.note_model.encoding.notes import (
    FIELDS,
    FIRST_PART,
    NONE,
    PARTS_PER_INSTRUMENT,
    REST,
    SIZES,
    START,
)

_SMOOTHING = 0.5
_LEARNED_NOTES = 500

Counts = dict[str, np.ndarray]


def count(tables: Iterable[np.ndarray]) -> Counts:
    """Count the events of pieces.

    Args:
        tables: event fields, int [events, 5], a table a piece.

    Returns:
        For each field float32 [previous class, class]: how often one followed the other.
    """
    counts = {
        name: np.zeros((size + 1, size), np.float32)
        for name, size in zip(FIELDS, SIZES, strict=True)
    }
    for fields in tables:
        previous = np.concatenate([[_before_first()], fields[:-1]])
        for column, name in enumerate(FIELDS):
            present = fields[:, column] < SIZES[column]
            np.add.at(counts[name], (previous[present, column], fields[present, column]), 1)
    return counts


def nats(
    counts: Counts, fields: np.ndarray, counted: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Nats of each field of a piece, summed over its events.

    Args:
        counts: as of `count`.
        fields: int64 [events, 5].
        counted: bool [events, 5], which of them count; all where None.

    Returns:
        unigram and bigram, float64 [5] each.
    """
    previous = np.concatenate([[_before_first()], fields[:-1]])
    unigram, bigram = np.zeros(len(FIELDS)), np.zeros(len(FIELDS))
    for column, name in enumerate(FIELDS):
        table = counts[name].astype(np.float64)
        present = fields[:, column] < SIZES[column]
        if counted is not None:
            present &= counted[:, column]
        before, now = previous[present, column], fields[present, column]
        single = table.sum(axis=0) + _SMOOTHING
        unigram[column] = -np.log(single[now] / single.sum()).sum()
        # A rare context falls back on the unigram, which weighs as much as a few counts.
        weight = 4.0
        pair = table[before, now] + weight * single[now] / single.sum()
        bigram[column] = -np.log(pair / (table.sum(axis=1)[before] + weight)).sum()
    return unigram, bigram


def known_instruments(counts: Counts, *, least_notes: int = _LEARNED_NOTES) -> frozenset[int]:
    """Indices into `INSTRUMENTS` of the instruments the counted music has enough notes for.

    Args:
        counts: as `count` makes them, or as a checkpoint keeps them (``baseline``).
        least_notes: that many notes, in all its parts together, make an instrument known.
    """
    of_part = counts["part"].sum(axis=0)[FIRST_PART:REST]
    played = of_part.reshape(-1, PARTS_PER_INSTRUMENT).sum(axis=1)
    return frozenset(np.flatnonzero(played >= least_notes).tolist())


def _before_first() -> tuple[int, ...]:
    return (0, START, *NONE[2:])
