"""The kernel is an addition: whatever is in its way, models still play."""

from __future__ import annotations

import ctypes
import os
import stat
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ctypes import CDLL
from pathlib import Path

import pytest

from ritornello.errors import ConfigError
from ritornello.note_model.engine import kernel, open_engine
from ritornello.note_model.engine.compiled import CompiledEngine
from ritornello.note_model.engine.reference import Engine

from .conftest import make_model

fresh_load = kernel.load.__wrapped__  # without what the process remembers


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kernel, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def whole(library: ctypes.CDLL, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library as it is kept, in the cache; compiling it again takes no time."""
    made = Path(library._name).read_bytes()
    monkeypatch.setattr(
        kernel, "_compile", lambda command, folder: Path(folder, "kernel.so").write_bytes(made)
    )
    return kernel.compile_kernel(cache)


@pytest.fixture
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> Callable[[str], None]:
    """Makes a script the compiler of the machine."""

    def be(script: str) -> None:
        path = tmp_path / "bin" / "cc"
        path.parent.mkdir()
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(path.parent), prepend=":")

    return be


def messages(caplog: pytest.LogCaptureFixture) -> str:
    return " ".join(record.getMessage() for record in caplog.records)


def test_without_a_compiler_models_play_with_numpy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(kernel, "cache_folder", lambda: tmp_path / "cache")
    assert fresh_load() is None
    monkeypatch.setenv("RITORNELLO_KERNEL", "c")
    with pytest.raises(ConfigError, match="compiler"):
        fresh_load()


def test_a_compiler_that_fails_is_passed_over(
    compiler: Callable[[str], None],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    compiler("echo no assembler here >&2; exit 1")
    assert fresh_load() is None
    assert not list(cache.iterdir())
    assert not messages(caplog)
    monkeypatch.setenv("RITORNELLO_KERNEL", "c")
    with pytest.raises(ConfigError, match="no assembler here"):
        fresh_load()


def test_words_of_a_compiler_in_any_encoding_are_told(
    compiler: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler("printf 'Fehler: f\\374r \\377\\n' >&2; exit 1")
    monkeypatch.setenv("RITORNELLO_KERNEL", "c")
    with pytest.raises(ConfigError, match="Fehler: f"):
        fresh_load()


def test_a_compiler_that_never_ends_is_ended_with_all_it_started(
    compiler: Callable[[str], None],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(kernel, "_COMPILE_SECONDS", 0.5)
    compiler(f"sleep 600 & echo $! > {tmp_path}/child; sleep 600")
    assert fresh_load() is None
    assert "did not end" in messages(caplog)
    child = int((tmp_path / "child").read_text())
    for _ in range(100):  # the system clears ended processes away when it likes
        if not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text():
            break
        time.sleep(0.05)
    else:
        pytest.fail("what the compiler started still runs")
    # The next start does not wait for it again.
    caplog.clear()
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("it was started again"))
    assert fresh_load() is None


def test_a_cache_that_cannot_be_written_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    monkeypatch.setattr(kernel, "cache_folder", lambda: tmp_path / "cache")
    assert fresh_load() is None


def test_the_environment_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RITORNELLO_KERNEL", "numpy")
    assert fresh_load() is None
    monkeypatch.setenv("RITORNELLO_KERNEL", "fortran")
    with pytest.raises(ConfigError, match="fortran"):
        fresh_load()


def test_it_is_compiled_once_by_however_many_ask(library: CDLL, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(kernel.compile_kernel, [tmp_path, tmp_path])
    assert one == other
    assert [*tmp_path.iterdir()] == [one]  # nothing half made is left
    made = one.stat().st_mtime_ns
    assert kernel.compile_kernel(tmp_path).stat().st_mtime_ns == made
    assert ctypes.CDLL(str(one)).ritornello_step


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.999])
def test_a_library_that_was_cut_is_compiled_again(whole: Path, cache: Path, share: float) -> None:
    content = whole.read_bytes()
    whole.write_bytes(content[: int(share * len(content))])
    assert kernel.compile_kernel(cache) == whole
    assert whole.read_bytes() == content


@pytest.mark.parametrize("start", [0, 4096, 8192, -1])
def test_a_library_that_was_zeroed_is_compiled_again(whole: Path, cache: Path, start: int) -> None:
    content = whole.read_bytes()
    whole.write_bytes(content[:start] + bytes(len(content[start:])))
    assert kernel.compile_kernel(cache) == whole
    assert whole.read_bytes() == content


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_what_others_could_write_is_compiled_again(whole: Path, cache: Path, mode: int) -> None:
    other = cache / f"{whole.stem[:-32]}{'0' * 32}.so"
    other.write_text("of somebody else")
    cache.chmod(mode)
    assert kernel.compile_kernel(cache) == whole
    assert [*cache.iterdir()] == [whole]
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    whole.chmod(0o766)
    assert kernel.compile_kernel(cache) == whole
    assert not whole.stat().st_mode & 0o022


def test_a_library_is_compiled_anew_where_its_header_is_another(
    whole: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = tmp_path / kernel.HEADER.name
    header.write_bytes(kernel.HEADER.read_bytes() + b"/* another */")
    monkeypatch.setattr(kernel, "HEADER", header)
    assert kernel.compile_kernel(cache) != whole


def test_a_folder_of_somebody_else_is_not_used(
    library: CDLL, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert fresh_load() is None
    assert "belongs to somebody else" in messages(caplog)
    assert not list(cache.iterdir())


def test_pipes_and_links_are_not_opened(whole: Path, cache: Path) -> None:
    whole.unlink()
    os.mkfifo(whole)
    assert kernel.compile_kernel(cache) == whole
    copy = cache.parent / "elsewhere.so"
    whole.rename(copy)
    whole.symlink_to(copy)
    assert kernel.compile_kernel(cache) == whole
    assert not whole.is_symlink()


def test_the_folder_is_for_its_user_alone(whole: Path, cache: Path) -> None:
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_the_engine_is_the_fastest_that_can_play_the_cell(
    library: CDLL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "load", lambda: library)
    assert isinstance(open_engine(make_model("qrnn")[1]), CompiledEngine)
    assert type(open_engine(make_model("lstm")[1])) is Engine
    monkeypatch.setattr(kernel, "load", lambda: None)
    assert type(open_engine(make_model("qrnn")[1])) is Engine
