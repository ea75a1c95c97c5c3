"""Files appear whole or not at all: they get their name when they are written.

On Linux a file on its way has no name at all (O_TMPFILE), so a process that is killed leaves
nothing. Where that is not possible it lies hidden beside the target and is renamed. A folder on
its way is hidden, and a shell that waits for the end of this process removes it.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from os import PathLike
from pathlib import Path

from ritornello.errors import OutputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


# A file or folder on its way, named after what it will be and the process that writes it.
_PARTIAL = re.compile(r"\..*\.(?P<process>\d+)(-\w+)?\.partial(\.[^.]*)?")
_MOST_STEM_BYTES, _MOST_SUFFIX_BYTES = 60, 16  # names have 255 bytes
_swept: set[Path] = set()
_OPEN_FILES = Path("/proc/self/fd")


@contextmanager
def atomic_write(path: str | PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """A path to write to; what was written takes the name of ``path`` on success.

    Nothing is left if the body fails or the process is killed. Where files need a name from the
    beginning, what a killed process left in the folder is removed with the first file that
    another one writes there. Missing parent folders are made, and go again if the body fails.

    The path may be one that only this process knows, such as ``/proc/self/fd/7``, and may have
    no suffix. It can be opened as often as one likes.

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
        with _in_folder(target.parent):
            unnamed = _open_unnamed(target.parent)
            with (
                _named_file(target, overwrite)
                if unnamed is None
                else _unnamed_file(unnamed, target, overwrite)
            ) as temporary:
                yield temporary
    except OSError as error:
        raise _refused(error, target) from error


@contextmanager
def _in_folder(folder: Path) -> Iterator[None]:
    """Make a folder where there is none; what was made and holds nothing goes if the body fails."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    try:
        yield
    except BaseException:
        with suppress(OSError):  # somebody else may have put something there
            for each in made:
                each.rmdir()
        raise


def _open_unnamed(folder: Path) -> int | None:
    """A new file in a folder that has no name yet; None where the system has no such files."""
    if not hasattr(os, "O_TMPFILE") or not _OPEN_FILES.is_dir():
        return None
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666)
    except OSError:
        return None  # this file system has none; if it refuses all files, the next try tells


@contextmanager
def _unnamed_file(handle: int, target: Path, overwrite: bool) -> Iterator[Path]:
    """The path of an open file without a name, which becomes ``target`` on success."""
    try:
        path = _OPEN_FILES / str(handle)
        yield path
        refuse_existing(target, overwrite)
        try:
            _link(path, target)
        except OSError:
            # Something is there, or this file system gives no names to such files.
            with _named_file(target, overwrite) as named:
                named.unlink()
                try:
                    _link(path, named)
                except OSError:
                    shutil.copyfile(path, named)
    finally:
        os.close(handle)


def _link(path: Path, target: Path) -> None:
    """Give an open file a name that nothing has.

    Raises:
        OSError: if the name is taken, or the file system cannot do it.
    """
    folder = os.open(target.parent, os.O_RDONLY)
    try:  # with a folder as handle Python calls linkat, which follows the link in /proc
        os.link(path, target.name, dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)


@contextmanager
def _named_file(target: Path, overwrite: bool) -> Iterator[Path]:
    """A hidden file beside ``target`` that takes its name on success; of the same suffix."""
    handle, name = tempfile.mkstemp(
        suffix=f".partial{_cut(target.suffix, _MOST_SUFFIX_BYTES)}",
        prefix=f".{_cut(target.stem, _MOST_STEM_BYTES)}.{os.getpid()}-",
        dir=target.parent,
    )
    temporary = Path(name)
    try:
        with _held(handle):
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            refuse_existing(target, overwrite)
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder that takes the place of ``folder`` if the body succeeds.

    It is removed if not, as `atomic_write` does it. What ``folder`` held goes.

    Raises:
        OSError: if the system refuses it.
    """
    name = _cut(folder.name, _MOST_STEM_BYTES)
    temporary = folder.with_name(f".{name}.{os.getpid()}-{secrets.token_hex(4)}.partial")
    with _in_folder(folder.parent):
        try:
            temporary.mkdir()
            handle = None if fcntl is None else os.open(temporary, os.O_RDONLY)
            with _held(handle), _removed_if_killed(temporary):
                yield temporary
                if folder.exists():
                    shutil.rmtree(folder)
                os.replace(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _removed_if_killed(folder: Path) -> Iterator[None]:
    """Have a folder removed should this process end inside the body."""
    if os.name != "posix":
        yield
        return
    # A pipe closes however a process ends; then the shell reads no line.
    words = ("sh", "-c", 'read -r line || rm -rf -- "$1"', "sh", str(folder))
    try:
        guard = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        yield  # no shell: what is left goes with the next run
        return
    try:
        yield
    finally:
        guard.communicate(b"done\n")


def sweep(folder: Path) -> None:
    """Remove from a folder, the first time it is asked, what killed processes left there."""
    if fcntl is None or folder in _swept:
        return
    _swept.add(folder)
    for entry in os.scandir(folder):
        match = _PARTIAL.fullmatch(entry.name)
        if not match or _is_alive(int(match["process"])):
            continue
        # A process of another machine, which shares the folder, holds its files.
        with suppress(OSError):
            handle = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with _held(handle, wait=False):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path)
                else:
                    os.unlink(entry.path)


@contextmanager
def _held(handle: int | None, *, wait: bool = True) -> Iterator[None]:
    """Hold an open file, so that nobody takes it for a leftover, and close it in the end.

    Raises:
        OSError: if somebody else holds it and that is not waited for.
    """
    if handle is None:
        yield
        return
    if fcntl is None:
        os.close(handle)  # open files cannot be renamed there
        yield
        return
    try:
        with suppress(OSError) if wait else nullcontext():  # some file systems know no locks
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(handle)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # of another user, or no number of a process
    return True


def _cut(name: str, most_bytes: int) -> str:
    """A name of at most so many bytes."""
    text = os.fsencode(name)[:most_bytes].decode("utf-8", "ignore")
    return os.fsdecode(text.encode("utf-8"))  # as this locale spells it


def refuse_existing(target: Path, overwrite: bool) -> None:
    """Refuse a target before any work is spent on its content.

    Raises:
        OutputError: if it is a folder, exists and may not be replaced, or its folder cannot be
            written.
    """
    try:
        problem = _problem(target, overwrite)
    except (OSError, ValueError) as error:  # a name that is too long, or holds a zero
        raise _refused(error, target) from error
    if problem:
        what, next_step = problem
        raise OutputError(what, where=str(target), next_step=next_step)


def _problem(target: Path, overwrite: bool) -> tuple[str, str] | None:
    """Why a file cannot be written there, and what to do."""
    if target.is_dir():
        return "This is a folder; a file name was expected.", "Add a file name to it."
    try:
        target.lstat()
        is_there = True
    except (FileNotFoundError, NotADirectoryError):
        is_there = False
    if is_there and not overwrite:
        next_step = "Choose another name or pass --overwrite."
        return "The file exists already and was not touched.", next_step
    folder = next((each for each in target.parents if each.exists()), None)
    if folder is not None and not folder.is_dir():
        return f"{folder} is a file; a folder was expected.", "Choose another folder."
    if folder is not None and not os.access(folder, os.W_OK | os.X_OK):
        return f"The folder {folder} cannot be written.", "Choose another folder."
    return None


def _refused(error: OSError | ValueError, target: Path) -> OutputError:
    reason = getattr(error, "strerror", None) or str(error)
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
