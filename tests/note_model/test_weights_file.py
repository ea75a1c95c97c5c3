"""A listening network comes back from its file, and no other file passes for one."""

from pathlib import Path

import numpy as np
import pytest

from ritornello.errors import CheckpointError
from ritornello.note_model import weights_file
from ritornello.note_model.weights_file import WeightsFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    weights = {"a": np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)}
    file = WeightsFile("beats", weights, {"size": 3}, {"minutes": 4})
    weights_file.save(file, tmp_path / "net.safetensors")
    return tmp_path / "net.safetensors"


def test_what_is_saved_comes_back(path: Path) -> None:
    found = weights_file.load(path, "beats")
    assert (found.kind, found.settings, found.provenance) == ("beats", {"size": 3}, {"minutes": 4})
    assert found.weights["a"].dtype == np.float32
    np.testing.assert_allclose(found.weights["a"][0], [-1, -0.6, -0.2], atol=1e-3)


def test_another_kind_of_network_is_refused(path: Path) -> None:
    with pytest.raises(CheckpointError, match="Expected a model of separator; found 'beats'"):
        weights_file.load(path, "separator")


@pytest.mark.parametrize("content", [None, b"", b"no safetensors at all"])
def test_a_missing_or_damaged_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"broken\.safetensors"):
        weights_file.load(path, "beats")
