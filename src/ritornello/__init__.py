"""ritornello: recurrent networks that learn music from your files and compose with you.

The public names load when first used, so importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ritornello.hooks import lend

__version__ = "0.1.0"

_PUBLIC = {
    "Composer": "ritornello.api",
    "Piece": "ritornello.music.piece",
    "Track": "ritornello.music.piece",
    "Note": "ritornello.music.piece",
    "Tempo": "ritornello.music.piece",
    "Metre": "ritornello.music.piece",
    "Rules": "ritornello.generation.rules",
    "Waveform": "ritornello.dsp.waveform",
    "RitornelloError": "ritornello.errors",
    "load": "ritornello.api",
    "save": "ritornello.api",
    "render": "ritornello.api",
    "convert": "ritornello.api",
    "inspect": "ritornello.api",
    "train": "ritornello.api",
    "evaluate": "ritornello.api",
    "remix": "ritornello.api",
    "transcribe": "ritornello.api",
    "separate": "ritornello.api",
    "doctor": "ritornello.api",
}

__all__ = ["__version__", *_PUBLIC]

# What a piece can do with the help of rooms above it.
lend("save", "ritornello.files:save")
lend("to_library", "ritornello.music.io.interop:to_library")
lend("notebook_html", "ritornello.files:notebook_html")
lend("to_audio", "ritornello.synth.render:render")
lend("save_sound", "ritornello.dsp.sound_files:write_audio")
lend("sound_html", "ritornello.files:sound_html")
# Where verbs of `ritornello.api` went, so that the old names go on working.
for _name in ("list_papers", "report_papers", "run_benchmark", "run_papers"):
    lend(_name, f"ritornello.papers.commands:{_name}")

if TYPE_CHECKING:
    from ritornello.api import Composer as Composer
    from ritornello.api import convert as convert
    from ritornello.api import doctor as doctor
    from ritornello.api import evaluate as evaluate
    from ritornello.api import inspect as inspect
    from ritornello.api import load as load
    from ritornello.api import remix as remix
    from ritornello.api import render as render
    from ritornello.api import save as save
    from ritornello.api import separate as separate
    from ritornello.api import train as train
    from ritornello.api import transcribe as transcribe
    from ritornello.dsp.waveform import Waveform as Waveform
    from ritornello.errors import RitornelloError as RitornelloError
    from ritornello.generation.rules import Rules as Rules
    from ritornello.music.piece import Metre as Metre
    from ritornello.music.piece import Note as Note
    from ritornello.music.piece import Piece as Piece
    from ritornello.music.piece import Tempo as Tempo
    from ritornello.music.piece import Track as Track


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'ritornello' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
