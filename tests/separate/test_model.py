"""The separator: shares that sum to one, and the same ones from NumPy as from torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ritornello.errors import CheckpointError
from ritornello.note_model.weights_file import WeightsFile
from ritornello.separate.band_split import BandSplit
from ritornello.separate.model import Separator, SeparatorConfig
from ritornello.separate.runtime import SeparatorNetwork


@pytest.fixture
def model() -> Separator:
    torch.manual_seed(0)
    return Separator(SeparatorConfig(BandSplit(0.02), width=8, hidden=6, layers=2)).eval()


def in_numpy(model: Separator) -> SeparatorNetwork:
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return SeparatorNetwork(WeightsFile("separator", weights, model.config.settings()))


@torch.no_grad()
def test_numpy_gives_the_shares_that_torch_gives(model: Separator) -> None:
    network, split = in_numpy(model), model.config.split
    magnitudes = np.random.default_rng(0).random((30, split.bins), np.float32)
    expected = model(torch.as_tensor(split.heard(magnitudes))[:, None])[:, 0]
    found = network.shares(magnitudes)
    np.testing.assert_allclose(found, expected.transpose(0, 1), atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize("bins", [50, 1000])
def test_spectra_of_other_rates_get_shares_too(model: Separator, bins: int) -> None:
    shares = in_numpy(model).shares(np.ones((5, bins), np.float32))
    assert shares.shape == (4, 5, bins)
    np.testing.assert_allclose(shares.sum(axis=0), 1, atol=1e-5)


@torch.no_grad()
def test_mixes_side_by_side_do_not_hear_each_other(model: Separator) -> None:
    magnitudes = torch.rand(20, 3, model.config.split.bins)
    together = model(magnitudes)
    for row in range(3):
        torch.testing.assert_close(model(magnitudes[:, row : row + 1])[:, 0], together[:, row])


def test_weights_of_other_sizes_are_refused(model: Separator) -> None:
    settings = {**model.config.settings(), "layers": 3}
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    with pytest.raises(CheckpointError, match="lacks"):
        SeparatorNetwork(WeightsFile("separator", weights, settings))
    with pytest.raises(CheckpointError, match="settings"):
        SeparatorNetwork(WeightsFile("separator", weights, {}))
