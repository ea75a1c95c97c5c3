"""Is everything in place? One check for each thing a person may miss, with what to do about it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import numpy as np

from ritornello import __version__
from ritornello.dsp.sound_files import write_audio
from ritornello.dsp.sound_formats import AUDIO_SUFFIXES
from ritornello.dsp.waveform import Waveform
from ritornello.errors import ConfigError, RitornelloError
from ritornello.files import save
from ritornello.folders import cache_folder, models_folder
from ritornello.generation.composer import Composer
from ritornello.note_model.engine import kernel
from ritornello.note_model.library import DEFAULT_MODEL
from ritornello.separate.separation import load_separator
from ritornello.transcribe import note_network

# What each extra is good for; which there are, and what is in them, the package's metadata says.
_PURPOSES = {
    "train": "to learn from your own music",
    "search": "to search for settings of rhythmix2024",
    "score": "to engrave scores as SVG and PDF",
    "m4a": "to read m4a and the sound of films",
    "studio": "to compose by looking and listening in a browser: ritornello studio",
    "cluster": "to keep large collections as Parquet files and read them on many machines",
    "interop": "to hand pieces to other libraries",
}
_NOT_PARTS = frozenset({"all", "dev", "docs"})  # extras for whoever works on the package
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(?:.*;.*\bextra *== *['\"](?P<extra>[\w-]+)['\"])?")
_OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what it is.
        ok: whether it is as it should be.
        required: whether ritornello cannot do its main work without it.
        found: what was found.
        fix: what to do if it is missing.
    """

    name: str
    ok: bool
    required: bool
    found: str
    fix: str = ""


def doctor() -> list[Check]:
    """Look at everything; required things first. Nothing is changed, and nothing is raised."""
    checks = [_python(), *_packages(), _sound(), _sound_files(), _default_model(), _listening()]
    checks += [_working_folder(), *_extras(), _own_models(), _cache(), _processors()]
    return [*checks, _compiler(), _kernel()]


def _python() -> Check:
    found = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    ok = sys.version_info >= _OLDEST_PYTHON
    return Check("Python", ok, True, found, "Use Python 3.11 or newer.")


def _packages() -> Iterator[Check]:
    yield Check("ritornello", True, True, __version__)
    for name in _requirements().get("", ()):
        version = _version(name)
        yield Check(
            name,
            version is not None,
            True,
            version or "missing",
            "pip install --upgrade ritornello",
        )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _requirements() -> dict[str, list[str]]:
    """Names of the packages of the default install, under "", and of each extra, as installed."""
    found: dict[str, list[str]] = {}
    try:
        stated = metadata.requires("ritornello") or []
    except metadata.PackageNotFoundError:  # run from a copy that was never installed
        return {}
    for requirement in stated:
        match = _REQUIREMENT.match(requirement)
        if match and match["extra"] not in _NOT_PARTS:
            found.setdefault(match["extra"] or "", []).append(match["name"])
    return found


def _extras() -> Iterator[Check]:
    for extra, packages in _requirements().items():
        if not extra:
            continue
        versions = {name: _version(name) for name in packages}
        missing = [name for name, version in versions.items() if version is None]
        there = [f"{name} {version or 'missing'}" for name, version in versions.items()]
        found = ", ".join(there)
        purpose = _PURPOSES.get(extra, "for what its name says")
        fix = f"Only needed {purpose}: pip install 'ritornello[{extra}]'"
        yield Check(f"extra {extra}", not missing, False, found, fix)


def _sound() -> Check:
    def load() -> str:
        from ritornello.synth.soundfont import SoundFont

        SoundFont.load()
        return "the bundled SoundFont"

    return _try("sound", load, "pip install --force-reinstall ritornello")


def _sound_files() -> Check:
    def write() -> str:
        sound = Waveform(np.zeros((1000, 2), np.float32), 44_100)
        with tempfile.TemporaryDirectory(prefix="ritornello-") as folder:
            for ending in sorted(AUDIO_SUFFIXES):
                write_audio(sound, Path(folder, f"sound{ending}"))
        return f"{', '.join(sorted(AUDIO_SUFFIXES))} can be written"

    return _try("sound files", write, "pip install --upgrade --force-reinstall soundfile")


def _listening() -> Check:
    def hear() -> str:
        note_network.hear(np.zeros(note_network.WINDOW_SAMPLES, np.float32))
        load_separator()
        return "the networks that hear notes and stems are there"

    return _try("listening", hear, "pip install --force-reinstall ritornello")


def _default_model() -> Check:
    def compose() -> str:
        piece = Composer.load().compose(bars=1, best_of=1)
        with tempfile.TemporaryDirectory(prefix="ritornello-") as folder:
            save(piece, Path(folder, "piece.mid"))
        return f"the model {DEFAULT_MODEL!r} composed one bar"

    fix = "Train a model with `ritornello train FOLDER -o mymodel` and give it with -m mymodel."
    return _try("composing", compose, fix)


def _working_folder() -> Check:
    def write() -> str:
        with tempfile.TemporaryFile(dir="."):
            free = shutil.disk_usage(".").free / 2**30
        return f"{Path.cwd()} can be written, {free:,.0f} GiB free"

    return _try("working folder", write, "Go to a folder of yours, for example with: cd ~")


def _try(name: str, work: Callable[[], str], fix: str) -> Check:
    try:
        return Check(name, True, True, work())
    except RitornelloError as error:
        return Check(name, False, True, error.what, fix)
    except OSError as error:
        return Check(name, False, True, error.strerror or str(error), fix)


def _own_models() -> Check:
    folder = models_folder()
    found = str(folder) if folder.is_dir() else f"none yet; models put into {folder} have a name"
    return Check("model folder", True, False, found)


def _cache() -> Check:
    def look() -> str:
        folder = cache_folder()
        there = next(each for each in (folder, *folder.parents) if each.exists())
        if not os.access(there, os.W_OK):
            raise ConfigError(f"{there} cannot be written")
        return str(folder)

    fix = "Set XDG_CACHE_HOME to a folder of yours; without one the kernel is not kept."
    return replace(_try("cache folder", look, fix), required=False)


def _compiler() -> Check:
    found = kernel.find_compiler()
    fix = "Install one, such as gcc: models then play several times faster."
    return Check("C compiler", found is not None, False, found or "none", fix)


def _processors() -> Check:
    return Check("processors", True, False, f"{os.cpu_count() or 1} threads")


def _kernel() -> Check:
    def load() -> str:
        if kernel.load() is None:
            raise ConfigError("none, so models play with NumPy, several times slower")
        return "compiled for this machine"

    return replace(_try("kernel", load, "Install a C compiler, such as gcc."), required=False)
