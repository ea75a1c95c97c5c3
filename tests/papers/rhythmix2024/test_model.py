"""The stacked LSTM over one-hot events: steps equal the full pass, and nats are exact."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ritornello.errors import ConfigError
from ritornello.papers.rhythmix2024.encoding import DURATIONS, NONE, PITCHES
from ritornello.papers.rhythmix2024.model import EventLSTM, EventLSTMConfig


@pytest.fixture
def model() -> EventLSTM:
    torch.manual_seed(0)
    return EventLSTM(EventLSTMConfig(layers=3, width=12)).eval()


def events(time: int = 20, batch: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Random events [time, batch, 2], and those before each."""
    rng = np.random.default_rng(0)
    rows = torch.as_tensor(rng.integers(0, NONE, (time, batch, 2)))
    return torch.cat([torch.tensor(NONE).expand(1, batch, 2), rows[:-1]]), rows


@torch.no_grad()
def test_stepping_equals_the_full_pass(model: EventLSTM) -> None:
    before, _ = events()
    pitch, duration, last = model(before, model.initial_state(3))
    state = model.initial_state(3)
    for time, row in enumerate(before):
        one, other, state = model.step(row, state)
        torch.testing.assert_close(one, pitch[time])
        torch.testing.assert_close(other, duration[time])
    for one, other in zip(state, last, strict=True):
        torch.testing.assert_close(one, other)


@torch.no_grad()
def test_a_state_that_was_handed_over_stays_as_it_was(model: EventLSTM) -> None:
    before, _ = events()
    _, _, state = model(before, model.initial_state(3))
    kept = [tensor.clone() for tensor in state]
    model(before, state)
    assert all(torch.equal(one, other) for one, other in zip(state, kept, strict=True))


@torch.no_grad()
def test_an_event_does_not_see_itself_or_what_follows(model: EventLSTM) -> None:
    before, rows = events()
    first, _ = model.nats(before, rows, model.initial_state(3))
    changed = before.clone()
    changed[11:] = 0
    second, _ = model.nats(changed, rows, model.initial_state(3))
    torch.testing.assert_close(first[:11], second[:11])


@torch.no_grad()
def test_an_untaught_output_is_uniform_and_padding_costs_nothing(model: EventLSTM) -> None:
    for layer in (model.pitch, model.duration):
        layer.weight.zero_()
        layer.bias.zero_()
    before, rows = events()
    rows[10:, 1] = torch.tensor(NONE)
    nats, _ = model.nats(before, rows, model.initial_state(3))
    np.testing.assert_allclose(nats[:, 0], np.log([[PITCHES, DURATIONS]] * 20), rtol=1e-5)
    assert not nats[10:, 1].any()


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        EventLSTMConfig(layers=0)
