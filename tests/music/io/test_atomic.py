"""A file appears whole or not at all."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ritornello import atomic
from ritornello.atomic import atomic_write, refuse_existing, whole_folder
from ritornello.errors import OutputError


@pytest.fixture(params=["without names", "hidden"], autouse=True)
def ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files on their way as on Linux, and as on systems where each file has a name."""
    if request.param == "hidden":
        monkeypatch.setattr(atomic, "_open_unnamed", lambda folder: None)


def test_a_file_appears_whole_with_missing_folders_and_the_usual_rights(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "tune.mid"
    with atomic_write(target) as temporary:
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


def test_a_failure_leaves_nothing_and_keeps_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "tune.mid"
    target.write_bytes(b"old")
    with pytest.raises(KeyError):
        fill(target, then=lambda: raise_error(KeyError()), overwrite=True)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_failure_leaves_no_folder_that_was_made_for_it(kind: str, tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "it"
    with pytest.raises(KeyError), atomic_write(target) if kind == "file" else whole_folder(target):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_a_folder_that_holds_something(tmp_path: Path) -> None:
    target = tmp_path / "new" / "tune.mid"

    def interrupted() -> None:
        target.with_name("other").touch()
        raise KeyError

    with pytest.raises(KeyError):
        fill(target, then=interrupted)
    assert [path.name for path in target.parent.iterdir()] == ["other"]


def test_a_file_that_exists_is_replaced_only_on_request(tmp_path: Path) -> None:
    target = tmp_path / "tune.mid"
    target.write_bytes(b"old")
    with pytest.raises(OutputError, match="--overwrite"), atomic_write(target):
        pytest.fail("the body must not run")
    with atomic_write(target, overwrite=True) as temporary:
        temporary.write_bytes(b"new")
    assert target.read_bytes() == b"new"


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "tune.mid"
    with pytest.raises(OutputError):
        fill(target, then=lambda: target.write_bytes(b"theirs"))
    assert target.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(OutputError, match="No space left"):
        fill(tmp_path / "a.mid", then=lambda: raise_error(full))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_target_and_a_file_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="folder"), atomic_write(tmp_path, overwrite=True):
        pytest.fail("the body must not run")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError), atomic_write(tmp_path / "file" / "tune.mid"):
        pytest.fail("the body must not run")


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="needs files without names")
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_is_copied_where_it_cannot_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    target = tmp_path / "tune.mid"
    if overwrite:
        target.write_bytes(b"old")

    def refuse(*args: object, **options: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", refuse)
    fill(target, then=lambda: None, overwrite=overwrite)
    assert target.read_bytes() == b"ours"
    assert list(tmp_path.iterdir()) == [target]


KILLED = """
import contextlib, os, signal, sys
from pathlib import Path
from ritornello import atomic
from ritornello.atomic import atomic_write, whole_folder
if "hidden" in sys.argv:
    atomic._open_unnamed = lambda folder: None
    atomic._removed_if_killed = lambda folder: contextlib.nullcontext()
with whole_folder(Path("corpus")) as folder, atomic_write("tune.mid") as file:
    file.write_bytes(b"half")
    (folder / "notes.npy").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="needs files without names")
def test_a_killed_process_leaves_nothing(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, env=os.environ)
    assert killed.returncode == -signal.SIGKILL
    for _ in range(1000):  # until its shell has seen it
        if not list(tmp_path.iterdir()):
            break
        time.sleep(0.02)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="other systems keep no such leftovers apart")
def test_what_a_killed_process_left_goes_with_the_next_file(tmp_path: Path) -> None:
    words = [sys.executable, "-c", KILLED, "hidden"]
    killed = subprocess.run(words, cwd=tmp_path, env=os.environ)
    assert killed.returncode == -signal.SIGKILL
    left = {path.name for path in tmp_path.iterdir()}
    assert len(left) == 2
    assert all(".partial" in name for name in left)
    mine = tmp_path / f".mine.{os.getpid()}-abcdefgh.partial.mid"
    foreign = [tmp_path / name for name in (".hidden", ".x.partial", "a.1-b.partial", ".a.b.mid")]
    for path in (mine, *foreign):
        path.touch()
    with atomic_write(tmp_path / "other.mid") as file:
        file.write_bytes(b"whole")
    assert {path.name for path in tmp_path.iterdir()} == {
        "other.mid", mine.name, *(path.name for path in foreign)
    }  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="needs locks of files")
def test_a_file_that_somebody_still_writes_is_no_leftover(tmp_path: Path) -> None:
    import fcntl

    # Of a process that is not here, as one on another machine would be.
    held = tmp_path / ".held.99999999-abcdefgh.partial.mid"
    with held.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        fill(tmp_path / "a.mid", then=lambda: None)
        assert held.exists()


@pytest.mark.parametrize("stem", ["n" * 250, "音" * 80, "é" * 120])
def test_names_may_be_as_long_as_the_system_allows(tmp_path: Path, stem: str) -> None:
    fill(tmp_path / f"{stem}.mid", then=lambda: None)
    assert [path.stem for path in tmp_path.iterdir()] == [stem]


def test_what_cannot_be_written_is_refused_before_the_body(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for target in (tmp_path / "file" / "a" / "tune.mid", tmp_path / ("n" * 300), Path("a\0b")):
        with pytest.raises(OutputError):
            refuse_existing(target, overwrite=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_folder_without_rights_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot be written"):
        refuse_existing(tmp_path / "new" / "tune.mid", overwrite=False)
