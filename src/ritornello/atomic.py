"""Files appear whole or not at all: write beside the target, then rename over it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from ritornello.errors import OutputError


@contextmanager
def atomic_write(path: str | PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """A temporary path in the folder of ``path``; it takes the name of ``path`` on success.

    The temporary file has the same suffix, so that writers which look at it keep working. It is
    removed if the body fails. Missing parent folders are made.

    Args:
        path: the file to be.
        overwrite: replace a file that is already there.

    Raises:
        OutputError: if the file exists and may not be replaced, if its folder cannot be made or
            written, or if the system refuses the write, as it does on a full disk.
    """
    target = Path(path)
    refuse_existing(target, overwrite)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            suffix=target.suffix, prefix=f".{target.stem[:80]}-", dir=target.parent
        )
        os.close(handle)
    except OSError as error:
        raise _refused(error, target) from error
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        refuse_existing(target, overwrite)
        temporary.replace(target)
    except OSError as error:
        raise _refused(error, target) from error
    finally:
        temporary.unlink(missing_ok=True)


def refuse_existing(target: Path, overwrite: bool) -> None:
    """Refuse a target before any work is spent on its content.

    Raises:
        OutputError: if it is a folder, or exists and may not be replaced.
    """
    if target.is_dir():
        raise OutputError(
            "This is a folder; a file name was expected.",
            where=str(target),
            next_step="Add a file name to it.",
        )
    if not overwrite and (target.exists() or target.is_symlink()):
        raise OutputError(
            "The file exists already and was not touched.",
            where=str(target),
            next_step="Choose another name or pass --overwrite.",
        )


def _refused(error: OSError, target: Path) -> OutputError:
    reason = error.strerror or str(error)
    return OutputError(
        f"The file could not be written ({reason}); nothing was left behind.",
        where=str(target),
        next_step="Free some space or choose another folder.",
    )


def _umask() -> int:
    # mkstemp makes files only their owner can read; a result gets the usual rights instead.
    # The mask can only be read by setting it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
