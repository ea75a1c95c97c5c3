"""A `Piece` as an object of another library: symusic, pretty_midi or music21.

All of them read files that `music.io` writes, so a piece goes through one, in memory. What the
format keeps is then what the object has.
"""

from __future__ import annotations

import importlib
import io
from types import ModuleType
from typing import Any

from ritornello.errors import ConfigError, MissingExtraError
from ritornello.music.io import midi_write
from ritornello.music.piece import Piece

LIBRARIES = ("symusic", "pretty_midi", "music21")


def to_library(piece: Piece, name: str) -> Any:
    """The piece as ``symusic.Score``, ``pretty_midi.PrettyMIDI`` or ``music21.stream.Score``.

    A music21 score is read from MIDI: its parts have exact notes, not the layout of a page.

    Raises:
        ConfigError: if ``name`` is not in `LIBRARIES`.
        MissingExtraError: if the library is not installed.
        OutputError: if the piece is too long for the format it goes through.
    """
    if name == "pypianoroll":  # not kept any more
        raise ConfigError(
            "Pieces are handed to pypianoroll as files.",
            next_step='Save it as in piece.save("song.npz"), then pypianoroll.load("song.npz").',
        )
    if name not in LIBRARIES:
        raise ConfigError(
            f"{name!r} is no library a piece can become.",
            next_step=f"Known: {', '.join(LIBRARIES)}.",
        )
    library = _import(name)
    midi = midi_write.write_bytes(piece)
    if name == "symusic":
        return library.Score.from_midi(midi)
    if name == "pretty_midi":
        return library.PrettyMIDI(io.BytesIO(midi))
    return library.converter.parseData(midi, format="midi", quantizePost=False)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"A piece becomes an object of {name} only where {name} is installed.",
            extra="interop",
        ) from error
