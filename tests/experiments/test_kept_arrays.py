"""What one step of an experiment keeps, the next one reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments.listening.kept_arrays import save_arrays


def test_what_is_kept_is_read_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "new" / "kept.npz"
    save_arrays({"spectra": np.arange(6.0).reshape(2, 3), "kinds": np.array(["mix"])}, path)
    save_arrays({"spectra": np.arange(4.0)}, path, overwrite=True)
    assert [item.name for item in path.parent.iterdir()] == ["kept.npz"]
    with np.load(path) as kept:
        assert kept.files == ["spectra"]
        assert kept["spectra"].tolist() == [0, 1, 2, 3]
