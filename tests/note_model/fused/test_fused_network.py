"""Fused operations compute what the network written out in torch does, values and gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

pytest.importorskip("torch", reason="networks need the extra train")

import torch

from ritornello.note_model.cells import CELLS
from ritornello.note_model.cells.cell import State
from ritornello.note_model.cells.linear_recurrence import by_doubling, by_steps, scan
from ritornello.note_model.encoding.batch import Batch
from ritornello.note_model.fused import c_functions, fused_network, operations
from ritornello.note_model.network import NoteModel, NoteModelConfig, to_tensors
from ritornello.training.batches import Rows
from ritornello.training.piece_plans import piece_plans
from tests.examples import MemoryCorpus, band

pytestmark = pytest.mark.skipif(c_functions.load() is None, reason="there is no C compiler")
ROWS, CHUNK = 5, 24
Run = Callable[..., tuple[torch.Tensor, list[State]]]
Example = tuple[NoteModel, Batch[torch.Tensor], list[State]]


def example(
    cell: str = "qrnn",
    width: int = 72,
    head_width: int = 40,
    dropout: float = 0.0,
    *,
    plan: bool = False,
) -> Example:
    """A network, a batch with given and composed notes and padding, and a state before it."""
    torch.manual_seed(0)
    model = NoteModel(NoteModelConfig(cell, 2, width, head_width, dropout, plan=plan))
    music = MemoryCorpus([band(seed, bars=3) for seed in range(8)])
    plans = piece_plans(music) if plan else None
    rows = Rows(music, shares=None, batch=ROWS, chunk=CHUNK, seed=2, plans=plans)
    for _ in range(3):
        batch, _ = rows.next()
    assert 0 < batch.counts.mean() < 2  # some given, some composed
    state = [
        tuple((0.3 * torch.randn_like(tensor)).requires_grad_() for tensor in block)
        for block in model.initial_state(ROWS)
    ]
    return model, to_tensors(batch), state


def fused(model: NoteModel) -> Run:
    return partial(fused_network.nats, model)


def with_gradients(
    run: Run, model: NoteModel, batch: Batch[torch.Tensor], state: list[State]
) -> tuple[torch.Tensor, list[State], dict[str, Any]]:
    """Nats, the state after, and the gradient of a weighted sum of both, by name."""
    model.zero_grad(set_to_none=True)
    inputs = [tensor for block in state for tensor in block]
    for tensor in inputs:
        tensor.grad = None
    nats, after = run(batch, state)
    weights = torch.linspace(0.5, 1.5, nats.numel()).view(nats.shape)
    total = (nats * weights).sum()
    total = total + sum((tensor**2).sum() for block in after for tensor in block[1:])
    total.backward()
    gradients = {name: each.grad for name, each in model.named_parameters()}
    gradients |= {f"state {number}": each.grad for number, each in enumerate(inputs)}
    return nats.detach(), after, gradients


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("width", "head_width"), [(72, 40), (128, 64)])
def test_they_give_the_numbers_of_the_network_in_torch(
    cell: str, width: int, head_width: int
) -> None:
    check_alike(*example(cell, width, head_width))


def test_they_give_the_numbers_of_a_network_that_is_told_plans() -> None:
    check_alike(*example(plan=True))
    unplanned = example()[1]
    model, _, state = example(plan=True)
    check_alike(model, unplanned, state)


def check_alike(model: NoteModel, batch: Batch[torch.Tensor], state: list[State]) -> None:
    assert fused_network.is_possible(model)
    found = with_gradients(fused(model), model, batch, state)
    expected = with_gradients(model, model, batch, state)
    torch.testing.assert_close(found[0], expected[0], rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(found[1], expected[1], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    for name, gradient in expected[2].items():
        if gradient is None:  # nobody plays where no plan is told
            assert found[2][name] is None
            continue
        largest = float(gradient.abs().max())
        torch.testing.assert_close(
            found[2][name], gradient, rtol=1e-3, atol=1e-5 * largest + 1e-7, msg=name
        )


def test_operands_in_bfloat16_change_nats_and_gradients_little() -> None:
    model, batch, state = example()
    exact = with_gradients(fused(model), model, batch, state)

    def rounded(*arguments: Any) -> tuple[torch.Tensor, list[State]]:
        with torch.autocast("cpu", torch.bfloat16):
            return fused_network.nats(model, *arguments)

    found = with_gradients(rounded, model, batch, state)
    assert found[0].dtype == torch.float32
    assert not torch.equal(found[0], exact[0])
    assert float(found[0].sum()) == pytest.approx(float(exact[0].sum()), rel=2e-3)
    for name, gradient in exact[2].items():
        error = (found[2][name] - gradient).norm() / gradient.norm()
        assert error < 0.03, name


def test_threads_share_the_work_and_change_nothing() -> None:
    model, batch, state = example()
    alone = with_gradients(fused(model), model, batch, state)
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        shared = with_gradients(fused(model), model, batch, state)
    finally:
        torch.set_num_threads(threads)
    torch.testing.assert_close(shared[0], alone[0], rtol=1e-5, atol=1e-6)
    for name, gradient in alone[2].items():
        torch.testing.assert_close(shared[2][name], gradient, rtol=1e-4, atol=1e-5, msg=name)


def test_dropout_drops_its_share_and_the_way_back_finds_the_same() -> None:
    model, _, state = example(dropout=0.4)
    block = model.blocks[0]
    x = torch.randn(CHUNK * ROWS, 72, requires_grad=True)

    def run(dropout: float) -> torch.Tensor:
        torch.manual_seed(7)
        names = ("norm.weight", "cell.gates.weight", "cell.gates.bias")
        norm, gates, bias = (block.get_parameter(name) for name in names)
        return operations.qrnn_block(x, state[0], norm, gates, bias, dropout)[0]

    kept, dropped = run(0.0) - x, run(0.4) - x
    gone = dropped.abs() < 1e-7
    assert float(gone.float().mean()) == pytest.approx(0.4, abs=0.02)
    torch.testing.assert_close(dropped[~gone], kept[~gone] / 0.6, rtol=1e-3, atol=1e-5)
    assert torch.equal(run(0.4), run(0.4))
    # The gradient along a direction is that of the same function: differences say so.
    direction, weights = torch.randn_like(x), torch.randn_like(x)
    (gradient,) = torch.autograd.grad((run(0.4) * weights).sum(), x)
    with torch.no_grad():
        step = 1e-2
        x += step * direction
        more = (run(0.4) * weights).double().sum()
        x -= 2 * step * direction
        less = (run(0.4) * weights).double().sum()
    slope = float((more - less) / (2 * step))
    assert float((gradient * direction).sum()) == pytest.approx(slope, rel=0.02)


def test_a_network_learns_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch, state = example()
    monkeypatch.setattr(c_functions, "load", lambda: None)
    assert not fused_network.is_possible(model)
    nats, _ = fused_network.nats(model, batch, state)
    assert torch.equal(nats, model(batch, state)[0])


def test_a_network_that_is_made_otherwise_is_run_as_it_says() -> None:
    class Silent(NoteModel):
        def forward(self, events: Any, state: list[State]) -> Any:
            return torch.zeros(1), state

    model, batch, state = example()
    nats, _ = fused_network.nats(Silent(model.config), batch, state)
    assert torch.equal(nats, torch.zeros(1))


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (33, 40), (130, 72)])
def test_matrices_are_transposed(shape: tuple[int, int]) -> None:
    x = torch.randn(shape).bfloat16()
    assert torch.equal(operations.transposed(x), x.t())


@pytest.mark.parametrize("time", [1, 2, 13, 64])
def test_all_ways_of_a_scan_are_one(time: int) -> None:
    torch.manual_seed(1)
    forget, update = torch.rand(time, 3, 9), torch.randn(time, 3, 9)
    start = torch.randn(3, 9)
    expected = by_steps(forget, update, start)
    torch.testing.assert_close(scan(forget, update, start), expected)
    begun = torch.cat([update[:1] + forget[:1] * start, update[1:]])
    torch.testing.assert_close(by_doubling(forget, begun), expected)
    exact = scan(forget.double(), update.double(), start.double())
    torch.testing.assert_close(exact.float(), expected)
