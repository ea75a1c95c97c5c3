"""Reading and writing pieces: the file's ending chooses the format.

To add a format, write one module with ``read_bytes(data, where) -> (Piece, repairs)`` and/or
``write_bytes(piece) -> bytes``, and add one line to `FORMATS`. The contract tests then cover it.

A file of some formats is a book of pieces. `read` takes the first, ``book.abc#3`` names the third:
such a name is an *address*, and is taken wherever a file is. `list_addresses` and `read_each` go
through whole books, as the scanning of folders does.

midi_read, midi_write  Standard MIDI Files
midi_container         a MIDI file as the bytes of its tracks
midi_ordinary          which MIDI files symusic reads rightly and whole
midi_events            the events of a track of any other MIDI file
midi_channels          programs, kits and releases: the parts in such events
midi_text              texts of MIDI files in the code page they were written in
midi_code_pages        which code page gives the most likely words
midi_symusic           ordinary MIDI files as symusic reads them
midi_found             what a reader finds in the tracks of a MIDI file
midi_words             title, names, markers, chord symbols and lyrics in MIDI files
midi_chord_events      chords as instruments of Yamaha write them
midi_maps              tempi, metres and keys in MIDI files
musicxml               MusicXML, plain and compressed
abc                    ABC
pianoroll_npz          piano-rolls of pypianoroll
loss_messages          what a piece holds that a format cannot, in words
content                which format bytes without a name are in
interop                pieces as objects of other libraries, and back
note_arrays            pieces from arrays of notes and piano-rolls
sources                whatever holds a piece, opened
limits                 names and notes cut to what every format can hold
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ritornello.atomic import atomic_write
from ritornello.errors import InputError, OutputError

if TYPE_CHECKING:
    from ritornello.music.piece import Piece

# What published systems and experiments may import; the rest is inside.
__all__ = [
    "FORMATS",
    "Format",
    "check_size",
    "file_of",
    "list_addresses",
    "losses",
    "midi_read",
    "midi_write",
    "read",
    "read_bytes",
    "read_each",
    "read_with_repairs",
    "readable_extensions",
    "writable_extensions",
    "write",
]

MAX_FILE_BYTES = 64 * 2**20
MAX_NOTES = 1_000_000
MAX_HOURS = 10.0
LONGEST_NAME = 200
_ADDRESS = re.compile(r"(?P<file>.*\.\w+)#(?P<number>\d{1,9})", re.DOTALL)


class Book(Protocol):
    """The pieces of one file; `read_piece` counts from 1 and raises `InputError`."""

    def __len__(self) -> int: ...

    def read_piece(self, number: int) -> tuple[Piece, list[str]]: ...


@dataclass(frozen=True)
class Format:
    """A file format and where its functions are, as ``module:function`` inside this package.

    Attributes:
        name: what people call it.
        extensions: lower-case endings with the dot; the first one is the usual one.
        about, keeps: what it is, and what of a piece it holds, in a few words.
        reader: ``(data, where) -> (Piece, repairs)``, or None if it cannot be read.
        writer: ``(piece) -> bytes``, or None if it cannot be written.
        book: ``(data, where) -> Book`` where a file may hold several pieces.
        holds: kinds of `ritornello.music.io.loss_messages.KINDS` that its writer keeps.
        losses_of: ``(piece) -> sentences`` on what a writer counts itself: all of its losses, or
            those of kinds that it ``holds`` in part.
    """

    name: str
    extensions: tuple[str, ...]
    about: str
    keeps: str
    reader: str | None
    writer: str | None
    book: str | None = None
    holds: tuple[str, ...] = ()
    losses_of: str | None = None

    def read_bytes(self, data: bytes, where: str) -> tuple[Piece, list[str]]:
        result: tuple[Piece, list[str]] = _resolve(self.reader)(data, where)
        return result

    def write_bytes(self, piece: Piece) -> bytes:
        result: bytes = _resolve(self.writer)(piece)
        return result

    def open_book(self, data: bytes, where: str) -> Book:
        result: Book = _resolve(self.book)(data, where)
        return result


FORMATS = (
    Format(
        "MIDI",
        (".mid", ".midi", ".kar"),
        "MIDI, formats 0 and 1",
        "notes to the tick, tempi, metres, names; keys as signatures",
        "midi_read:read_bytes",
        "midi_write:write_bytes",
        holds=(
            *("pedals", "controllers", "bends", "pressures", "lyrics", "chords"),
            *("markers", "cues", "texts", "composer", "copyright"),
        ),
    ),
    Format(
        "ABC",
        (".abc",),
        "ABC 2.1, tunes and books of tunes",
        "notes in written times, bars, metres, modes, tempi; repeats are played out when read",
        "abc.read:read_bytes",
        "abc.write:write_bytes",
        book="abc.read:AbcBook",
        holds=(
            *("lyrics", "verses", "articulations", "fermatas", "dynamics", "slurs", "words"),
            *("chords", "markers", "composer", "copyright"),
        ),
        losses_of="abc.write:losses",
    ),
    Format(
        "piano-roll",
        (".npz",),
        "piano-rolls as the Lakh Pianoroll sets store them",
        "notes that do not touch another of their pitch, loudness, tempi, bar lines",
        "pianoroll_npz:read_bytes",
        "pianoroll_npz:write_bytes",
    ),
    Format(
        "MusicXML",
        (".musicxml", ".xml"),
        "MusicXML 4, transposing instruments and drums included",
        "notes to the tick, metres, keys, tempi, chord symbols, words, marks, pedals; repeats are "
        "played out when read",
        "musicxml.read:read_bytes",
        "musicxml.write:write_bytes",
        losses_of="musicxml.write:losses",
    ),
    Format(
        "compressed MusicXML",
        (".mxl",),
        "the same, compressed",
        "the same",
        "musicxml.read:read_bytes",
        "musicxml.write:write_compressed_bytes",
        losses_of="musicxml.write:losses",
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

    Args:
        path: a file, or an address such as ``book.abc#3`` for the third piece of a book.

    Raises:
        InputError: if the file is missing, unreadable, empty, of an unknown kind or damaged, or
            larger than `MAX_FILE_BYTES`, `MAX_NOTES` or `MAX_HOURS`; if a book has no such piece.
    """
    source, number = _split_address(path)
    entry = _format_of(source)
    data = _load(source)
    if number is None:
        piece, repairs = entry.read_bytes(data, source)
    else:
        piece, repairs = entry.open_book(data, str(path)).read_piece(number)
    check_size(piece, str(path))
    return _with_names_cut(piece, repairs), tuple(repairs)


