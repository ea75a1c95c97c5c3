"""A corpus as Parquet shards, a row a piece, that pandas, datasets, Dask and Ray read as they are.

A folder of shards holds ``shard-00000.parquet`` and so on, each of about equally many notes, and
``_shards.json``, written last: what is in each, so that a missing or cut one is found. A row has

- ``name``, ``collection``, ``split``, ``licence``: text;
- ``sha256``: of the notes' bytes and ``about``, see `_digest`;
- ``onset``, ``duration`` (ticks of the corpus grid), ``pitch``, ``velocity``, ``part``: lists with
  a number a note, part after part;
- ``about``: JSON with title, parts, tempos, metres, keys and length, as in the store.

It needs the extra ``cluster``.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from ritornello.corpus.pool import Pool, map_in_processes
from ritornello.corpus.ray_pool import map_with_ray
from ritornello.corpus.scan import Progress, ScanResult, scan
from ritornello.corpus.store import (
    STORED_NOTE,
    Corpus,
    Entry,
    build_store,
    own_folder,
    write_packed,
)
from ritornello.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import pyarrow

SHARDS_FILE = "_shards.json"  # readers of Parquet leave out what begins with _
_SHARD = "shard-{}.parquet"
_VERSION = 1
_NOTES_A_SHARD = 5_000_000  # 60 MB before compression
_FIELDS = tuple(STORED_NOTE.names or ())
_TEXTS = ("name", "collection", "split", "licence", "sha256")


class _Shard(TypedDict):
    file: str
    pieces: int
    notes: int


class _Contents(TypedDict):
    version: int
    fingerprint: str
    pieces: int
    notes: int
    shards: list[_Shard]


def has_shards(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder is one of shards, even if their list is missing."""
    return (Path(folder) / SHARDS_FILE).is_file() or any(Path(folder).glob(_SHARD.format("*")))


def write_shards(
    corpus: Corpus,
    folder: str | os.PathLike[str],
    *,
    licence: str = "",
    notes_a_shard: int = _NOTES_A_SHARD,
) -> list[Path]:
    """Write a store as shards.

    Args:
        corpus: the store. folder: new, empty, or of older shards, which are replaced.
        licence: of the music, told in each row.
        notes_a_shard: a shard ends with the piece that reaches so many.

    Returns:
        The files of the shards.

    Raises:
        MissingExtraError: without pyarrow.
        OutputError: if the folder holds something else or cannot be written.
    """
    parquet = _parquet()
    folder, counts = Path(folder), corpus.note_counts
    shards: list[_Shard] = []
    with own_folder(folder, SHARDS_FILE, "shards", foreign="holds no shards") as partial:
        for pieces in _portions(counts, notes_a_shard):
            table = _table(corpus, pieces, licence)
            name = _SHARD.format(f"{len(shards):05}")
            parquet.write_table(table, partial / name, compression="zstd", row_group_size=1024)
            notes = int(counts[pieces.start : pieces.stop].sum())
            shards.append({"file": name, "pieces": len(pieces), "notes": notes})
        contents: _Contents = {
            "version": _VERSION,
            "fingerprint": corpus.fingerprint,
            "pieces": len(corpus),
            "notes": int(counts.sum()),
            "shards": shards,
        }
        (partial / SHARDS_FILE).write_text(json.dumps(contents, indent=1), encoding="utf-8")
    return [folder / shard["file"] for shard in shards]


def shard_folder(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    collections: Iterable[str] | None = None,
    licence: str = "",
    cluster: bool = False,
    progress: Progress | None = None,
) -> ScanResult:
    """Read a folder of music and write what can be used of it as shards.

    Args:
        folder: searched with all its sub-folders. out: folder of the shards, see `write_shards`.
        collections: only these first-level sub-folders; by default all.
        licence: of the music, told in each row.
        cluster: whether the files are read by Ray, see `ritornello.corpus.ray_pool`.
        progress: called with (files done, files in all).

    Returns:
        What was found, and why the rest cannot be used.

    Raises:
        MissingExtraError: without pyarrow, or Ray if it is asked for.
        InputError: if there is no such folder or no music in it that can be used.
        OutputError: if ``out`` holds something else or cannot be written.
    """
    _parquet()
    pool: Pool = map_with_ray if cluster else map_in_processes
    found = scan(folder, collections=collections, pool=pool, progress=progress)
    with tempfile.TemporaryDirectory() as scratch:
        corpus = build_store(found, Path(scratch) / "corpus", pool=pool)
        write_shards(corpus, out, licence=licence)
    return found


def store_shards(folder: str | os.PathLike[str], store: str | os.PathLike[str]) -> Corpus:
    """The pieces of shards as a store, unless they are stored there already.

    Args:
        folder: of the shards. store: folder of the store; an older one there is replaced.

    Raises:
        MissingExtraError: without pyarrow.
        InputError: if a shard is missing, cut or changed, with its name.
        OutputError: if the store cannot be written.
    """
    contents = _contents(Path(folder))
    try:
        known = Corpus.open(store)
        if known.fingerprint == contents["fingerprint"]:
            return known
    except InputError:
        pass  # there is none yet, or it is damaged: it is written anew
    rows = _rows(Path(folder), contents)
    write_packed(rows, store, fingerprint=contents["fingerprint"])
    return Corpus.open(store)


