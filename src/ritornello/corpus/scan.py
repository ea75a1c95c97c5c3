"""A folder of files to the pieces that can be used, and the reason for each that cannot.

`scan` lists every file, reads the music in worker processes, measures each piece, and marks the
copies. No file is left out silently: each is used, rejected with a reason, or counted as not
being music.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from ritornello.corpus.duplicates import Signature, near_groups, signature
from ritornello.corpus.listing import list_files
from ritornello.corpus.pool import Failure, Pool, default_workers, map_in_processes
from ritornello.errors import InputError
from ritornello.music.grid import on_grid
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.io import file_of, list_addresses, read_each
from ritornello.music.io.limits import Remark
from ritornello.music.keys import estimate_key
from ritornello.music.piece import Piece

Progress = Callable[[int, int], None]
READ_TOGETHER = 64  # pieces of a book that one worker reads from one opened file
_READER_WORDS = (
    ("is not a MIDI file", "not MIDI"),
    ("cut short", "truncated"),
    ("hours of music; at most", "too long"),
    ("notes; at most", "too many notes"),
    ("has no notes", "no notes"),
)


@dataclass(frozen=True)
class Limits:
    """What still counts as a piece to learn from.

    Attributes:
        min_notes, max_notes: notes in all parts together.
        max_hours: longer pieces are files with a stray event or hours of silence.
        read_seconds: a file that takes longer to read is given up.
    """

    min_notes: int = 8
    max_notes: int = 250_000
    max_hours: float = 3.0
    read_seconds: float = 20.0


@dataclass(frozen=True)
class Rejection:
    """Why a file is not used.

    Attributes:
        reason: short, to count by.
        detail: the particulars, a sentence.
        copy_of: the file that is used instead, for copies.
    """

    reason: str
    detail: str = ""
    copy_of: str = ""


@dataclass(frozen=True)
class FileReport:
    """One file of the folder, or one piece of a book.

    Attributes:
        path: relative to the scanned folder, with forward slashes; an address such as
            ``book.abc#3`` for a piece of a book.
        collection: the part of the folder it belongs to.
        sha256: of the bytes; empty if they could not be read.
        notes: on the corpus grid, all parts; drum_notes: those of drum parts.
        parts: instrument names, in score order.
        metres: such as "3/4", in order of first use.
        key: estimated from the notes; empty if there is none.
        tempo_bpm: mean over time.
        repairs: what the reader had to mend.
        rejection: why the piece is not used; None if it is.
        group: the first file of its group of near copies; empty if there is no other.
    """

    path: str
    collection: str
    sha256: str = ""
    title: str = ""
    notes: int = 0
    drum_notes: int = 0
    parts: tuple[str, ...] = ()
    seconds: float = 0.0
    bars: int = 0
    metres: tuple[str, ...] = ()
    key: str = ""
    tempo_bpm: float = 0.0
    repairs: tuple[str, ...] = ()
    rejection: Rejection | None = None
    group: str = ""


@dataclass(frozen=True)
class ScanResult:
    """Everything found in a folder.

    Attributes:
        folder: what was scanned.
        files: every file with an ending that can hold music, sorted by path.
        other_endings: files that are not music, counted by their ending.
        limits: what was asked of a piece.
        elapsed_seconds: how long the scan took.
    """

    folder: Path
    files: tuple[FileReport, ...]
    other_endings: dict[str, int] = field(default_factory=dict)
    limits: Limits = Limits()
    elapsed_seconds: float = 0.0

    @property
    def used(self) -> tuple[FileReport, ...]:
        return tuple(item for item in self.files if item.rejection is None)

    @property
    def rejected(self) -> tuple[FileReport, ...]:
        return tuple(item for item in self.files if item.rejection is not None)

    @property
    def collections(self) -> tuple[str, ...]:
        return tuple(sorted({item.collection for item in self.files}))


def scan(
    folder: str | os.PathLike[str],
    *,
    collections: Iterable[str] | None = None,
    limits: Limits | None = None,
    workers: int | None = None,
    pool: Pool = map_in_processes,
    progress: Progress | None = None,
) -> ScanResult:
    """Read and judge every file of a folder.

    Args:
        folder: searched with all its sub-folders, except hidden ones; links are followed.
        collections: only these first-level sub-folders; by default all.
        limits: what still counts as a piece.
        workers: reading processes; by default one for each processor.
        pool: which processes these are, see `ritornello.corpus.ray_pool`.
        progress: called with (files done, files in all).

    Raises:
        InputError: if the folder does not exist, is empty or holds no music.
        ConfigError: if a collection is not a sub-folder.
    """
    start, limits, folder = time.monotonic(), limits or Limits(), Path(folder)
    listing = list_files(folder, collections)
    analyse = partial(_analyse, folder, limits)
    batches = [batch for path in listing.music for batch in _batches(folder, path)]
    if pool is map_in_processes:  # few files are not worth many processes
        workers = min(workers or default_workers(), 1 + len(batches) // 16)
    total = sum(map(len, batches))
    reports: list[FileReport] = []
    signatures: list[Signature | None] = []
    answers = pool(analyse, batches, workers=workers, timeout_seconds=limits.read_seconds)
    for batch, answer in zip(batches, answers, strict=True):
        collection = listing.collection_of[str(PurePosixPath(file_of(batch[0])))]
        for report, marks in _judged(batch, answer):
            reports.append(replace(report, collection=collection))
            signatures.append(marks)
        if progress:
            progress(len(reports), total)
    return ScanResult(
        folder=folder,
        files=tuple(_group_near(_reject_copies(reports, signatures), signatures)),
        other_endings=dict(listing.other_endings),
        limits=limits,
        elapsed_seconds=time.monotonic() - start,
    )


# --- one file --------------------------------------------------------------------------------


_Analysis = tuple[FileReport, Signature | None]


def _batches(folder: Path, path: str) -> list[list[str]]:
    """The pieces of a file as addresses, in lists that one worker reads at a time.

    A file that cannot be opened is one piece: its worker says why.
    """
    try:
        addresses = list_addresses(folder / path)
    except InputError:
        return [[path]]
    if len(addresses) == 1:
        return [[path]]
    inside = [f"{path}#{number}" for number in range(1, len(addresses) + 1)]
    return [inside[at : at + READ_TOGETHER] for at in range(0, len(inside), READ_TOGETHER)]


def _analyse(folder: Path, limits: Limits, paths: list[str]) -> list[_Analysis]:
    """Read and measure a file, or some pieces of a book; runs in a worker process."""
    file = folder / file_of(paths[0])
    reports = [FileReport(path, "") for path in paths]
    try:
        status = os.stat(file)
        if not stat.S_ISREG(status.st_mode):
            return [(_rejected(report, "not a regular file"), None) for report in reports]
        digest = file_sha256(file)
    except OSError as error:
        reason = error.strerror or str(error)
        return [(_rejected(report, "cannot be opened", reason), None) for report in reports]
    if status.st_size == 0:
        return [(_rejected(report, "empty file"), None) for report in reports]
    if len(paths) > 1:  # the pieces of a book are told apart by their number
        digests = [hashlib.sha256(f"{digest} {path}".encode()).hexdigest() for path in paths]
    else:
        digests = [digest]
    pieces = read_each([folder / path for path in paths])
    return [
        _analysis(replace(report, sha256=digest), piece, limits)
        for report, digest, piece in zip(reports, digests, pieces, strict=True)
    ]


def _analysis(
    report: FileReport, found: tuple[Piece, tuple[str, ...]] | InputError, limits: Limits
) -> _Analysis:
    """What there is to say of one piece."""
    if isinstance(found, InputError):
        return _rejected(report, _reason(found.what), found.what), None
    piece, told = found
    repairs = tuple(sentence for sentence in told if not isinstance(sentence, Remark))
    report = replace(report, repairs=repairs, title=piece.title)
    # Before the grid is built: an absurd piece must not cost absurd work.
    rejection = _absurd(piece, limits)
    if rejection:
        measured = replace(report, notes=piece.note_count, seconds=_seconds(piece))
        return replace(measured, rejection=rejection), None
    gridded, _ = on_grid(piece)
    return measure(report, gridded), signature(gridded)


def _reason(sentence: str) -> str:
    """The kind of failure a reader's sentence tells of, to count by."""
    return next((reason for words, reason in _READER_WORDS if words in sentence), "damaged")


