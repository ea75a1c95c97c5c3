"""Reading and writing pieces: the file's ending chooses the format.

To add a format, write one module with ``read_bytes(data, where) -> (Piece, repairs)`` and/or
``write_bytes(piece) -> bytes``, and add one line to `FORMATS`. The contract tests then cover it.

midi_read, midi_write  Standard MIDI Files
musicxml               MusicXML, plain and compressed
abc                    ABC
pianoroll_npz          piano-rolls of pypianoroll
interop                pieces as objects of other libraries
limits                 names and notes cut to what every format can hold
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from ritornello.atomic import atomic_write
from ritornello.errors import InputError, OutputError
from ritornello.music.piece import Piece

# What published systems and experiments may import; the rest is inside.
__all__ = [
    "FORMATS",
    "Format",
    "check_size",
    "midi_read",
    "midi_write",
    "read",
    "read_with_repairs",
    "readable_extensions",
    "writable_extensions",
    "write",
]

MAX_FILE_BYTES = 64 * 2**20
MAX_NOTES = 1_000_000
MAX_HOURS = 10.0


@dataclass(frozen=True)
class Format:
    """A file format and where its functions are, as ``module:function`` inside this package.

    Attributes:
        name: what people call it.
        extensions: lower-case endings with the dot; the first one is the usual one.
        reader: ``(data, where) -> (Piece, repairs)``, or None if it cannot be read.
        writer: ``(piece) -> bytes``, or None if it cannot be written.
    """

    name: str
    extensions: tuple[str, ...]
    reader: str | None
    writer: str | None

    def read_bytes(self, data: bytes, where: str) -> tuple[Piece, list[str]]:
        return _resolve(self.reader)(data, where)

    def write_bytes(self, piece: Piece) -> bytes:
        return _resolve(self.writer)(piece)


FORMATS = (
    Format("MIDI", (".mid", ".midi", ".kar"), "midi_read:read_bytes", "midi_write:write_bytes"),
    Format("ABC", (".abc",), "abc.read:read_bytes", None),
    Format("piano-roll", (".npz",), "pianoroll_npz:read_bytes", "pianoroll_npz:write_bytes"),
    Format(
        "MusicXML",
        (".musicxml", ".xml"),
        "musicxml.read:read_bytes",
        "musicxml.write:write_bytes",
    ),
    Format(
        "compressed MusicXML",
        (".mxl",),
        "musicxml.read:read_bytes",
        "musicxml.write:write_compressed_bytes",
    ),
)
_BY_EXTENSION = {extension: entry for entry in FORMATS for extension in entry.extensions}


def readable_extensions() -> tuple[str, ...]:
    """The endings `read` knows, lower case, with the dot."""
    return tuple(extension for extension, entry in _BY_EXTENSION.items() if entry.reader)


def writable_extensions() -> tuple[str, ...]:
    """The endings `write` knows, lower case, with the dot."""
    return tuple(extension for extension, entry in _BY_EXTENSION.items() if entry.writer)


def read(path: str | PathLike[str]) -> Piece:
    """The piece in a file; see `read_with_repairs`, which also says what was repaired."""
    return read_with_repairs(path)[0]


def read_with_repairs(path: str | PathLike[str]) -> tuple[Piece, tuple[str, ...]]:
    """The piece in a file and, as sentences, all that was dropped or changed to make it one.

    Raises:
        InputError: if the file is missing, unreadable, empty, of an unknown kind or damaged, or
            larger than `MAX_FILE_BYTES`, `MAX_NOTES` or `MAX_HOURS`.
    """
    source = Path(path)
    entry = _BY_EXTENSION.get(source.suffix.lower())
    if entry is None or entry.reader is None:
        raise InputError(
            f"{source.suffix or 'A name without an ending'} is no format that can be read.",
            where=str(source),
            next_step=f"Known: {', '.join(readable_extensions())}.",
        )
    piece, repairs = entry.read_bytes(_load(source), str(source))
    check_size(piece, str(source))
    return piece, tuple(repairs)


def write(piece: Piece, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
    """Write a piece; the ending of ``path`` chooses the format. The file appears whole or not.

    Raises:
        OutputError: if the ending is unknown, or the file exists or cannot be written.
    """
    target = Path(path)
    entry = _BY_EXTENSION.get(target.suffix.lower())
    if entry is None or entry.writer is None:
        raise OutputError(
            f"{target.suffix or 'A name without an ending'} is no format that can be written.",
            where=str(target),
            next_step=f"Known: {', '.join(writable_extensions())}.",
        )
    data = entry.write_bytes(piece)
    with atomic_write(target, overwrite=overwrite) as temporary:
        temporary.write_bytes(data)
    return target


def check_size(piece: Piece, where: str) -> None:
    """Refuse pieces no later step could handle.

    Raises:
        InputError: over `MAX_NOTES` notes or `MAX_HOURS` hours.
    """
    if piece.note_count > MAX_NOTES:
        raise InputError(
            f"{piece.note_count:,} notes; at most {MAX_NOTES:,} were expected.",
            where=where,
            next_step="Split the file into separate pieces.",
        )
    hours = piece.duration_seconds / 3600
    if hours > MAX_HOURS:
        raise InputError(
            f"{hours:,.1f} hours of music; at most {MAX_HOURS:g} were expected.",
            where=where,
            next_step="Look for a stray event far after the end, or split the file.",
        )


def _load(source: Path) -> bytes:
    try:
        with source.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_FILE_BYTES:
                raise InputError(
                    f"{size / 2**20:,.0f} MiB; at most {MAX_FILE_BYTES // 2**20} were expected.",
                    where=str(source),
                    next_step="Split the file into separate pieces.",
                )
            data = file.read()
    except FileNotFoundError as error:
        raise InputError(
            "There is no such file.", where=str(source), next_step="Check the name."
        ) from error
    except OSError as error:
        if source.is_dir():
            raise InputError("This is a folder; a file was expected.", where=str(source)) from error
        reason = error.strerror or str(error)
        raise InputError(f"The file cannot be read ({reason}).", where=str(source)) from error
    if not data:
        raise InputError("The file is empty.", where=str(source))
    return data


def _resolve(function: str | None) -> Callable[..., Any]:
    if function is None:
        raise LookupError("the format has no such direction")
    module, name = function.split(":")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)
