"""Anything that holds a piece in, the piece out: paths, bytes, objects of other libraries."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ritornello.errors import ConfigError
from ritornello.music import io

if TYPE_CHECKING:
    from ritornello.music.piece import Piece


def read_source(source: Any) -> tuple[Piece, str, tuple[str, ...]]:
    """The piece in a source, see `ritornello.load`; what messages call it; and what was mended.

    Raises:
        InputError: if the source cannot be read. ConfigError: if it is of no kind that is known.
    """
    from ritornello.music.io import interop, note_arrays

    name = type(source).__name__
    if isinstance(source, str | os.PathLike):
        return _with_name(os.fsdecode(source), io.read_with_repairs(source))
    if isinstance(source, bytes | bytearray | memoryview):
        return _with_name(name, io.read_bytes(bytes(source), name))
    if (data := interop.bytes_of(source)) is not None:
        return _with_name(name, io.read_bytes(data, name))
    if callable(getattr(source, "read", None)):
        return _read_file(source)
    if callable(getattr(source, "to_records", None)):  # a table of pandas
        source = source.to_records(index=False)
    if isinstance(source, list | tuple) and source and all(map(_is_note, source)):
        source = np.array([tuple(row) for row in source])
    if hasattr(source, "dtype") or isinstance(source, dict):
        return note_arrays.piece_of(source), name, ()
    raise ConfigError(
        f"A piece cannot be loaded from this {name}.",
        next_step="Give a path, bytes, an open file, a score of symusic, pretty_midi, mido or "
        "music21, or an array of notes.",
    )


def _is_note(row: Any) -> bool:
    """Whether a row is numbers: onset, duration, pitch and perhaps velocity."""
    is_row = isinstance(row, list | tuple) and len(row) in (3, 4)
    return is_row and all(isinstance(number, int | float | np.number) for number in row)


def _read_file(file: Any) -> tuple[Piece, str, tuple[str, ...]]:
    name = getattr(file, "name", None)
    where = name if isinstance(name, str) else type(file).__name__
    content = file.read(io.MAX_FILE_BYTES + 1)
    if not isinstance(content, str | bytes | bytearray | memoryview):
        raise ConfigError(f"Reading this {type(file).__name__} gives no bytes and no text.")
    data = content.encode() if isinstance(content, str) else bytes(content)
    ending = Path(where).suffix.lower()
    known = ending if ending in io.readable_extensions() else None
    return _with_name(where, io.read_bytes(data, where, known))


def _with_name(
    name: str, read: tuple[Piece, tuple[str, ...]]
) -> tuple[Piece, str, tuple[str, ...]]:
    return read[0], name, read[1]
