"""The files of a folder: which may hold music, and which collection each belongs to."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, get_args

from ritornello.errors import ConfigError, InputError
from ritornello.music.io import readable_extensions

Side = Literal["train", "valid", "test"]
SIDES: tuple[Side, ...] = get_args(Side)
Split = Literal[Side, "all"]
"""Which pieces are asked for: those of a side, or all."""

# Folders that name a side of a split, and the side.
SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "test": "test",
    "heldout": "test",
}

# What a training run leaves in its folder: pieces that it composed stand beside its journal, and
# are no music to learn from where that folder is inside the folder of music.
RUN_JOURNAL = "metrics.jsonl"
RUN_SAMPLES = "samples"


@dataclass(frozen=True)
class Listing:
    """The files below a folder: relative paths, sorted, and the collection of each."""

    music: tuple[str, ...]
    collection_of: dict[str, str]
    other_endings: Counter[str]


def list_files(folder: Path, collections: Iterable[str] | None = None) -> Listing:
    """Every file below a folder that may hold music, and the endings of those that do not.

    Raises:
        InputError, ConfigError: as `scan`.
    """
    step = "Give a folder that holds MIDI, ABC or MusicXML files."
    if not folder.exists():
        raise InputError("There is no such folder.", where=str(folder), next_step=step)
    if not folder.is_dir():
        raise InputError("This is a file; a folder is needed.", where=str(folder), next_step=step)
    endings = readable_extensions()
    wanted = _checked_collections(folder, collections)
    music, other = [], Counter[str]()
    for path in _walk(folder):
        if wanted is not None and PurePosixPath(path).parts[0] not in wanted:
            continue
        if PurePosixPath(path).suffix.lower() in endings:
            if _is_sample(folder / path):
                other["(samples of a training run)"] += 1
            else:
                music.append(path)
        else:
            other[PurePosixPath(path).suffix.lower() or "(no ending)"] += 1
    if not music:
        found = ", ".join(f"{count} {ending}" for ending, count in other.most_common(5))
        raise InputError(
            f"No music in this folder; found {found or 'no files at all'}, "
            f"expected files ending in {', '.join(endings)}.",
            where=str(folder),
            next_step="`train` and `evaluate` read a folder of shards."
            if other[".parquet"]
            else f"{step} Recordings become such files with `ritornello transcribe FOLDER`.",
        )
    music.sort()
    return Listing(tuple(music), _collections(folder, music, chosen=wanted is not None), other)


def _checked_collections(folder: Path, names: Iterable[str] | None) -> frozenset[str] | None:
    if names is None:
        return None
    wanted = frozenset(names)
    for name in sorted(wanted):
        if not (folder / name).is_dir():
            there = sorted(item.name for item in folder.iterdir() if item.is_dir())
            raise ConfigError(
                f"{name!r} is not a sub-folder.",
                where=str(folder),
                next_step=f"Sub-folders: {', '.join(there) or 'none'}.",
            )
    return wanted


def _is_sample(file: Path) -> bool:
    """Whether a training run composed this file on its way."""
    here = file.parent
    return here.name == RUN_SAMPLES and (here.parent / RUN_JOURNAL).is_file()


def _walk(folder: Path) -> Iterator[str]:
    """Paths of all files, relative, with forward slashes; hidden folders are left out."""
    seen: set[tuple[int, int]] = set()
    for here, folders, files in os.walk(folder, followlinks=True):
        status = os.stat(here)
        if (status.st_dev, status.st_ino) in seen:  # a link back into a folder already read
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            yield Path(here, name).relative_to(folder).as_posix()


def _collections(folder: Path, paths: Sequence[str], *, chosen: bool) -> dict[str, str]:
    """First-level sub-folders where several are there or were asked for, else the own name.

    Folders that name a side of a split (train, valid, ...) are not collections.
    """
    own = folder.resolve().name or "music"
    parts = {path: PurePosixPath(path).parts for path in paths}
    first = {path: part[0] for path, part in parts.items() if len(part) > 1}
    names = {name for name in first.values() if name.lower() not in SPLIT_FOLDERS}
    if len(names) < 2 and not chosen:
        return dict.fromkeys(paths, own)
    return {path: first[path] if first.get(path) in names else own for path in paths}