def _absurd(piece: Piece, limits: Limits) -> Rejection | None:
    notes, hours = piece.note_count, piece.duration_seconds / 3600
    if notes == 0:
        return Rejection("no notes")
    if notes < limits.min_notes:
        return Rejection("too few notes", f"{notes}; at least {limits.min_notes} are needed.")
    if notes > limits.max_notes:
        return Rejection("too many notes", f"{notes:,}; at most {limits.max_notes:,} are used.")
    if hours > limits.max_hours:
        return Rejection("too long", f"{hours:.1f} hours; at most {limits.max_hours:g} are used.")
    return None


def measure(report: FileReport, piece: Piece) -> FileReport:
    """The report with the figures of its piece."""
    weights = np.zeros(12)
    for track in piece.tracks:
        if not track.is_drum:
            np.add.at(weights, track.notes["pitch"] % 12, track.notes["duration"])
    seconds = _seconds(piece)
    drums = sum(len(track) for track in piece.tracks if track.is_drum)
    return replace(
        report,
        notes=piece.note_count,
        drum_notes=drums,
        parts=tuple(INSTRUMENTS[track.instrument].name for track in piece.tracks),
        seconds=seconds,
        bars=piece.bar_count,
        metres=tuple(dict.fromkeys(f"{m.numerator}/{m.denominator}" for m in piece.metres)),
        key=str(estimate_key(weights) or ""),
        tempo_bpm=round(piece.length_beats * 60 / seconds, 1) if seconds else 0.0,
    )


