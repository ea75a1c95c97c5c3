"""The kernel is an addition: whatever is in its way, models still play."""

from __future__ import annotations

import ctypes
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ritornello.errors import ConfigError
from ritornello.note_model.engine import kernel, open_engine
from ritornello.note_model.engine.compiled import CompiledEngine
from ritornello.note_model.engine.reference import Engine

from .conftest import make_model

fresh_load = kernel.load.__wrapped__  # without what the process remembers


@pytest.fixture
def broken_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "bin" / "cc"
    compiler.parent.mkdir()
    compiler.write_text("#!/bin/sh\necho no assembler here >&2\nexit 1\n")
    compiler.chmod(compiler.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(compiler.parent), prepend=":")
    monkeypatch.setattr(kernel, "cache_folder", lambda: tmp_path / "cache")


def test_without_a_compiler_models_play_with_numpy(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(kernel, "cache_folder", lambda: tmp_path / "cache")
    assert fresh_load() is None
    monkeypatch.setenv("RITORNELLO_KERNEL", "c")
    with pytest.raises(ConfigError, match="compiler"):
        fresh_load()


def test_a_compiler_that_fails_is_passed_over(broken_compiler, tmp_path, monkeypatch):
    assert fresh_load() is None
    assert not list((tmp_path / "cache").iterdir())
    monkeypatch.setenv("RITORNELLO_KERNEL", "c")
    with pytest.raises(ConfigError, match="no assembler here"):
        fresh_load()


def test_a_cache_that_cannot_be_written_is_passed_over(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file where the folder should be")
    monkeypatch.setattr(kernel, "cache_folder", lambda: tmp_path / "cache")
    assert fresh_load() is None


def test_the_environment_chooses(monkeypatch):
    monkeypatch.setenv("RITORNELLO_KERNEL", "numpy")
    assert fresh_load() is None
    monkeypatch.setenv("RITORNELLO_KERNEL", "fortran")
    with pytest.raises(ConfigError, match="fortran"):
        fresh_load()


def test_it_is_compiled_once_by_however_many_ask(library, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(kernel.compiled, [tmp_path, tmp_path])
    assert one == other
    assert [*tmp_path.iterdir()] == [one]  # nothing half made is left
    made = one.stat().st_mtime_ns
    assert kernel.compiled(tmp_path).stat().st_mtime_ns == made
    assert ctypes.CDLL(str(one)).ritornello_step


def test_the_engine_is_the_fastest_that_can_play_the_cell(library, monkeypatch):
    monkeypatch.setattr(kernel, "load", lambda: library)
    assert isinstance(open_engine(make_model("qrnn")[1]), CompiledEngine)
    assert type(open_engine(make_model("lstm")[1])) is Engine
    monkeypatch.setattr(kernel, "load", lambda: None)
    assert type(open_engine(make_model("qrnn")[1])) is Engine
