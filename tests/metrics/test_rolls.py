"""Scores of forecast vectors, each against a case worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ritornello.metrics import rolls


def vectors(*rows: dict[int, int]) -> np.ndarray:
    table = np.zeros((len(rows), 128), np.uint8)
    for row, notes in zip(table, rows, strict=True):
        for pitch, velocity in notes.items():
            row[pitch] = velocity
    return table


def test_a_squared_error_does_not_wrap_around() -> None:
    # Bytes would: 0 - 100 is 156 there.
    assert rolls.mean_squared_error(vectors({}), vectors({60: 100})) == pytest.approx(10_000 / 128)


def test_f1_counts_cells() -> None:
    real = vectors({60: 1, 64: 1}, {60: 1}) > 0
    forecast = vectors({60: 1}, {60: 1, 67: 1}) > 0
    assert rolls.note_f1(forecast, real) == pytest.approx(2 * 2 / (3 + 3))
    assert rolls.note_f1(real, real) == 1
    assert rolls.note_f1(real[:0], real[:0]) == 1


def test_copying_finds_no_new_note() -> None:
    real = vectors({60: 1, 64: 1}, {60: 1, 65: 1}) > 0
    last = vectors({60: 1}, {60: 1, 64: 1}) > 0
    assert rolls.new_note_f1(last, real, last) == 0
    assert rolls.new_note_f1(real, real, last) == 1


def test_a_vector_of_equal_notes_is_spread_over_their_number() -> None:
    assert rolls.spread_nats(vectors({60: 80, 64: 80, 67: 80}, {})) == pytest.approx(math.log(3))
    assert rolls.spread_nats(vectors({})) == 0


def test_ticks_that_change_are_counted() -> None:
    notes = vectors({60: 1}, {60: 1}, {62: 1}, {62: 1}, {62: 1}) > 0
    assert rolls.changing_share(notes) == 0.25
    assert rolls.active_per_vector(notes) == 1
