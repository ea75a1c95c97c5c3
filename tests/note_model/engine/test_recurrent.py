"""Recurrent layers in NumPy compute what those of torch do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ritornello.note_model.engine.recurrent import gru, lstm

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("both_ways", [True, False])
@pytest.mark.parametrize(("cell", "ours"), [("LSTM", lstm), ("GRU", gru)])
def test_layers_equal_those_of_torch(cell: str, ours: Callable[..., Any], both_ways: bool) -> None:
    torch.manual_seed(0)
    layer = getattr(torch.nn, cell)(5, 7, num_layers=2, bidirectional=both_ways)
    x = torch.randn(11, 3, 5)
    with torch.no_grad():
        expected = layer(x)[0].numpy()
    weights = {f"net.{name}": w.detach().numpy() for name, w in layer.named_parameters()}
    np.testing.assert_allclose(
        ours(x.numpy(), weights, "net.", both_ways=both_ways), expected, atol=1e-5
    )
