"""From a folder of files to what can be used of it, and why the rest cannot.

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
from pathlib import Path

import numpy as np

from ritornello.corpus.duplicates import Signature, near_groups, signature
from ritornello.corpus.listing import list_files
from ritornello.corpus.pool import Failure, default_workers, map_in_processes
from ritornello.errors import InputError
from ritornello.music.grid import on_grid
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.io import read_with_repairs
from ritornello.music.keys import estimate_key
from ritornello.music.piece import Piece

Progress = Callable[[int, int], None]
_READER_WORDS = (
    ("is not a MIDI file", "not MIDI"),
    ("cut short", "truncated"),
    ("hours of music; at most", "too long"),
    ("notes; at most", "too many notes"),
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
    """One file of the folder.

    Attributes:
        path: relative to the scanned folder, with forward slashes.
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
    progress: Progress | None = None,
) -> ScanResult:
    """Read and judge every file of a folder.

    Args:
        folder: searched with all its sub-folders, except hidden ones; links are followed.
        collections: only these first-level sub-folders; by default all.
        limits: what still counts as a piece.
        workers: reading processes; by default one for each processor.
        progress: called with (files done, files in all).

    Raises:
        InputError: if the folder does not exist, is empty or holds no music.
        ConfigError: if a collection is not a sub-folder.
    """
    start, limits, folder = time.monotonic(), limits or Limits(), Path(folder)
    listing = list_files(folder, collections)
    analyse = partial(_analyse, folder, limits)
    crew = min(workers or default_workers(), 1 + len(listing.music) // 16)
    reports, signatures = [], []
    answers = map_in_processes(
        analyse, listing.music, workers=crew, timeout_seconds=limits.read_seconds
    )
    for path, answer in zip(listing.music, answers, strict=True):
        report, marks = _judged(path, answer)
        reports.append(replace(report, collection=listing.collection_of[path]))
        signatures.append(marks)
        if progress:
            progress(len(reports), len(listing.music))
    return ScanResult(
        folder=folder,
        files=tuple(_group_near(_reject_copies(reports, signatures), signatures)),
        other_endings=dict(listing.other_endings),
        limits=limits,
        elapsed_seconds=time.monotonic() - start,
    )


# --- one file --------------------------------------------------------------------------------


def _analyse(folder: Path, limits: Limits, path: str) -> tuple[FileReport, Signature | None]:
    """Read and measure one file; runs in a worker process."""
    report = FileReport(path, "")
    try:
        status = os.stat(folder / path)
        if not stat.S_ISREG(status.st_mode):
            return _rejected(report, "not a regular file"), None
        report = replace(report, sha256=file_sha256(folder / path))
    except OSError as error:
        return _rejected(report, "cannot be opened", error.strerror or str(error)), None
    if status.st_size == 0:
        return _rejected(report, "empty file"), None
    try:
        piece, repairs = read_with_repairs(folder / path)
    except InputError as error:
        return _rejected(report, _reason(error.what), error.what), None
    report = replace(report, repairs=tuple(repairs), title=piece.title)
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


def _judged(
    path: str, answer: tuple[FileReport, Signature | None] | Failure
) -> tuple[FileReport, Signature | None]:
    if not isinstance(answer, Failure):
        return answer
    reason = {
        "crashed": "the reader crashed",
        "too slow": "takes too long to read",
        "failed": "the reader failed",
    }[answer.kind]
    return _rejected(FileReport(path, ""), reason, answer.detail), None


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
