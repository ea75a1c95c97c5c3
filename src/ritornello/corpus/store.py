"""A corpus on disk, read through memory maps: larger than memory, and open in an instant.

A store is a folder of four files, written in this order so that the last one proves the others
whole:

- ``notes.npy``: every note, `STORED_NOTE` (12 bytes), piece after piece, part after part;
- ``pieces.jsonl``: one line a piece: parts, tempo, metre and key maps, name, split, ...;
- ``index.npy``: where each piece begins in both, and what batches are drawn by;
- ``store.json``: version, resolution, collections and the fingerprint of what it was made from.

It is written beside its place and moved there at the end.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ritornello.atomic import whole_folder
from ritornello.corpus.pool import Failure, Pool, map_in_processes
from ritornello.corpus.scan import READ_TOGETHER, Progress, ScanResult
from ritornello.corpus.splits import assign_splits
from ritornello.errors import ConfigError, InputError, OutputError
from ritornello.json_values import JsonObject
from ritornello.music.grid import CORPUS_RESOLUTION, on_grid
from ritornello.music.io import file_of, read_each
from ritornello.music.keys import KeyName
from ritornello.music.note_tables import NOTE_DTYPE
from ritornello.music.piece import KeyChange, Metre, Piece, Tempo, Track

STORE_VERSION = 1
_ABOUT_FILE = "store.json"
STORED_NOTE = np.dtype(
    [("onset", "<u4"), ("duration", "<u4"), ("pitch", "u1"), ("velocity", "u1"), ("part", "<u2")]
)
INDEX_ROW = np.dtype(
    [
        ("note_start", "<i8"),
        ("note_end", "<i8"),
        ("text_start", "<i8"),
        ("text_end", "<i8"),
        ("collection", "<i4"),
        ("split", "u1"),
    ]
)
_SPLITS = ("train", "valid", "test", "left out")
_BUILD_READ_SECONDS = 120.0


@dataclass(frozen=True)
class Entry:
    """Metadata of a stored piece: what is kept beside its notes.

    Attributes:
        name: path of the file in the scanned folder.
        collection: the sub-folder or set it belongs to.
        split: "train", "valid", "test" or "left out".
    """

    name: str
    collection: str
    split: str = "train"


def build_store(
    scan: ScanResult,
    folder: str | os.PathLike[str],
    *,
    splits: Mapping[str, str] | None = None,
    workers: int | None = None,
    pool: Pool = map_in_processes,
    progress: Progress | None = None,
) -> Corpus:
    """Store the used pieces of a scanned folder, unless they are stored there already.

    Args:
        scan: see `ritornello.corpus.scan.scan`.
        folder: of the store; an older store there is replaced.
        splits: path -> side, by default `assign_splits(scan)`.
        workers: reading processes; by default one for each processor.
        pool: which processes these are, see `ritornello.corpus.ray_pool`.
        progress: called with (pieces done, pieces in all).

    Raises:
        InputError: if no piece of the scan is usable, or a file vanished since.
        OutputError: if the folder holds something else or cannot be written.
    """
    splits = assign_splits(scan) if splits is None else splits
    used = scan.used
    if not used:
        raise InputError(
            f"None of the {len(scan.files)} files can be used.",
            where=str(scan.folder),
            next_step="See the ingest report for the reason of each file.",
        )
    mark = fingerprint(scan, splits)
    if (Path(folder) / _ABOUT_FILE).is_file():
        try:
            known = Corpus.open(folder)
        except InputError:
            known = None  # damaged or of another version: it is replaced
        if known is not None and known.fingerprint == mark:
            return known

    def entries() -> Iterator[tuple[Piece, Entry]]:
        read = partial(_read_on_grid, scan.folder)
        # Pieces of one book are read together, some at a time.
        files = groupby(enumerate(used), lambda at: (file_of(at[1].path), at[0] // READ_TOGETHER))
        batches = [[item for _, item in members] for _, members in files]
        paths = [[item.path for item in batch] for batch in batches]
        answers = pool(read, paths, workers=workers, timeout_seconds=_BUILD_READ_SECONDS)
        done = 0
        for batch, pieces in zip(batches, answers, strict=True):
            if isinstance(pieces, Failure):
                raise InputError(
                    f"It could be read before and now cannot ({pieces.detail})",
                    where=str(scan.folder / batch[0].path),
                    next_step="If the folder is being changed, wait for that and scan again.",
                )
            for item, piece in zip(batch, pieces, strict=True):
                yield piece, Entry(item.path, item.collection, splits[item.path])
            done += len(batch)
            if progress:
                progress(done, len(used))

    write_store(entries(), folder, fingerprint=mark)
    return Corpus.open(folder)


def fingerprint(scan: ScanResult, splits: Mapping[str, str]) -> str:
    """A hash of all that decides what a store holds."""
    settings = [STORE_VERSION, CORPUS_RESOLUTION, asdict(scan.limits)]
    pieces = [[item.path, item.sha256, item.collection, splits[item.path]] for item in scan.used]
    return hashlib.sha256(json.dumps([settings, pieces]).encode()).hexdigest()


def _read_on_grid(folder: Path, paths: list[str]) -> list[Piece]:
    pieces = []
    for found in read_each([folder / path for path in paths]):
        if isinstance(found, InputError):
            raise found
        pieces.append(on_grid(found[0])[0])
    return pieces


def write_store(
    pieces: Iterable[tuple[Piece, Entry]],
    folder: str | os.PathLike[str],
    *,
    fingerprint: str = "",
) -> None:
    """Store pieces as they come, one in memory at a time.

    Args:
        pieces: with what is to be known of each; put on the corpus grid if they are not.
        folder: of the store; an older store there is replaced.
        fingerprint: of what the pieces were made from.

    Raises:
        InputError: if there are no pieces.
        OutputError: if the folder holds something else or cannot be written.
        ConfigError: if a split is unknown.
    """
    packed = ((*_packed(piece, entry), entry) for piece, entry in pieces)
    write_packed(packed, folder, fingerprint=fingerprint)


def write_packed(
    pieces: Iterable[tuple[np.ndarray, bytes, Entry]],
    folder: str | os.PathLike[str],
    *,
    fingerprint: str = "",
) -> None:
    """Store pieces that are packed already, as `Corpus.packed` gives them; see `write_store`."""
    rows, collections = [], []
    with own_folder(
        Path(folder), _ABOUT_FILE, "corpus store", foreign="is not a corpus store"
    ) as partial_folder:
        with (
            _growing_array(partial_folder / "notes.npy", STORED_NOTE) as notes,
            open(partial_folder / "pieces.jsonl", "wb") as lines,
        ):
            notes_end = text_end = 0
            for table, line, entry in pieces:
                notes.write(table.tobytes())
                lines.write(line + b"\n")
                if entry.collection not in collections:
                    collections.append(entry.collection)
                rows.append(
                    (
                        notes_end,
                        notes_end := notes_end + len(table),
                        text_end,
                        text_end := text_end + len(line) + 1,
                        collections.index(entry.collection),
                        _split_number(entry),
                    )
                )
        if not rows:
            raise InputError("There is no piece to store.", where=str(folder))
        np.save(partial_folder / "index.npy", np.array(rows, INDEX_ROW))
        about = {
            "version": STORE_VERSION,
            "resolution": CORPUS_RESOLUTION,
            "collections": collections,
            "fingerprint": fingerprint,
            "pieces": len(rows),
            "notes": notes_end,
        }
        (partial_folder / _ABOUT_FILE).write_text(json.dumps(about, indent=1), encoding="utf-8")


def _split_number(entry: Entry) -> int:
    if entry.split not in _SPLITS:
        raise ConfigError(
            f"{entry.split!r} is not a side of a split.",
            where=entry.name,
            next_step=f"Sides: {', '.join(_SPLITS)}.",
        )
    return _SPLITS.index(entry.split)


def _packed(piece: Piece, entry: Entry) -> tuple[np.ndarray, bytes]:
    """The notes as `STORED_NOTE` [notes] and the rest as a line of JSON."""
    piece, _ = on_grid(piece)
    table = np.zeros(piece.note_count, STORED_NOTE)
    start = 0
    for number, track in enumerate(piece.tracks):
        part = table[start : start + len(track)]
        for name in NOTE_DTYPE.names or ():
            part[name] = track.notes[name]
        part["part"] = number
        start += len(track)
    about = {
        "name": entry.name,
        "title": piece.title,
        "parts": [[t.name, t.program, int(t.is_drum), len(t)] for t in piece.tracks],
        "tempos": piece.tempos,
        "metres": piece.metres,
        "keys": [[change.tick, change.key.tonic, change.key.scale] for change in piece.keys],
        "length_ticks": piece.length_ticks,
    }
    return table, json.dumps(about, ensure_ascii=False, separators=(",", ":")).encode()


class Corpus:
    """A store, opened. Pieces are read from disk when asked for.

    Attributes:
        folder: of the store.
        collections: names of the collections.
        fingerprint: of what the store was made from.
        resolution: ticks a quarter note of every piece.
    """

    def __init__(
        self, folder: Path, about: Mapping[str, Any], index: np.ndarray, notes: np.ndarray
    ) -> None:
        self.folder = folder
        self.collections: tuple[str, ...] = tuple(about["collections"])
        self.fingerprint: str = about["fingerprint"]
        self.resolution: int = about["resolution"]
        self._index = index
        self._notes = notes
        self._lines = np.memmap(folder / "pieces.jsonl", np.uint8, "r")

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Corpus:
        """Open a store.

        Raises:
            InputError: if there is no whole store of this version.
        """
        folder = Path(folder)
        step = "Build it again from the folder of music."
        if not (folder / _ABOUT_FILE).is_file():
            raise InputError("There is no corpus store here.", where=str(folder), next_step=step)
        try:
            about = json.loads((folder / _ABOUT_FILE).read_text(encoding="utf-8"))
            if about["version"] != STORE_VERSION:
                raise InputError(
                    f"The store has version {about['version']}, expected {STORE_VERSION}.",
                    where=str(folder),
                    next_step=step,
                )
            index = np.load(folder / "index.npy")
            notes = np.load(folder / "notes.npy", mmap_mode="r")
            if (len(index), len(notes)) != (about["pieces"], about["notes"]):
                raise ValueError("its files do not belong together")
            return cls(folder, about, index, notes)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"The corpus store is damaged ({error}).", where=str(folder), next_step=step
            ) from error

    def __reduce__(self) -> tuple[Any, ...]:
        # A loader process opens the files itself; a memory map would be sent by its content.
        return Corpus.open, (self.folder,)

    def __len__(self) -> int:
        return len(self._index)

    def piece(self, index: int) -> Piece:
        """A piece, at `resolution` ticks a quarter."""
        row, about = self._index[index], self._about(index)
        stored = self._notes[row["note_start"] : row["note_end"]]
        table = np.empty(len(stored), NOTE_DTYPE)
        for name in NOTE_DTYPE.names or ():
            table[name] = stored[name]
        tracks, start = [], 0
        for name, program, is_drum, count in about["parts"]:
            tracks.append(Track(table[start : start + count], program, bool(is_drum), name))
            start += count
        return Piece(
            tracks=tuple(tracks),
            resolution=self.resolution,
            tempos=tuple(Tempo(*change) for change in about["tempos"]),
            metres=tuple(Metre(*change) for change in about["metres"]),
            keys=tuple(KeyChange(tick, KeyName(*key)) for tick, *key in about["keys"]),
            length_ticks=about["length_ticks"],
            title=about["title"],
        )

    def packed(self, index: int) -> tuple[np.ndarray, bytes]:
        """A piece as it is stored: its notes as `STORED_NOTE` [notes], the rest as JSON."""
        row = self._index[index]
        notes: np.ndarray = np.array(self._notes[row["note_start"] : row["note_end"]])
        return notes, self._lines[row["text_start"] : row["text_end"] - 1].tobytes()

    def indices(self, split: str) -> np.ndarray:
        """The pieces of "train", "valid" or "test"; int64, ascending.

        Raises:
            ConfigError: if there is no such side.
        """
        if split not in _SPLITS:
            raise ConfigError(
                f"{split!r} is not a side of a split.", next_step=f"Sides: {', '.join(_SPLITS)}."
            )
        return np.flatnonzero(self._index["split"] == _SPLITS.index(split))

    @property
    def note_counts(self) -> np.ndarray:
        """Notes of each piece, int64 [pieces]."""
        result: np.ndarray = self._index["note_end"] - self._index["note_start"]
        return result

    def collection_of(self, index: int) -> str:
        result: str = self.collections[self._index[index]["collection"]]
        return result

    def split_of(self, index: int) -> str:
        return _SPLITS[self._index[index]["split"]]

    def name_of(self, index: int) -> str:
        """The file a piece came from, relative to the scanned folder."""
        result: str = self._about(index)["name"]
        return result

    def _about(self, index: int) -> JsonObject:
        row = self._index[index]
        result: JsonObject = json.loads(self._lines[row["text_start"] : row["text_end"]].tobytes())
        return result


# --- whole or not at all ------------------------------------------------------------------------


@contextmanager
def own_folder(folder: Path, mark: str, noun: str, *, foreign: str) -> Iterator[Path]:
    """A temporary folder that takes the place of ``folder`` when all went well.

    Args:
        mark: a file that a folder of this kind has; any other is left alone unless it is empty.
        noun: what the folder is called. foreign: what is said of one of another kind.

    Raises:
        OutputError: if the folder is of another kind or cannot be written.
    """
    is_own = folder.is_dir() and ((folder / mark).is_file() or not any(folder.iterdir()))
    if folder.exists() and not is_own:
        raise OutputError(
            f"This exists and {foreign}.",
            where=str(folder),
            next_step=f"Choose another folder for the {noun}.",
        )
    try:
        with whole_folder(folder) as temporary:
            yield temporary
    except OSError as error:
        raise OutputError(
            f"The {noun} cannot be written ({error.strerror or error}).",
            where=str(folder),
            next_step="Check the free space and the rights of the folder.",
        ) from error


@contextmanager
def _growing_array(path: Path, dtype: np.dtype) -> Iterator[BinaryIO]:
    """A ``.npy`` file to append rows to; its header gets the length at the end."""

    def header(length: int) -> bytes:
        text = repr({"descr": dtype.descr, "fortran_order": False, "shape": (length,)})
        return b"\x93NUMPY\x01\x00" + (246).to_bytes(2, "little") + text.ljust(245).encode() + b"\n"

    with open(path, "wb") as stream:
        stream.write(header(0))
        start = stream.tell()
        yield stream
        length = (stream.tell() - start) // dtype.itemsize
        stream.seek(0)
        stream.write(header(length))