def _seconds(piece: Piece) -> float:
    return round(piece.duration_seconds, 2)


def file_sha256(path: Path) -> str:
    """Hash of a file's bytes.

    Raises:
        OSError: if it cannot be read.
    """
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _rejected(report: FileReport, reason: str, detail: str = "") -> FileReport:
    return replace(report, rejection=Rejection(reason, detail))


def _judged(paths: list[str], answer: list[_Analysis] | Failure) -> list[_Analysis]:
    if not isinstance(answer, Failure):
        return answer
    reason = {
        "crashed": "the reader crashed",
        "too slow": "takes too long to read",
        "failed": "the reader failed",
    }[answer.kind]
    return [(_rejected(FileReport(path, ""), reason, answer.detail), None) for path in paths]


# --- copies ----------------------------------------------------------------------------------


def _reject_copies(
    reports: Sequence[FileReport], signatures: Sequence[Signature | None]
) -> list[FileReport]:
    """Of files with the same music one stays: the first by path of those without repairs."""
    judged = list(reports)
    first: dict[tuple[str, str], str] = {}
    for index in sorted(range(len(judged)), key=lambda index: bool(judged[index].repairs)):
        report, marks = judged[index], signatures[index]
        if report.rejection is not None or marks is None:
            continue
        keys = (
            ("exact copy", report.sha256),
            ("same notes", marks.notes_hash),
            ("transposed copy", marks.shape_hash),
        )
        known = next((key for key in keys if key in first), None)
        if known is None:
            first.update(dict.fromkeys(keys, report.path))
        else:
            kept = first[known]
            rejection = Rejection(known[0], f"{kept} is used instead.", kept)
            judged[index] = replace(report, rejection=rejection)
    return judged


def _group_near(
    reports: list[FileReport], signatures: Sequence[Signature | None]
) -> list[FileReport]:
    used = [
        index
        for index, (report, marks) in enumerate(zip(reports, signatures, strict=True))
        if report.rejection is None and marks is not None
    ]
    for group in near_groups([marks for index in used if (marks := signatures[index])]):
        name = reports[used[group[0]]].path
        for member in group:
            reports[used[member]] = replace(reports[used[member]], group=name)
    return reports
