"""The LSTM with one unit in C gives the numbers and gradients of torch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ritornello.papers.remix2023 import unit_lstm


def results(lstm: nn.LSTM, steps: Tensor, made: Tensor) -> list[Tensor]:
    """What was made, and the gradients of the weights and the steps of a loss on it."""
    loss = (made * torch.linspace(-1, 1, made.numel()).reshape(made.shape)).sum()
    return [made, *torch.autograd.grad(loss, [steps, *lstm.parameters()])]


def test_it_is_what_torch_computes() -> None:
    if unit_lstm._load() is None:
        pytest.skip("needs a C compiler")
    torch.manual_seed(0)
    lstm = nn.LSTM(3, 1, batch_first=True, bidirectional=True)
    steps = torch.randn(2, 50, 3, requires_grad=True)
    found = results(lstm, steps, unit_lstm.both_ways(lstm, steps))
    expected = results(lstm, steps, lstm(steps)[0])
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_without_a_compiler_torch_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_lstm, "_load", lambda: None)
    lstm = nn.LSTM(3, 1, batch_first=True, bidirectional=True)
    steps = torch.randn(1, 5, 3)
    assert torch.equal(unit_lstm.both_ways(lstm, steps), lstm(steps)[0])
