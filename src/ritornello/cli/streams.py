"""`-` in place of a file: read from standard input, write to standard output.

What comes in is kept in a temporary file whose ending follows from its first bytes; what goes out
is written to one and copied. So every format works, and every message is the usual one.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ritornello.errors import ConfigError, InputError
from ritornello.music.io import content

# On a command line a lone dash looks like the beginning of an option.
STREAM = "std:-"
_HEAD_BYTES = 4096
_SOUND_BEGINNINGS = {
    b"RIFF": ".wav",
    b"fLaC": ".flac",
    b"OggS": ".ogg",
    b"ID3": ".mp3",
    b"\xff\xfb": ".mp3",
    b"\xff\xf3": ".mp3",
}


def is_stream(path: Path) -> bool:
    """Whether a path stands for standard input or output."""
    return str(path) in ("-", STREAM)


@contextmanager
def read_from(path: Path) -> Iterator[Path]:
    """The path itself or, for `-`, that of a file with what standard input holds.

    Raises:
        ConfigError: if standard input is a terminal.
        InputError: if it holds nothing, or nothing that is known.
    """
    if not is_stream(path):
        yield path
        return
    if sys.stdin is None or sys.stdin.isatty():
        raise ConfigError(
            "Standard input is a terminal.",
            where="-",
            next_step="Pipe a file into it, as in: cat song.mid | ritornello ... -",
        )
    with tempfile.TemporaryDirectory(prefix="ritornello-") as folder:
        kept = Path(folder, "stdin")
        with kept.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield kept.rename(kept.with_suffix(_ending_of(kept)))


@contextmanager
def write_to(path: Path, ending: str) -> Iterator[Path]:
    """The path itself or, for `-`, one whose file goes to standard output in the end.

    Args:
        ending: of the format to write then, such as "mid".

    Raises:
        ConfigError: if standard output is a terminal.
    """
    if not is_stream(path):
        yield path
        return
    if sys.stdout.isatty():
        raise ConfigError(
            "Standard output is a terminal.",
            where="-",
            next_step="Redirect it into a file or a pipe, as in: ritornello ... > song.mid",
        )
    with tempfile.TemporaryDirectory(prefix="ritornello-") as folder:
        made = Path(folder, f"stdout.{ending.lower().lstrip('.')}")
        yield made
        sys.stdout.flush()
        with made.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _ending_of(path: Path) -> str:
    """The ending that a file should have, by its content."""
    with path.open("rb") as file:
        data = file.read(_HEAD_BYTES)
    if not data:
        raise InputError("Standard input is empty.", where="-")
    if data.startswith(b"PK"):  # the list of what is in an archive stands at its end
        data = path.read_bytes()
    ending = content.ending_of(data)
    if ending is None:
        ending = next((e for start, e in _SOUND_BEGINNINGS.items() if data.startswith(start)), None)
    if ending is None and data[4:8] == b"ftyp":
        ending = ".m4a"
    if ending is None and data.startswith(b"PK"):
        raise InputError("The archive in standard input is damaged.", where="-")
    if ending is None:
        raise InputError(
            "Standard input holds nothing that can be read.",
            where="-",
            next_step="MIDI, MusicXML, ABC, piano-rolls and sound are known by their first bytes.",
        )
    return ending