def read_bytes(data: bytes, where: str, ending: str | None = None) -> tuple[Piece, tuple[str, ...]]:
    """The piece in the bytes of a file, and what `read_with_repairs` says of one.

    Args:
        data: a whole file in a format of `FORMATS`.
        where: what messages call it.
        ending: of its format; None to go by the first bytes.

    Raises:
        InputError: as `read_with_repairs` does.
    """
    from ritornello.music.io.content import ending_of

    if not data:
        raise InputError("There are no bytes.", where=where)
    if len(data) > MAX_FILE_BYTES:
        raise _too_large(len(data), where)
    entry = _BY_EXTENSION.get(ending or ending_of(data) or "")
    if entry is None or entry.reader is None:
        raise InputError(
            "The bytes are no music that is known.",
            where=where,
            next_step="MIDI, MusicXML, ABC and piano-rolls (.npz) are known by their first bytes.",
        )
    piece, repairs = entry.read_bytes(data, where)
    check_size(piece, where)
    return _with_names_cut(piece, repairs), tuple(repairs)


def file_of(path: str | PathLike[str]) -> Path:
    """The file of an address: ``book.abc`` of ``book.abc#3``, every other path as it is."""
    return Path(_split_address(path)[0])


def list_addresses(path: str | PathLike[str]) -> list[str]:
    """Addresses of the pieces of a file, as `read` takes them: its path, or one for each in a book.

    Raises:
        InputError: if the file cannot be opened.
    """
    entry = _format_of(os.fspath(path))
    count = len(entry.open_book(_load(os.fspath(path)), str(path))) if entry.book else 1
    return [f"{path}#{number}" for number in range(1, count + 1)] if count > 1 else [str(path)]


def read_each(
    paths: Iterable[str | PathLike[str]],
) -> Iterator[tuple[Piece, tuple[str, ...]] | InputError]:
    """Like `read_with_repairs` for each file or address, with the error of those that have one.

    Neighbours in one book are read from one opened file, so that a book costs its own length once.
    """
    opened: tuple[str, Book] | None = None
    for path in paths:
        try:
            source, number = _split_address(path)
            if number is None:
                yield read_with_repairs(path)
                continue
            if opened is None or opened[0] != source:
                opened = source, _format_of(source).open_book(_load(source), source)
            piece, repairs = opened[1].read_piece(number)
            check_size(piece, str(path))
            yield _with_names_cut(piece, repairs), tuple(repairs)
        except InputError as error:
            yield error


