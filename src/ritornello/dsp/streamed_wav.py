"""Wav files that a program wrote without knowing how long they would be: sizes of 0.

A recorder that streams, or that was stopped, leaves the sizes of the file and of its samples 0;
decoders then find no sound. All that follows the header is the samples.
"""

from __future__ import annotations

import struct
from pathlib import Path

_LONGEST_HEADER = 65_536
_CHUNK = struct.Struct("<4sI")
_MOST = 2**32 - 1


def completed_header(path: Path) -> bytes | None:
    """The header of such a file with its sizes, to stand for the bytes it replaces; else None."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_LONGEST_HEADER)
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    at = 12
    while at + _CHUNK.size <= len(head):
        name, length = _CHUNK.unpack_from(head, at)
        if name == b"data":
            behind = size - at - _CHUNK.size
            if length or behind <= 0 or behind > _MOST:
                return None
            whole = _CHUNK.pack(b"RIFF", min(_MOST, size - _CHUNK.size)) + head[8:at]
            return whole + _CHUNK.pack(b"data", behind)
        at += _CHUNK.size + length + length % 2
    return None
