"""The C kernel: compiled on first use with the machine's own compiler, kept in the user's cache.

Where there is no compiler, or anything else is in the way, `load` gives None and models play with
NumPy. The environment variable RITORNELLO_KERNEL decides otherwise: "numpy" never uses the kernel,
"c" insists on it and says what is missing.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ritornello.errors import ConfigError

SOURCE = Path(__file__).with_name("_kernel.c")
_COMPILE_SECONDS = 60
_FLAGS = [
    "-std=c11", "-O3", "-fPIC", "-shared",
    # What a compiler needs to vectorise sums and maxima of floats. Not -ffast-math: it would
    # change how the whole process rounds the smallest numbers.
    "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros", "-fassociative-math",
    "-ffinite-math-only",
]  # fmt: skip


@functools.cache
def load() -> ctypes.CDLL | None:
    """The compiled kernel, or None where models have to play with NumPy.

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
        return ctypes.CDLL(str(compiled(cache_folder())))
    except (OSError, subprocess.SubprocessError) as error:
        if wish == "auto":
            return None
        reason = getattr(error, "stderr", None) or error
        raise ConfigError(
            f"The kernel cannot be compiled: {reason}.",
            next_step="Install a C compiler, or set RITORNELLO_KERNEL=auto.",
        ) from error


def cache_folder() -> Path:
    """Where compiled kernels are kept."""
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "ritornello"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "ritornello"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "ritornello"


def compiled(folder: Path) -> Path:
    """The library in a folder, compiled if this source, compiler and processor are new to it.

    Raises:
        OSError: if there is no compiler or the folder cannot be written.
        subprocess.SubprocessError: if the compiler fails.
    """
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise FileNotFoundError("no C compiler (cc, gcc or clang) found")
    # Apple's processors share one baseline; elsewhere machines of one kind differ.
    flags = _FLAGS if sys.platform == "darwin" else [*_FLAGS, "-march=native"]
    source = SOURCE.read_bytes()
    key = [source, compiler, os.stat(compiler).st_mtime_ns, _processor(), flags]
    name = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
    library = folder / f"kernel-{name}.so"
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            fresh = Path(scratch) / library.name
            subprocess.run(
                [compiler, *flags, "-o", str(fresh), str(SOURCE), "-lm"],
                check=True,
                capture_output=True,
                text=True,
                timeout=_COMPILE_SECONDS,
            )
            os.replace(fresh, library)  # whole or not at all, also with several processes
    return library


def _processor() -> str:
    """Names what the processor can do, so that a shared home folder serves different machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        return platform.machine()
    kinds = ("model name", "flags", "Features", "CPU part")
    return platform.machine() + "".join(line for line in lines if line.startswith(kinds))
