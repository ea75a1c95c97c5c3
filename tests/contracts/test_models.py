"""What every registered cell promises: steps equal the full pass, and state is a value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ritornello.note_model.cells import CELLS
from ritornello.note_model.cells.linear_recurrence import scan
from ritornello.note_model.encoding.bar_plan import BarPlan
from ritornello.note_model.encoding.batch import OF_ROWS, Batch, stack
from ritornello.note_model.encoding.notes import SIZES
from ritornello.note_model.encoding.sequences import sequences
from ritornello.note_model.encoding.tasks import counted_fields
from ritornello.note_model.network import NoteModel, NoteModelConfig, to_tensors
from ritornello.plan.analysis import analyse
from tests.examples import band


def batch(length: int = 64, told: bool = True, plan: bool = False) -> Batch[torch.Tensor]:
    tasks = ("compose", "arrange", "fill") if told else ("compose",) * 3
    plans = [BarPlan.of(analyse(band(seed))) if plan else None for seed in range(3)]
    rows = [
        sequences(band(seed), 0, 1, task=task, open_probability=float(not told), told=plans[seed])
        for seed, task in enumerate(tasks)
    ]
    return to_tensors(stack([row.chunk(0, length) for row in rows]))


def at(events: Batch[torch.Tensor], time: int | slice) -> Batch[torch.Tensor]:
    """The events of a span, or of one moment without the time axis."""
    return events.each(lambda name, table: table if name in OF_ROWS else table[time])


@pytest.fixture(params=[*CELLS, "qrnn told plans"])
def model(request: pytest.FixtureRequest) -> NoteModel:
    torch.manual_seed(0)
    cell, *plan = request.param.split(" ", 1)
    sizes: dict[str, Any] = {"layers": 2, "width": 24, "head_width": 16, "dropout": 0.0}
    return NoteModel(NoteModelConfig(cell=cell, plan=bool(plan), **sizes)).eval()


@pytest.fixture
def events(model: NoteModel) -> Batch[torch.Tensor]:
    return batch(plan=model.config.plan)


@torch.no_grad()
def test_stepping_equals_the_full_pass(model: NoteModel, events: Batch[torch.Tensor]) -> None:
    nats, last = model(events, model.initial_state(3))
    state = model.initial_state(3)
    for time in range(len(events.fields)):
        now = at(events, time)
        hidden, state = model.step(
            now.context, events.controls, events.instruments, state, now.plays
        )
        for head, size in enumerate(SIZES):
            logits = model.head_logits(head, hidden, now)
            target = now.fields[:, head]
            here = (target < size) & torch.as_tensor(counted_fields(now.counts.numpy())[:, head])
            chosen = logits.log_softmax(-1).gather(-1, target.clamp(max=size - 1)[:, None])[:, 0]
            expected = torch.where(here, -chosen, torch.zeros_like(chosen))
            torch.testing.assert_close(nats[time, :, head], expected, atol=1e-4, rtol=1e-4)
    for block, full in zip(state, last, strict=True):
        for one, other in zip(block, full, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_sequence_in_two_halves_is_the_same_sequence(
    model: NoteModel, events: Batch[torch.Tensor]
) -> None:
    whole, _ = model(events, model.initial_state(3))
    first, state = model(at(events, slice(0, 29)), model.initial_state(3))
    snapshot = [tuple(tensor.clone() for tensor in block) for block in state]
    second, _ = model(at(events, slice(29, 64)), state)
    torch.testing.assert_close(torch.cat([first, second]), whole, atol=1e-4, rtol=1e-4)
    for block, kept in zip(state, snapshot, strict=True):
        for one, other in zip(block, kept, strict=True):
            assert torch.equal(one, other), "reading on changed a state that was handed over"


@torch.no_grad()
def test_the_future_does_not_leak(model: NoteModel, events: Batch[torch.Tensor]) -> None:
    before, _ = model(events, model.initial_state(3))

    def changed(name: str, table: torch.Tensor) -> torch.Tensor:
        if name == "fields" or name in OF_ROWS:
            return table
        return torch.cat([table[:40], torch.zeros_like(table[40:])])

    after, _ = model(events.each(changed), model.initial_state(3))
    torch.testing.assert_close(before[:40], after[:40])


@torch.no_grad()
def test_the_legal_classes_of_each_head_sum_to_one(
    model: NoteModel, events: Batch[torch.Tensor]
) -> None:
    hidden, _ = model.trunk(
        events.context, events.controls, events.instruments, model.initial_state(3), events.plays
    )
    for head in range(len(SIZES)):
        logits = model.head_logits(head, hidden, events)
        assert torch.isfinite(logits.max(-1).values).all(), "a head with nothing to choose"
        total = logits.softmax(-1).sum(-1)
        torch.testing.assert_close(total, torch.ones_like(total))


def test_scan_agrees_with_a_plain_loop_and_its_gradient() -> None:
    torch.manual_seed(0)
    forget = torch.rand(7, 2, 3, dtype=torch.float64, requires_grad=True)
    update = torch.randn(7, 2, 3, dtype=torch.float64, requires_grad=True)
    start = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    carry, rows = start, []
    for time in range(7):
        carry = forget[time] * carry + update[time]
        rows.append(carry)
    torch.testing.assert_close(scan(forget, update, start), torch.stack(rows))
    assert torch.autograd.gradcheck(scan, (forget, update, start))


def test_nats_are_those_of_a_distribution_counted_by_hand() -> None:
    """A model whose last layers are zero is uniform over what is legal."""
    model = NoteModel(NoteModelConfig(layers=1, width=8, head_width=8, dropout=0.0))
    with torch.no_grad():
        for head in model.heads:
            head.out.weight.zero_()  # type: ignore[union-attr, operator]
            head.out.bias.zero_()  # type: ignore[union-attr, operator]
        events = batch(2, told=False)
        nats, _ = model(events, model.initial_state(3))
    # The first event is the tempo, after nothing: all shifts, all parts but REST, 48 tempi.
    expected = np.log([SIZES[0], SIZES[1] - 1, 48])
    np.testing.assert_allclose(nats[0, 0, :3].numpy(), expected, rtol=1e-5)
    assert nats[0, 0, 3:].tolist() == [0, 0], "a tempo has no duration and no velocity"