def shards_fingerprint(folder: str | os.PathLike[str]) -> str:
    """A hash of the files that the pieces of shards were read from.

    Raises:
        InputError: if the list of the shards is damaged or of another version.
    """
    return _contents(Path(folder))["fingerprint"]


# --- writing ------------------------------------------------------------------------------------


def _portions(note_counts: np.ndarray, notes_a_shard: int) -> Iterator[range]:
    """The pieces of each shard."""
    start, notes = 0, 0
    for index, count in enumerate(note_counts.tolist()):
        notes += count
        if notes >= notes_a_shard:
            yield range(start, index + 1)
            start, notes = index + 1, 0
    if start < len(note_counts):
        yield range(start, len(note_counts))


def _table(corpus: Corpus, pieces: range, licence: str) -> pyarrow.Table:
    import pyarrow as arrow

    texts: dict[str, list[str]] = {name: [] for name in (*_TEXTS, "about")}
    tables = []
    for index in pieces:
        notes, about = corpus.packed(index)
        tables.append(notes)
        row = {
            "name": corpus.name_of(index),
            "collection": corpus.collection_of(index),
            "split": corpus.split_of(index),
            "licence": licence,
            "sha256": _digest(notes, about),
            "about": about.decode(),
        }
        for name, text in row.items():
            texts[name].append(text)
    offsets = arrow.array(np.cumsum([0, *map(len, tables)]), arrow.int32())
    whole = np.concatenate(tables)
    lists = {
        name: arrow.ListArray.from_arrays(offsets, arrow.array(np.ascontiguousarray(whole[name])))
        for name in _FIELDS
    }
    return arrow.table({**{name: arrow.array(each) for name, each in texts.items()}, **lists})


def _digest(notes: np.ndarray, about: bytes) -> str:
    """Hash of the notes as `STORED_NOTE`, and of the rest as JSON."""
    return hashlib.sha256(notes.tobytes() + about).hexdigest()


# --- reading ------------------------------------------------------------------------------------


def _rows(folder: Path, contents: _Contents) -> Iterator[tuple[np.ndarray, bytes, Entry]]:
    """Notes, the rest as a line of JSON, and what is to be known of each piece."""
    parquet = _parquet()
    import pyarrow as arrow

    for shard in contents["shards"]:
        path = folder / shard["file"]
        pieces = notes_read = 0
        try:
            with parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=256):
                    for row in _rows_of(batch):
                        notes, about, entry, expected = row
                        if _digest(notes, about) != expected:
                            raise _damaged(path, f"{entry.name} has other notes than were written")
                        pieces, notes_read = pieces + 1, notes_read + len(notes)
                        yield notes, about, entry
        except FileNotFoundError:
            raise _damaged(path, "it is missing") from None
        except (OSError, arrow.ArrowException, KeyError, ValueError) as error:
            raise _damaged(path, f"it is cut or damaged: {error}") from error
        if (pieces, notes_read) != (shard["pieces"], shard["notes"]):
            found = f"{pieces:,} pieces with {notes_read:,} notes"
            expected_count = f"{shard['pieces']:,} with {shard['notes']:,}"
            raise _damaged(path, f"it has {found}, expected {expected_count}")


def _rows_of(batch: pyarrow.RecordBatch) -> Iterator[tuple[np.ndarray, bytes, Entry, str]]:
    """The pieces of some rows of a shard, each with the hash that was written of it."""
    lists = {name: batch.column(name) for name in _FIELDS}
    texts = {name: batch.column(name).to_pylist() for name in (*_TEXTS, "about")}
    for row in range(batch.num_rows):
        columns = {name: each[row].values.to_numpy() for name, each in lists.items()}
        notes = np.empty(len(columns["pitch"]), STORED_NOTE)
        for name in _FIELDS:
            notes[name] = columns[name]
        entry = Entry(texts["name"][row], texts["collection"][row], texts["split"][row])
        yield notes, texts["about"][row].encode(), entry, texts["sha256"][row]


def _contents(folder: Path) -> _Contents:
    path = folder / SHARDS_FILE
    try:
        contents: _Contents = json.loads(path.read_text(encoding="utf-8"))
        if contents["version"] != _VERSION:
            raise InputError(
                f"These shards have version {contents['version']}, expected {_VERSION}.",
                where=str(path),
                next_step="Write them again from the folder of music.",
            )
        missing = {"fingerprint", "shards"} - contents.keys()
        if missing:
            raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    except FileNotFoundError as error:
        raise _damaged(path, "the list of them is missing") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, str(error)) from error
    return contents


def _damaged(path: Path, what: str) -> InputError:
    return InputError(
        f"A shard cannot be used: {what.rstrip('.')}.",
        where=str(path),
        next_step="Copy the whole folder of shards again, or write it again from the music.",
    )


def _parquet() -> ModuleType:
    try:
        return importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingExtraError("Shards need pyarrow.", extra="cluster") from error
