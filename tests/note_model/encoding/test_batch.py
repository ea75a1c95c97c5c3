"""A batch keeps the rows it is stacked of apart, and every table under its name."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello.note_model.encoding.bar_plan import BarPlan
from ritornello.note_model.encoding.batch import (
    OF_ROWS,
    head_inputs,
    legal_classes,
    select_events,
    stack,
)
from ritornello.note_model.encoding.notes import FIELDS, SIZES
from ritornello.note_model.encoding.sequences import Sequences, sequences
from ritornello.note_model.encoding.tables import HEAD_INPUTS, head_columns
from ritornello.plan.analysis import analyse
from tests.examples import band

ROWS = [sequences(band(seed), seed % 2, 2, task="vary").chunk(8, 40) for seed in range(3)]
PLANNED = [
    sequences(band(seed), seed % 2, 2, task="vary", told=BarPlan.of(analyse(band(seed)))).chunk(
        8, 40
    )
    for seed in range(3)
]


@pytest.mark.parametrize("rows", [ROWS, PLANNED], ids=["plain", "planned"])
def test_each_row_is_found_again_in_each_table(rows: list[Sequences]) -> None:
    batch = stack(rows)
    for index, row in enumerate(rows):
        for name, own in vars(row).items():
            whole = getattr(batch, name)
            if own is None:
                assert whole is None
                continue
            found = whole[index] if name in OF_ROWS else whole[:, index]
            np.testing.assert_array_equal(found, own)
    assert batch.composed_notes().tolist() == [row.composed_notes for row in rows]


def test_chosen_events_keep_what_is_true_of_their_row() -> None:
    batch = stack(ROWS)
    chosen = np.random.default_rng(0).random(batch.counts.shape) < 0.3
    events = select_events(batch, chosen)
    for number, (time, row) in enumerate(np.argwhere(chosen)):
        np.testing.assert_array_equal(events.memory[number], ROWS[row].memory[time])
        np.testing.assert_array_equal(events.closed[number], ROWS[row].closed)


@pytest.mark.parametrize("rows", [ROWS, PLANNED], ids=["plain", "planned"])
def test_a_head_sees_the_columns_it_has_classes_for(rows: list[Sequences]) -> None:
    batch = stack(rows)
    plan = rows is PLANNED
    for head, size in enumerate(SIZES):
        inputs = head_inputs(head, batch.table)
        if not HEAD_INPUTS[head]:
            assert inputs is None
            continue
        assert inputs is not None
        assert inputs.shape == (*batch.counts.shape, len(head_columns(head, plan=plan)))
        assert (inputs < np.array(head_columns(head, plan=plan))).all()
        legal = legal_classes(head, batch.fields, batch.context, batch.closed, batch.may_play)
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
