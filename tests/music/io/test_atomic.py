"""A file appears whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ritornello.atomic import atomic_write
from ritornello.errors import OutputError


def test_a_file_appears_whole_with_missing_folders_and_the_usual_rights(tmp_path: Path):
    target = tmp_path / "new" / "folder" / "tune.mid"
    with atomic_write(target) as temporary:
        assert temporary.suffix == ".mid"
        assert temporary.parent == target.parent
        temporary.write_bytes(b"music")
        assert not target.exists()
    assert target.read_bytes() == b"music"
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    assert [path.name for path in target.parent.iterdir()] == ["tune.mid"]


def fill(target: Path, *, then: Callable[[], object], overwrite: bool = False) -> None:
    with atomic_write(target, overwrite=overwrite) as temporary:
        temporary.write_bytes(b"ours")
        then()


def raise_error(error: Exception) -> None:
    raise error


def test_a_failure_leaves_nothing_and_keeps_what_was_there(tmp_path: Path):
    target = tmp_path / "tune.mid"
    target.write_bytes(b"old")
    with pytest.raises(KeyError):
        fill(target, then=lambda: raise_error(KeyError()), overwrite=True)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_exists_is_replaced_only_on_request(tmp_path: Path):
    target = tmp_path / "tune.mid"
    target.write_bytes(b"old")
    with pytest.raises(OutputError, match="--overwrite"), atomic_write(target):
        pytest.fail("the body must not run")
    with atomic_write(target, overwrite=True) as temporary:
        temporary.write_bytes(b"new")
    assert target.read_bytes() == b"new"


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path):
    target = tmp_path / "tune.mid"
    with pytest.raises(OutputError):
        fill(target, then=lambda: target.write_bytes(b"theirs"))
    assert target.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(OutputError, match="No space left"):
        fill(tmp_path / "a.mid", then=lambda: raise_error(full))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_target_and_a_file_is_no_folder(tmp_path: Path):
    with pytest.raises(OutputError, match="folder"), atomic_write(tmp_path, overwrite=True):
        pytest.fail("the body must not run")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError), atomic_write(tmp_path / "file" / "tune.mid"):
        pytest.fail("the body must not run")