def _split_address(path: str | PathLike[str]) -> tuple[str, int | None]:
    """The file and, of an address, the number of its piece; a file of that very name wins."""
    name = os.fspath(path)
    match = _ADDRESS.fullmatch(name) if "#" in name else None
    if match is None or os.path.exists(name):
        return name, None
    entry = _BY_EXTENSION.get(_ending(match["file"]))
    if entry is None or entry.book is None:
        return name, None
    return match["file"], int(match["number"])


def _ending(name: str) -> str:
    return os.path.splitext(name.rstrip("/"))[1].lower()  # a `Path` takes five times as long


def _format_of(source: str) -> Format:
    entry = _BY_EXTENSION.get(_ending(source))
    if entry is None or entry.reader is None:
        raise InputError(
            f"{Path(source).suffix or 'A name without an ending'} is no format that can be read.",
            where=source,
            next_step=f"Known: {', '.join(readable_extensions())}.",
        )
    return entry


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


def losses(piece: Piece, extension: str) -> list[str]:
    """Sentences about what of a piece a file with this ending cannot hold."""
    entry = _BY_EXTENSION.get(extension.lower())
    from ritornello.music.io.loss_messages import tell_losses

    if entry is None:
        return []
    own = list(_resolve(entry.losses_of)(piece)) if entry.losses_of else []
    counts_all = entry.losses_of is not None and not entry.holds
    return own if counts_all else [*tell_losses(piece, entry.name, entry.holds), *own]


def check_size(piece: Piece, where: str) -> None:
    """Refuse pieces with too many notes or hours.

    Raises:
        InputError: over `MAX_NOTES` notes or `MAX_HOURS` hours.
    """
    if piece.note_count > MAX_NOTES:
        raise InputError(
            f"{piece.note_count:,} notes; at most {MAX_NOTES:,} were expected.",
            where=where,
            next_step="Split the file into separate pieces.",
        )
    # Most pieces are short enough at their slowest tempo: that is told sooner.
    slowest_bpm = min(tempo.bpm for tempo in piece.tempos)
    if piece.length_beats / slowest_bpm < MAX_HOURS * 60:
        return
    hours = piece.duration_seconds / 3600
    if hours > MAX_HOURS:
        raise InputError(
            f"{hours:,.1f} hours of music; at most {MAX_HOURS:g} were expected.",
            where=where,
            next_step="Look for a stray event far after the end, or split the file.",
        )


def _with_names_cut(piece: Piece, repairs: list[str]) -> Piece:
    """The piece with names that no picture or list could show cut, each of them told."""

    def cut(name: str, whose: str) -> str:
        if len(name) <= LONGEST_NAME:
            return name
        repairs.append(f"The name of {whose}, of {len(name):,} characters, was cut.")
        return name[: LONGEST_NAME - 3] + "..."

    names = (piece.title, piece.composer, *(track.name for track in piece.tracks))
    if max(map(len, (*names, piece.copyright))) <= LONGEST_NAME:
        return piece
    tracks = (
        replace(track, name=cut(track.name, f"track {number}"))
        for number, track in enumerate(piece.tracks, 1)
    )
    return replace(
        piece,
        title=cut(piece.title, "the piece"),
        composer=cut(piece.composer, "the composer"),
        copyright=cut(piece.copyright, "the holder of the copyright"),
        tracks=tuple(tracks),
    )


def _load(source: str) -> bytes:
    try:
        with open(source, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_FILE_BYTES:
                raise _too_large(size, source)
            data = file.read()
    except FileNotFoundError as error:
        raise InputError(
            "There is no such file.", where=source, next_step="Check the name."
        ) from error
    except OSError as error:
        if os.path.isdir(source):
            raise InputError("This is a folder; a file was expected.", where=source) from error
        reason = error.strerror or str(error)
        raise InputError(f"The file cannot be read ({reason}).", where=source) from error
    if not data:
        raise InputError("The file is empty.", where=source)
    return data


def _too_large(size: int, where: str) -> InputError:
    return InputError(
        f"{size / 2**20:,.0f} MiB; at most {MAX_FILE_BYTES // 2**20} were expected.",
        where=where,
        next_step="Split the file into separate pieces.",
    )


def _resolve(function: str | None) -> Callable[..., Any]:
    if function is None:
        raise LookupError("the format has no such direction")
    module, name = function.split(":")
    result: Callable[..., Any] = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    return result
