"""The music of `rhythmix2024`: the melodic lines of MIDI files, held-out pieces apart.

Classical music and soundtracks of video games, as the authors have it: a folder of the user, or
Mutopia and Freedoom in its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ritornello.corpus.scan import ScanResult, scan
from ritornello.corpus.splits import assign_splits, find_explicit
from ritornello.errors import InputError
from ritornello.music import io
from ritornello.music.piece import Piece
from ritornello.papers.rhythmix2024 import encoding as onehot_events
from ritornello.papers.rhythmix2024.encoding import Line, Lost
from ritornello.papers.shared.study import Study

_STAND_INS = ("mutopia_pd_midi", "freedoom_midi")
_LEAST_NOTES = 32


@dataclass(frozen=True)
class Song:
    """The melodic lines of one file, and the piece they make with its metres."""

    name: str
    split: str
    lines: tuple[Line, ...]
    piece: Piece


@dataclass(frozen=True)
class Music:
    """Songs of all splits, and in a sentence where they are from and what was left out."""

    songs: tuple[Song, ...]
    about: str

    def of(self, split: str) -> list[Song]:
        return [song for song in self.songs if song.split == split]

    def lines(self, split: str) -> list[np.ndarray]:
        """The events of every line of a split, int64 [events, 2] each."""
        return [line.events for song in self.of(split) for line in song.lines]

    def bare_lines(self) -> Iterator[tuple[str, Piece, str]]:
        """Each line alone as a piano piece in 4/4, with name and split: nothing but its events."""
        for song in self.songs:
            for number, line in enumerate(song.lines):
                yield f"{song.name}/{number}", bare_piece(line.events), song.split


def bare_piece(events: np.ndarray) -> Piece:
    """A line with nothing that its events do not hold."""
    return onehot_events.decode([Line(events)])


def load_music(study: Study) -> Music:
    """Read the lines of the user's folder, or of the stand-ins.

    The stand-ins' own validation split is the test split here; a tenth of the other works, drawn
    by a hash of their names, validates. A user's folder gives a tenth to each.

    Raises:
        InputError: if the data is missing or a split has no line.
    """
    if study.data is None:
        found = scan(study.music_set(_STAND_INS[0]).parent, collections=_STAND_INS)
        held_out = {path: "test" for path, side in find_explicit(found).items() if side == "valid"}
        splits = assign_splits(found, explicit=held_out)
    else:
        found = scan(study.data)
        splits = assign_splits(found, test_share=0.1)
    most = study.settings.get("files")
    counts = Counter[str]()
    lost = Lost()
    songs = []
    for item in found.used[:: 1 if most is None else max(1, len(found.used) // most)]:
        song, left_out = _read_song(found.folder, item.path, splits[item.path])
        counts += left_out
        if song is not None and song.split != "left out":
            songs.append(song)
            for line in song.lines:
                lost = lost.plus(line.lost)
    for split in ("train", "valid", "test"):
        if not any(song.split == split for song in songs):
            raise InputError(
                f"No melodic line is left for the {split} split.",
                where=str(found.folder),
                next_step="Give more pieces with parts that play one note at a time.",
            )
    return Music(tuple(songs), _about(found, songs, counts, lost))


def _read_song(folder: Path, path: str, split: str) -> tuple[Song | None, Counter[str]]:
    """The song of a file, or None where it has no line, and its tracks that are no line."""
    piece = io.read(folder / path).at_resolution(onehot_events.RESOLUTION)
    encoded = onehot_events.encode(piece)
    lines = tuple(line for line in encoded.lines if line.note_count >= _LEAST_NOTES)
    left_out = encoded.left_out + Counter(short=len(encoded.lines) - len(lines))
    if not lines:
        return None, left_out
    whole = replace(onehot_events.decode(lines), metres=piece.metres)
    return Song(path, split, lines, whole), left_out


def _about(found: ScanResult, songs: list[Song], left_out: Counter[str], lost: Lost) -> str:
    def size(split: str) -> str:
        lines = [line for song in songs if song.split == split for line in song.lines]
        notes = sum(line.note_count for line in lines)
        return f"{len(lines):,} lines with {notes:,} notes"

    notes = sum(line.note_count for song in songs for line in song.lines)
    rejected = Counter(item.rejection.reason for item in found.files if item.rejection)
    return (
        f"{len(found.files):,} files, {rejected.total()} of them not used"
        f"{_list_counts(rejected)}; {len(songs):,} have melodic lines: to learn from "
        f"{size('train')}, to choose by {size('valid')}, held out {size('test')}. Tracks that are "
        f"no line: {left_out.total():,}{_list_counts(left_out)}. Of the notes of the lines "
        f"{_share(lost.dropped, notes)} are too short for the grid and {_share(lost.chord, notes)} "
        f"lie under another and were left out; {_share(lost.moved, notes)} were moved and "
        f"{_share(lost.resized, notes)} got another duration."
    )


def _list_counts(counts: Counter[str]) -> str:
    listed = ", ".join(f"{name} {count:,}" for name, count in counts.most_common() if count)
    return f" ({listed})" if listed else ""


def _share(count: int, notes: int) -> str:
    return f"{100 * count / notes:.1f}%"
