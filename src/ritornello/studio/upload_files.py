"""Files that people drop on the page: kept under names of our own, read by a helper with limits."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi.concurrency import run_in_threadpool

from ritornello.errors import InputError, OutputError, RitornelloError
from ritornello.studio.answers import Upload
from ritornello.studio.database import new_id
from ritornello.studio.open_studio import Studio
from ritornello.studio.piece_json import piece_from_json

MOST_BYTES = 100 * 2**20
_LEAST_FREE_BYTES = 200 * 2**20
_LONGEST_NAME = 120


class TooLargeError(InputError):
    """A file with more bytes than are taken."""


async def take_upload(
    studio: Studio, name: str, body: AsyncIterator[bytes], *, listed: bool = True
) -> Upload:
    """Keep a file as a new song or as a recording.

    Args:
        name: what the file is called; only its ending and what a person sees come from it.
        body: its bytes.
        listed: whether a piece is shown in the library; one to learn from need not be.

    Returns:
        ``kind``, "piece" or "recording", and the version or the recording under that name.

    Raises:
        InputError: if it is no music. TooLargeError: over `MOST_BYTES`.
        OutputError: if there is no room for it.
    """
    shown = shown_name(name)
    ending = re.search(r"\.[a-z0-9]{1,9}$", shown.lower())
    if ending is None:
        raise InputError(
            "The name has no ending, which says what is in a file.",
            where=shown,
            next_step="Drop a MIDI, ABC, MusicXML or audio file.",
        )
    if shutil.disk_usage(studio.library.folder).free < _LEAST_FREE_BYTES:
        raise OutputError("The disk is almost full, so nothing can be uploaded.")
    path = studio.library.uploads_folder / f"{new_id()}{ending.group()}"
    try:
        await _write(path, body, shown)
        return await run_in_threadpool(_keep, studio, path, shown, listed)
    finally:
        path.unlink(missing_ok=True)


async def _write(path: Path, body: AsyncIterator[bytes], shown: str) -> None:
    got = 0
    with path.open("xb") as file:
        async for part in body:
            got += len(part)
            if got > MOST_BYTES:
                raise TooLargeError(
                    f"The file is larger than {MOST_BYTES // 2**20} MiB.",
                    where=shown,
                    next_step="Split it, or save a recording as mp3 or flac.",
                )
            file.write(part)
    if not got:
        raise InputError("The file is empty.", where=shown)


def _keep(studio: Studio, path: Path, shown: str, listed: bool) -> Upload:
    try:
        found = studio.readers.call("read_file", file=str(path), name=shown)
    except RitornelloError as error:  # also where reading it ended the process
        raise InputError(error.what, where=shown, next_step=error.next_step) from None
    if "recording" in found:
        recording = studio.library.recordings.add(path, shown, found["recording"])
        return {"kind": "recording", "recording": recording}
    piece = piece_from_json(found["piece"], shown)
    version = studio.library.songs.add(
        piece,
        "upload",
        label=shown,
        title=piece.title or Path(shown).stem,
        warnings=found["repairs"],
        hidden=not listed,
    )
    if listed:
        studio.news.tell("song", studio.library.songs.song(version["song"]))
    return {"kind": "piece", "piece": studio.library.songs.whole(version["id"])}


def shown_name(name: str) -> str:
    """The last part of a path as people may see it: one line, no control characters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    line = " ".join("".join(c if c.isprintable() else " " for c in last).split())
    return line[-_LONGEST_NAME:].lstrip(".") or "file"
