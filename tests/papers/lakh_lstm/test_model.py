"""The token network: steps equal the whole window, and state is a value."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the network needs the extra train")

import torch

from ritornello.errors import ConfigError
from ritornello.papers.lakh_lstm.model import TokenLSTM, TokenLSTMConfig


@pytest.fixture(params=["ids", "embedding"])
def model(request: pytest.FixtureRequest) -> TokenLSTM:
    torch.manual_seed(0)
    return TokenLSTM(TokenLSTMConfig(11, hidden=8, inputs=request.param)).eval()


@torch.no_grad()
def test_stepping_equals_the_window(model: TokenLSTM) -> None:
    windows = torch.randint(11, (3, 7))
    state = model.initial_state(3)
    for ids in windows.T:
        before = [tensor.clone() for tensor in state]
        logits, after = model.step(ids, state)
        assert all(map(torch.equal, before, state)), "a step changed the state it was given"
        state = after
    torch.testing.assert_close(logits, model(windows))


@torch.no_grad()
def test_the_published_input_is_one_number_and_the_ids_say_where_it_lies(model: TokenLSTM) -> None:
    width = 1 if model.config.inputs == "ids" else model.config.embedding
    assert model.lstm.input_size == width
    if width == 1:
        entered = model._inputs(torch.arange(11)[:, None])
        torch.testing.assert_close(entered[:, 0, 0], torch.arange(11) / 11)


def test_layers_hold_every_parameter_once(model: TokenLSTM) -> None:
    layers = model.layers()
    assert sum(len(values) for values in layers.values()) == sum(
        parameter.numel() for parameter in model.parameters()
    )
    assert {"LSTM weights", "LSTM biases", "dense weights", "dense biases"} <= set(layers)


@pytest.mark.parametrize("wrong", [{"inputs": "one-hot"}, {"dropout": 1.0}, {"hidden": 0}])
def test_settings_without_meaning_are_refused(
    wrong: dict[str, float] | dict[str, int] | dict[str, str],
) -> None:
    with pytest.raises(ConfigError):
        TokenLSTMConfig(5, **wrong)
