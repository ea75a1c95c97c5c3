"""A `Piece` as an object of another library, and back: symusic, pretty_midi, music21.

All of them read and write files that `music.io` knows too, so a piece goes through one, in
memory. What the format keeps is then what the other side has. A library is imported only to hand a
piece to it: an object that comes from one is known by the name of its class.
"""

from __future__ import annotations

import importlib
import io
import logging
from types import ModuleType
from typing import Any

from ritornello.errors import ConfigError, InputError, MissingExtraError, RitornelloError, shortened
from ritornello.music.io import losses, midi_write
from ritornello.music.piece import Piece

LIBRARIES = ("symusic", "pretty_midi", "music21")
_LOG = logging.getLogger(__name__)


def to_library(piece: Piece, name: str) -> Any:
    """The piece as ``symusic.Score``, ``pretty_midi.PrettyMIDI`` or ``music21.stream.Score``.

    The first two go through MIDI. A music21 score goes through MusicXML, so that it has measures,
    keys, chord symbols, words and marks; what that format cannot hold is told as a warning.

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
    for loss in losses(piece, ".musicxml" if name == "music21" else ".mid"):
        _LOG.warning("%s: %s", name, loss)
    if name == "music21" and piece.tracks:
        from ritornello.music.io.musicxml.write import write_bytes

        return library.converter.parseData(write_bytes(piece), format="musicxml")
    midi = midi_write.write_bytes(piece)
    if name == "symusic":
        return library.Score.from_midi(midi)
    if name == "music21":  # a score without parts is no MusicXML
        return library.converter.parseData(midi, format="midi")
    return library.PrettyMIDI(io.BytesIO(midi))


def bytes_of(source: object) -> bytes | None:
    """An object of another library as the bytes of a file, or None of any other object.

    Known are scores of symusic, pretty_midi, mido and miditoolkit, which become MIDI, and all that
    music21 can write, which becomes MusicXML.

    Raises:
        InputError: if its library cannot write it.
    """
    library = type(source).__module__.partition(".")[0]
    above = {kind.__module__.partition(".")[0] for kind in type(source).__mro__}
    try:
        if "music21" in above:  # classes of others may be made of its streams
            return _music21_bytes(source)
        if library == "symusic" and hasattr(source, "dumps_midi"):
            return bytes(source.dumps_midi())
        if library == "pretty_midi" and hasattr(source, "write"):
            return _written(source.write)
        if library == "mido" and hasattr(source, "save"):
            return _written(lambda file: source.save(file=file))
        if library == "miditoolkit" and hasattr(source, "dump"):
            return _written(lambda file: source.dump(file=file))
    except RitornelloError:
        raise
    except Exception as error:  # whatever another library raises about an object of its own
        raise InputError(
            f"{library} cannot write this {type(source).__name__} "
            f"({shortened(f'{type(error).__name__}: {error}')}).",
            next_step="Write it to a file there, and load the file.",
        ) from error
    return None


def _written(write: Any) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def _music21_bytes(source: Any) -> bytes:
    if "Opus" in source.classes and source.scores:  # a book: its first piece, as of a file
        source = source.scores[0]
    exporter = importlib.import_module("music21.musicxml.m21ToXml").GeneralObjectExporter
    return bytes(exporter(source).parse())


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"A piece becomes an object of {name} only where {name} is installed.",
            extra="interop",
        ) from error
