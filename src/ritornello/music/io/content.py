"""Bytes of a file in, the ending that fits their content out; for what comes without a name."""

from __future__ import annotations

import io
import zipfile

_MARK_BYTES = b"\xef\xbb\xbf\xff\xfe"  # of byte order marks
_HEAD_BYTES = 4096


def ending_of(data: bytes) -> str | None:
    """The ending of `ritornello.music.io.FORMATS` that bytes should have had, or None of no music.

    >>> ending_of(b"X:1\\nK:C\\nCDE|")
    '.abc'
    """
    if data[:4] == b"MThd" or (data[:4] == b"RIFF" and data[8:12] == b"RMID"):
        return ".mid"
    if data[:2] == b"PK":
        return _ending_of_archive(data)
    # Of UTF-16 the letters that tell formats apart have a byte 0 beside them.
    head = data[:_HEAD_BYTES].lstrip(_MARK_BYTES).replace(b"\0", b"").lstrip()
    if head.startswith(b"<"):
        return ".musicxml"
    lines = head.replace(b"\r", b"\n").split(b"\n")
    if head[:4] == b"%abc" or any(line.lstrip()[:2] in (b"X:", b"K:") for line in lines):
        return ".abc"
    return None


def _ending_of_archive(data: bytes) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return ".npz" if "info.json" in archive.namelist() else ".mxl"
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
