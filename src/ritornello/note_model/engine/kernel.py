"""C kernels: compiled on first use with the machine's own compiler, kept in the user's cache.

Where there is no compiler, or anything else is in the way, `load` gives None and models play with
NumPy, and learn with torch alone. The environment variable RITORNELLO_KERNEL decides otherwise:
"numpy" never uses a kernel, "c" insists on it and says what is missing.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import logging
import os
import platform
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ritornello.errors import ConfigError
from ritornello.folders import cache_folder

_LOG = logging.getLogger(__name__)

SOURCE = Path(__file__).with_name("_kernel.c")
HEADER = Path(__file__).with_name("_numbers.h")  # which every kernel may include
_COMPILE_SECONDS = 20  # it takes one or two
_TRY_AGAIN_SECONDS = 24 * 3600
_MOST_SAID_BYTES = 2000
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_FLAGS = [
    "-std=c11", "-O3", "-fPIC", "-shared",
    # What a compiler needs to vectorise sums and maxima of floats. Not -ffast-math: it would
    # change how the whole process rounds the smallest numbers.
    "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros", "-fassociative-math",
    "-ffinite-math-only",
]  # fmt: skip


@functools.cache
def load(source: Path = SOURCE) -> ctypes.CDLL | None:
    """A compiled kernel, or None where models have to do without.

    Raises:
        ConfigError: if RITORNELLO_KERNEL is "c" and it cannot be had, or is neither "c", "numpy"
            nor "auto".
    """
    wish = os.environ.get("RITORNELLO_KERNEL", "auto")
    if wish not in ("auto", "c", "numpy"):
        raise ConfigError(f"RITORNELLO_KERNEL is auto, c or numpy; found {wish!r}.")
    if wish == "numpy":
        return None
    try:
        return ctypes.CDLL(str(compile_kernel(cache_folder(), source)))
    except OSError as error:
        if wish == "auto":
            if isinstance(error, UnsafeError):
                _LOG.warning("%s Models do without it, several times slower.", error)
            return None
        raise ConfigError(
            f"The kernel cannot be compiled: {error}",
            next_step="Install a C compiler, or set RITORNELLO_KERNEL=auto.",
        ) from error


class UnsafeError(OSError):
    """Something a person should know of: a folder that others can write, a compiler that hangs."""


def compile_kernel(folder: Path, source: Path = SOURCE) -> Path:
    """The library in a folder, compiled if this source, compiler and processor are new to it.

    The name of a library ends in the hash of its bytes. One that was cut, zeroed or changed since
    it was compiled, or that others could have changed, is not loaded but compiled again.

    Args:
        folder: made, or made private to the user, if need be.
        source: of the kernel.

    Raises:
        OSError: if there is no compiler, it fails, or the folder cannot be written.
        UnsafeError: if the folder belongs to somebody else, or the compiler does not end.
    """
    compiler = find_compiler()
    if compiler is None:
        raise FileNotFoundError("no C compiler (cc, gcc or clang) found.")
    # Apple's processors share one baseline; elsewhere machines of one kind differ.
    flags = _FLAGS if sys.platform == "darwin" else [*_FLAGS, "-march=native"]
    texts = source.read_bytes(), HEADER.read_bytes()
    key = [*texts, compiler, os.stat(compiler).st_mtime_ns, _processor(), flags]
    kind = source.stem.strip("_")
    stem = f"{kind}-{_hash(repr(key).encode())}"
    _make_private(folder)
    for found in sorted(folder.glob(f"{stem}-*.so")):
        if _is_whole(found):
            return found
        found.unlink()
    given_up = folder / f"{stem}.failed"
    if given_up.exists() and time.time() - given_up.stat().st_mtime < _TRY_AGAIN_SECONDS:
        raise OSError(f"{compiler} did not end within {_COMPILE_SECONDS} seconds before.")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        try:
            headers = f"-I{HEADER.parent}"
            command = [compiler, *flags, headers, "-o", "kernel.so", str(source), "-lm"]
            _compile(command, Path(scratch))
        except subprocess.TimeoutExpired as error:
            given_up.touch()
            raise UnsafeError(
                f"{compiler} did not end within {_COMPILE_SECONDS} seconds."
            ) from error
        fresh = Path(scratch, "kernel.so")
        library = folder / f"{stem}-{_hash(fresh.read_bytes())}.so"
        fresh.chmod(0o700)
        os.replace(fresh, library)  # whole or not at all, also with several processes
    return library


def find_compiler() -> str | None:
    """The path of this machine's C compiler; None if there is none."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def _make_private(folder: Path) -> None:
    """Make a folder that only this user can write; what others may have put there is removed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not hasattr(os, "geteuid"):
        return  # such systems keep the folders of users apart
    found = folder.stat()
    if found.st_uid != os.geteuid():
        raise UnsafeError(f"{folder} belongs to somebody else, so nothing in it is used.")
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)
    if found.st_mode & _OTHERS_WRITE:
        for library in folder.glob("*-*.so"):
            library.unlink()


def _is_whole(library: Path) -> bool:
    """Whether it is a file of this user alone that holds what was compiled."""
    found = library.lstat()
    if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for
        return False
    if hasattr(os, "geteuid") and (found.st_uid != os.geteuid() or found.st_mode & _OTHERS_WRITE):
        return False
    return library.stem.endswith(f"-{_hash(library.read_bytes())}")


def _compile(command: list[str], folder: Path) -> None:
    """Run a compiler in a folder, with all processes that it starts.

    Raises:
        OSError: if it fails, with what it says. subprocess.TimeoutExpired: if it does not end.
    """
    with tempfile.TemporaryFile(dir=folder) as said:
        # What it says goes to a file: a pipe would be held open by whatever it left running.
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            code = process.wait(_COMPILE_SECONDS)
        except BaseException:
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            process.wait()
            raise
        if code:
            said.seek(0)
            words = said.read(_MOST_SAID_BYTES).decode("utf-8", "replace").strip()
            raise OSError(f"{command[0]} failed with code {code}: {words}")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _processor() -> str:
    """Names what the processor can do, so that a shared home folder serves different machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").split("\n\n")[0].splitlines()
    except OSError:
        return platform.machine()
    kinds = ("model name", "flags", "Features", "CPU part")
    return platform.machine() + "".join(line for line in lines if line.startswith(kinds))
