"""The two forms of the velocity LSTM are one function; only the kept state sets them apart."""

from __future__ import annotations

import pytest
import torch

from ritornello.papers.groovybee2018.model import FORMS, StackedLSTM, SteppedLSTM


@pytest.fixture
def pair() -> tuple[StackedLSTM, SteppedLSTM]:
    torch.manual_seed(0)
    stacked, stepped = StackedLSTM(hidden=16).eval(), SteppedLSTM(hidden=16).eval()
    weights = {
        f"cells.{name[-1]}.{name[len('layers.') : -len('_l0')]}" if "layers" in name else name: item
        for name, item in stacked.state_dict().items()
    }
    stepped.load_state_dict(weights)
    return stacked, stepped


@torch.no_grad()
def test_both_forms_give_the_same_numbers_with_the_same_weights(
    pair: tuple[StackedLSTM, SteppedLSTM],
) -> None:
    rows = torch.rand(12, 3, 128)
    outs = [network(rows, network.initial_state(3)) for network in pair]
    torch.testing.assert_close(outs[0][0], outs[1][0])
    for one, other in zip(outs[0][1], outs[1][1], strict=True):
        torch.testing.assert_close(one, other)


@torch.no_grad()
def test_stepping_equals_the_full_pass(pair: tuple[StackedLSTM, SteppedLSTM]) -> None:
    stepped = pair[1]
    rows = torch.rand(9, 2, 128)
    whole, last = stepped(rows, stepped.initial_state(2))
    state = stepped.initial_state(2)
    for row in rows:
        forecast, state = stepped.step(row, state)
    torch.testing.assert_close(forecast, whole)
    torch.testing.assert_close(state, last)


@pytest.mark.parametrize("form", FORMS)
def test_the_published_sizes_are_the_defaults(form: str) -> None:
    network = FORMS[form]()
    # Four gates, each with a weight for every input and state and two biases; then 512 -> 128.
    lstm = 4 * 512 * (128 + 512 + 2) + 4 * 512 * (512 + 512 + 2)
    assert sum(weight.numel() for weight in network.parameters()) == lstm + 128 * 512 + 128


@pytest.mark.parametrize("form", FORMS)
def test_dropout_acts_in_training_only(form: str) -> None:
    torch.manual_seed(0)
    network = FORMS[form](hidden=16, dropout=0.5)
    rows, state = torch.rand(4, 2, 128), network.initial_state(2)
    assert not torch.equal(network(rows, state)[0], network(rows, state)[0])
    network.eval()
    assert torch.equal(network(rows, state)[0], network(rows, state)[0])
