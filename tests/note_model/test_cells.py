"""The cells compute what their papers say, and learn from it: values and gradients of plain loops.

The loops are written from the equations, one event at a time, in float64 and without any of what
makes the cells fast or keeps them from overflowing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch", reason="networks need the extra train")

import torch
from torch import Tensor

from ritornello.note_model.cells import CELLS
from ritornello.note_model.cells.cell import Cell, State
from ritornello.note_model.cells.mlstm import _CHUNK, MLSTM

WIDTH, BATCH, TIME = 12, 2, _CHUNK + 7  # more than one chunk, and not a multiple of it
Step = Callable[[Cell, Tensor, State], tuple[Tensor, State]]


def qrnn(cell: Any, window: Tensor, state: State) -> tuple[Tensor, State]:
    candidate, forget, output = cell.gates(window).chunk(3, -1)
    forget = torch.sigmoid(forget)
    carried = forget * state[0] + (1 - forget) * torch.tanh(candidate)
    return torch.sigmoid(output) * carried, (carried,)


def mingru(cell: Any, window: Tensor, state: State) -> tuple[Tensor, State]:
    candidate, update = cell.gates(window).chunk(2, -1)
    share = torch.sigmoid(update)
    hidden = (1 - share) * state[0] + share * candidate
    return hidden, (hidden,)


def rglru(cell: Any, window: Tensor, state: State) -> tuple[Tensor, State]:
    value, recurrence, entry, branch = cell.gates(window).chunk(4, -1)
    keep = torch.sigmoid(cell.rate) ** (8 * torch.sigmoid(recurrence))
    hidden = keep * state[0] + (1 - keep**2).sqrt() * torch.sigmoid(entry) * value
    return torch.nn.functional.gelu(branch, approximate="tanh") * hidden, (hidden,)


def mlstm(cell: Any, window: Tensor, state: State) -> tuple[Tensor, State]:
    """The state is the true matrix, and the second half of it stays as it is."""
    heads, key_width, value_width = cell.heads, cell.key_width, cell.value_width
    query, key, value, output = cell.maps(window).split(cell.sizes, -1)
    query, key = (part.reshape(BATCH, heads, key_width) for part in (query, key))
    value = value.reshape(BATCH, heads, value_width)
    entry, forget = cell.gates(window).chunk(2, -1)
    memory = state[0].reshape(BATCH, heads, key_width, value_width + 1)
    matrix, normaliser = memory[..., :-1], memory[..., -1]
    entry, forget = torch.exp(entry), torch.sigmoid(forget)
    key = key / key_width**0.5
    outer = key[..., :, None] * value[..., None, :]
    matrix = forget[..., None, None] * matrix + entry[..., None, None] * outer
    normaliser = forget[..., None] * normaliser + entry[..., None] * key
    total = (query * normaliser).sum(-1).abs().clamp(min=1.0)
    read = (query[..., None] * matrix).sum(-2) / total[..., None]
    read = read / (read.square().mean(-1, keepdim=True) + 1e-5).sqrt() * cell.norm.weight
    memory = torch.cat([matrix, normaliser[..., None]], -1).flatten(1)
    return torch.sigmoid(output) * read.flatten(1), (memory, state[1])


LOOPS: dict[str, Step] = {"qrnn": qrnn, "mingru": mingru, "rglru": rglru, "mlstm": mlstm}


def by_steps(cell: Cell, window: Tensor, state: State) -> tuple[Tensor, State]:
    """What a cell of torch is compared with: itself, input by input."""
    out, state = cell(window[None], state)
    return out[0], state


def example(name: str) -> tuple[Cell, Tensor, State]:
    torch.manual_seed(0)
    cell = CELLS[name](WIDTH).double()
    for parameter in cell.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    window = torch.randn(TIME, BATCH, 2 * WIDTH).double().requires_grad_()
    start = cell.initial_state(BATCH, WIDTH)
    state = tuple((tensor + torch.randn_like(tensor)).double().requires_grad_() for tensor in start)
    return cell, window, state


def true_state(cell: Cell, state: State) -> State:
    """The state as the loops have it: a matrix memory without its scale."""
    if not isinstance(cell, MLSTM):
        return state
    memory, top = state
    scaled = memory.reshape(BATCH, cell.heads, -1) * top.exp()[..., None]
    return scaled.flatten(1), torch.zeros_like(top)


@pytest.mark.parametrize("name", CELLS)
def test_values_and_gradients_are_those_of_a_plain_loop(name: str) -> None:
    cell, window, start = example(name)
    # A scale is no quantity of its own: what is learned through it is learned through the matrix.
    inputs = [window, start[0], *cell.parameters()]

    step, state, rows = LOOPS.get(name, by_steps), true_state(cell, start), []
    for one in window:
        out, state = step(cell, one, state)
        rows.append(out)
    expected = (torch.stack(rows), *state)
    out, after = cell(window, start)
    found = (out, *true_state(cell, after))
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs)

    weights = [torch.randn_like(tensor) for tensor in found[:2]]
    gradients = [
        torch.autograd.grad(sum((w * t).sum() for w, t in zip(weights, side, strict=False)), inputs)
        for side in (found, expected)
    ]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", CELLS)
def test_a_state_is_rows_of_numbers_that_start_at_zero(name: str) -> None:
    """So that anyone can pick rows of a state, and start one anew by zeros."""
    cell = CELLS[name](WIDTH)
    start = cell.initial_state(BATCH, WIDTH)
    _, after = cell(torch.randn(3, BATCH, 2 * WIDTH), start)
    assert [tensor.shape for tensor in after] == [tensor.shape for tensor in start]
    assert all(tensor.ndim == 2 and len(tensor) == BATCH for tensor in start)
    assert not any(tensor.any() for tensor in start)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("width", [7, 10])
def test_any_width_will_do(name: str, width: int) -> None:
    cell = CELLS[name](width)
    out, _ = cell(torch.randn(3, 2, 2 * width), cell.initial_state(2, width))
    assert out.shape == (3, 2, width)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("size", [1e-30, 1e3])
def test_extreme_inputs_keep_values_and_gradients_finite(name: str, size: float) -> None:
    torch.manual_seed(1)
    cell = CELLS[name](WIDTH)
    for parameter in cell.parameters():
        torch.nn.init.normal_(parameter)
    window = (size * torch.randn(TIME, BATCH, 2 * WIDTH)).requires_grad_()
    out, after = cell(window, cell.initial_state(BATCH, WIDTH))
    out.sum().backward()
    for tensor in (out, *after, window.grad, *(each.grad for each in cell.parameters())):
        assert torch.isfinite(tensor).all()
