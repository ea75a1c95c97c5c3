"""A batch keeps the rows it is stacked of apart, and every table under its name."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello.note_model.encoding.batch import (
    TIMED,
    head_inputs,
    legal_classes,
    select_events,
    stack,
)
from ritornello.note_model.encoding.notes import FIELDS, SIZES
from ritornello.note_model.encoding.sequences import sequences
from ritornello.note_model.encoding.tables import HEAD_INPUTS, head_columns
from tests.examples import band

ROWS = [sequences(band(seed), seed % 2, 2, task="vary").chunk(8, 40) for seed in range(3)]


def test_each_row_is_found_again_in_each_table() -> None:
    batch = stack(ROWS)
    for index, row in enumerate(ROWS):
        for number, (whole, own) in enumerate(zip(batch.tables(), row.tables(), strict=True)):
            np.testing.assert_array_equal(whole[:, index] if number < TIMED else whole[index], own)
    assert batch.composed_notes().tolist() == [row.composed_notes for row in ROWS]


def test_chosen_events_keep_what_is_true_of_their_row() -> None:
    batch = stack(ROWS)
    chosen = np.random.default_rng(0).random(batch.counts.shape) < 0.3
    events = select_events(batch, chosen)
    for number, (time, row) in enumerate(np.argwhere(chosen)):
        np.testing.assert_array_equal(events.memory[number], ROWS[row].memory[time])
        np.testing.assert_array_equal(events.closed[number], ROWS[row].closed)


def test_a_head_sees_the_columns_it_has_classes_for() -> None:
    batch = stack(ROWS)
    for head, size in enumerate(SIZES):
        inputs = head_inputs(head, batch.table)
        if not HEAD_INPUTS[head]:
            assert inputs is None
            continue
        assert inputs is not None
        assert inputs.shape == (*batch.counts.shape, len(head_columns(head)))
        assert np.all(inputs < head_columns(head))
        legal = legal_classes(head, batch.fields, batch.context, batch.closed)
        target = batch.fields[..., head]
        time, row = np.nonzero(target < size)
        assert legal is None or legal[time, row, target[time, row]].all(), FIELDS[head]


def test_masks_are_the_same_made_by_numpy_and_by_torch() -> None:
    torch = pytest.importorskip("torch", reason="networks need the extra train")
    batch = stack(ROWS)
    tables = batch.fields, batch.context, batch.closed
    for head in range(len(SIZES)):
        ours, theirs = (
            legal_classes(head, *tables),
            legal_classes(head, *map(torch.as_tensor, tables)),
        )
        assert (ours is None) == (theirs is None)
        if ours is not None and theirs is not None:
            assert theirs.dtype == torch.bool
            np.testing.assert_array_equal(ours, theirs.numpy())
