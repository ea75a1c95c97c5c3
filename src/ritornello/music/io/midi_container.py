"""A MIDI file taken apart into its tracks, as bytes, whatever stands around and between them.

Mended, and told: files inside a RIFF file (RMID), bytes before the header, padding between chunks,
lengths of tracks that are wrong though the track is there up to its end mark, unknown chunks, and
a header that counts otherwise.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ritornello.errors import InputError
from ritornello.music.io.limits import MOST_TRACKS

NEXT_STEP = "Export it again from the program that made it."
END_OF_TRACK = b"\xff\x2f\x00"
_HEADER_BYTES = 14
_HEADER_WITHIN_BYTES = 4096  # that other programs put before the header


@dataclass
class MidiFile:
    """The tracks of a MIDI file as bytes, and what was wrong with the container."""

    format: int
    resolution: int
    chunks: list[bytes]
    repairs: list[str]


def take_apart(data: bytes, where: str) -> MidiFile:
    """The tracks in the bytes of a file of format 0 or 1.

    Raises:
        InputError: if the bytes are no MIDI file, are cut short, have no or too many tracks, hold
            separate patterns or use SMPTE time.
    """
    repairs: list[str] = []
    data = _from_header(data, repairs)
    if data[:4] != b"MThd":
        raise InputError(
            f"This is not a MIDI file: it begins with {data[:4]!r}, not with b'MThd'.",
            where=where,
            next_step=NEXT_STEP,
        )
    if len(data) < _HEADER_BYTES:
        raise InputError(
            f"This MIDI file is cut short: it has {len(data)} bytes; a header has {_HEADER_BYTES}.",
            where=where,
            next_step=NEXT_STEP,
        )
    header_bytes, form, announced, division = struct.unpack(">IHHH", data[4:_HEADER_BYTES])
    if form not in (0, 1):
        raise InputError(
            f"MIDI format {form} holds separate patterns, not a piece; 0 or 1 was expected.",
            where=where,
            next_step="Export the piece as MIDI format 1.",
        )
    if division & 0x8000 or division == 0:
        raise InputError(
            "Its time is in SMPTE frames or has no unit; ticks per quarter were expected.",
            where=where,
            next_step="Export it with musical time (ticks per quarter note).",
        )
    chunks = _chunks(data, 8 + header_bytes, where, repairs)
    if len(chunks) > MOST_TRACKS:
        raise InputError(
            f"{len(chunks):,} tracks; at most {MOST_TRACKS} were expected.", where=where
        )
    if not chunks:
        raise InputError("The file is cut short: it holds no track.", where=where)
    if len(chunks) != announced:
        repairs.append(f"The header announces {announced} tracks; {len(chunks)} were there.")
    return MidiFile(form, division, chunks, repairs)


def _from_header(data: bytes, repairs: list[str]) -> bytes:
    """The file from its header on; an RMID file holds it in a chunk named data."""
    if data[:4] == b"MThd":
        return data
    start = data.find(b"MThd", 0, _HEADER_WITHIN_BYTES)
    if start < 0:
        return data
    if data[:4] == b"RIFF" and data[8:12] == b"RMID":
        at = 12
        while at + 8 <= len(data):
            kind, size = struct.unpack("<4sI", data[at : at + 8])
            if kind == b"data" and data[at + 8 : at + 12] == b"MThd":
                return data[at + 8 : at + 8 + size] if size > 14 else data[at + 8 :]
            at += 8 + size + size % 2
    repairs.append(f"{start:,} bytes before the header were skipped.")
    return data[start:]


def _chunks(data: bytes, at: int, where: str, repairs: list[str]) -> list[bytes]:
    chunks: list[bytes] = []
    while at + 8 <= len(data):
        kind, size = struct.unpack(">4sI", data[at : at + 8])
        if kind == b"MTrk":
            end = _track_end(data, at + 8, size, len(chunks), where, repairs)
            chunks.append(data[at + 8 : end])
            at = end
            continue
        after = data.find(b"MTrk", at)
        if kind.isascii() and kind.isalnum() and at + 8 + size <= len(data):
            repairs.append(f"A chunk of the unknown kind {kind!r} was skipped.")
            at += 8 + size
        elif after >= 0:
            repairs.append(f"{after - at:,} bytes between tracks were skipped.")
            at = after
        else:
            repairs.append(f"{len(data) - at:,} bytes after the last track were ignored.")
            break
    return chunks


def _track_end(
    data: bytes, start: int, size: int, number: int, where: str, repairs: list[str]
) -> int:
    """Where a track ends: where it says, if that can be, or else behind its end mark."""
    end = start + size
    if data[end - 3 : end] == END_OF_TRACK and size >= 3:
        return end
    if end < len(data) and data[end : end + 4] == b"MTrk":
        return end
    # No end mark where it should be: the length may be wrong, and the track whole.
    following = data.find(END_OF_TRACK + b"MTrk", start)
    swallows = 0 <= following < end
    if following >= 0:
        true_end = following + 3
    else:
        last = data.rfind(END_OF_TRACK, start)
        rest = data[last + 3 :]
        true_end = last + 3 if last >= 0 and (last < end or not rest.strip(b"\0")) else -1
    if end > len(data) and true_end < 0:
        raise InputError(
            f"The file is cut short: track {number} announces {size:,} bytes, "
            f"{len(data) - start:,} are left.",
            where=where,
            next_step="Get the complete file again.",
        )
    if true_end < 0 or (end <= len(data) and true_end < end and not swallows):
        return end
    repairs.append(f"Track {number} announces {size:,} bytes; it ends after {true_end - start:,}.")
    return true_end
