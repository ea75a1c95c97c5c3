"""The network of hybrid-gru2023: steps equal the full pass, and the losses are those printed."""

from __future__ import annotations

import math

import pytest
import torch

from ritornello.errors import ConfigError
from ritornello.papers.hybrid_gru2023.model import CELLS, Prediction, PsdConfig, PsdRnn, losses


def some_notes(length: int = 12, batch: int = 3) -> torch.Tensor:
    torch.manual_seed(1)
    pitch = torch.randint(0, 128, (length, batch, 1)).float()
    return torch.cat([pitch, torch.rand(length, batch, 2)], dim=-1)


@pytest.fixture(params=CELLS)
def model(request: pytest.FixtureRequest) -> PsdRnn:
    torch.manual_seed(0)
    return PsdRnn(PsdConfig(request.param, units=16)).eval()


@torch.no_grad()
def test_stepping_equals_the_full_pass_and_leaves_the_state_alone(model: PsdRnn) -> None:
    notes = some_notes()
    whole, last = model(notes, model.initial_state(3))
    state = model.initial_state(3)
    for time, note in enumerate(notes):
        before = [tuple(part.clone() for part in layer) for layer in state]
        prediction, after = model.step(note, state)
        for one, other in zip(prediction, whole, strict=True):
            torch.testing.assert_close(one, other[time], atol=1e-6, rtol=1e-5)
        for layer, kept in zip(state, before, strict=True):
            assert all(torch.equal(one, other) for one, other in zip(layer, kept, strict=True))
        state = after
    for layer, full in zip(state, last, strict=True):
        for one, other in zip(layer, full, strict=True):
            torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


def test_the_hybrid_is_an_lstm_followed_by_a_gru() -> None:
    layers = PsdRnn(PsdConfig("hybrid", units=8)).layers
    assert [type(layer).__name__ for layer in layers] == ["LSTM", "GRU"]


def test_losses_counted_by_hand() -> None:
    true = torch.tensor([[60.0, 0.5, 1.0], [62.0, 0.0, 2.0]])
    foreseen = Prediction(torch.zeros(2, 128), torch.tensor([0.25, -0.1]), torch.tensor([1.0, 1.5]))
    found = losses(foreseen, true)
    assert found["pitch"].tolist() == pytest.approx([math.log(128)] * 2)
    assert found["step"].tolist() == pytest.approx([0.0625, 0.01 + 10 * 0.1])
    assert found["duration"].tolist() == pytest.approx([0.0, 0.25])


def test_settings_without_meaning_are_refused() -> None:
    with pytest.raises(ConfigError, match="hybrid"):
        PsdConfig("transformer")
    with pytest.raises(ConfigError, match="unit"):
        PsdConfig(units=0)
