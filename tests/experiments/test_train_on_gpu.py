"""What comes home from another machine is whole, or said to be missing."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="networks need the extra train")

from experiments.learning import train_on_gpu
from ritornello.errors import InputError


def test_parts_are_joined_or_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_on_gpu, "_PART_BYTES", 10)
    for name in train_on_gpu.KEPT:
        train_on_gpu.split(name.encode() * 5, tmp_path, name)
    train_on_gpu.join(tmp_path, tmp_path / "run")
    for name in train_on_gpu.KEPT:
        assert (tmp_path / "run" / name).read_bytes() == name.encode() * 5
    (tmp_path / "resume.pt.01").unlink()
    with pytest.raises(InputError, match=r"01 of resume\.pt"):
        train_on_gpu.join(tmp_path, tmp_path / "again")
