"""The music of `hybrid-gru2023`: five-track pieces, and from each the tracks its three tasks learn.

melody: the track called "lead" where there is one; five-track rolls have none, so for them the
highest line of piano, guitar and strings. chords: the piano track, or the guitar track where there
is no piano. drums: the drum track.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ritornello.errors import InputError
from ritornello.music.io import read
from ritornello.music.note_tables import NOTE_DTYPE
from ritornello.music.piece import Piece, Track
from ritornello.papers.hybrid_gru2023 import encoding as psd
from ritornello.papers.hybrid_gru2023 import lpd5
from ritornello.papers.shared.study import Study

_FEWEST_NOTES = 16  # of a track that a task learns
_WATCHED = 20  # one of so many training songs is watched while training
_MELODY_PROGRAM = 73  # flute: heard alone, and no track of the five


@dataclass(frozen=True)
class Song:
    """A piece in five tracks, and its side: "train", "valid" (watched) or "test".

    Attributes:
        lead: who leads, where that is known.
    """

    name: str
    side: str
    piece: Piece
    lead: Track | None = None


@dataclass(frozen=True)
class Songs:
    """The songs of a study, and in sentences what they are and what was left out.

    Attributes:
    """

    songs: tuple[Song, ...]
    about: str
    stand_in: bool

    @property
    def lead_found(self) -> float | None:
        """Of the notes of known leads, the share that `skyline` finds; None if none is known."""
        known = [(song.lead, skyline(song.piece)) for song in self.songs if song.lead]
        if not known:
            return None
        both = sum(len(_keys(lead) & _keys(line)) for lead, line in known)
        return both / sum(len(_keys(lead)) for lead, _ in known)


def load_songs(study: Study) -> Songs:
    """Read the user's LPD-5, or else the stand-in.

    Raises:
        InputError: if no song is left to train on or to test on.
    """
    return _lpd_songs(study) if study.data else _band_songs(study)


def _lpd_songs(study: Study) -> Songs:
    found = lpd5.find(Path(study.data or ""))
    sides = lpd5.split_sides(found.songs, study.settings["train_share"], study.seed)
    by_side: dict[str, list[tuple[str, Path]]] = {"train": [], "test": []}
    for song, path in zip(found.songs, found.files, strict=True):
        by_side[sides[song]].append((song, path))
    songs, reasons = _read(study, by_side, lambda path: (lpd5.read_song(path), None))
    about = f"LPD-5: {len(found.files)} songs ({found.more_of_a_song} more files of these songs)"
    return Songs(songs, f"{about}; {_counts(songs, reasons)}", False)


def _band_songs(study: Study) -> Songs:
    folder = study.music_set("band_arranged_synth")
    by_side = {
        side: [(path.stem.rsplit("__", 1)[0], path) for path in sorted((folder / name).glob("*"))]
        for side, name in (("train", "train"), ("test", "valid"))
    }
    songs, reasons = _read(study, by_side, _read_band)
    return Songs(songs, f"Arranged band songs: {_counts(songs, reasons)}", True)


def _read_band(path: Path) -> tuple[Piece, Track | None]:
    piece = lpd5.detach_repeats(read(path))
    if reason := lpd5.broken_rule(piece):
        raise InputError(reason, where=str(path))
    lead = next((track for track in piece.tracks if track.name == "lead"), None)
    return lpd5.five_tracks(piece)[0], lead


def _read(
    study: Study,
    by_side: dict[str, list[tuple[str, Path]]],
    read_piece: Callable[[Path], tuple[Piece, Track | None]],
) -> tuple[tuple[Song, ...], Counter[str]]:
    """Read what the budget asks for, evenly spread; count why files are left out."""
    most = {"train": study.settings["songs"], "test": study.settings["test_songs"]}
    reasons: Counter[str] = Counter()
    songs = []
    for side, files in by_side.items():
        names = sorted({name for name, _ in files})
        watched = set(names[::_WATCHED]) if side == "train" else set()
        for name, path in _choose_evenly(files, most[side]):
            try:
                piece, lead = read_piece(path)
            except InputError as error:
                reasons[error.what] += 1
                continue
            songs.append(Song(path.stem, "valid" if name in watched else side, piece, lead))
    found = {song.side for song in songs}
    if not {"train", "test"} <= found:
        raise InputError(
            f"Songs to train on and to test on are needed; found only {sorted(found) or 'none'}.",
            next_step=f"Reasons of {reasons.total()} left-out files: {dict(reasons)}.",
        )
    return tuple(songs), reasons


def _choose_evenly(items: Sequence[tuple[str, Path]], most: int) -> list[tuple[str, Path]]:
    chosen = np.unique(np.linspace(0, len(items) - 1, min(most, len(items))).astype(int))
    return [items[index] for index in chosen]


def _counts(songs: Sequence[Song], reasons: Counter[str]) -> str:
    sides = Counter(song.side for song in songs)
    told = "; ".join(f"{count} left out: {reason}" for reason, count in reasons.most_common())
    parts = ", ".join(f"{sides[side]} {side}" for side in ("train", "valid", "test"))
    return f"{parts} ({sum(song.piece.note_count for song in songs):,} notes). {told}".strip()


# --- tasks ------------------------------------------------------------------------------------


def melody(song: Song) -> Track:
    """The lead of a song, or the highest line where nobody is known to lead."""
    return replace(song.lead or skyline(song.piece), name="melody")


def chords(song: Song) -> Track:
    """The piano track of a song, or its guitar track where there is no piano."""
    piano, guitar = song.piece.tracks[lpd5.PIANO], song.piece.tracks[lpd5.GUITAR]
    return replace(piano if len(piano) else guitar, name="chords")


def drums(song: Song) -> Track:
    """The drum track of a song."""
    return replace(song.piece.tracks[lpd5.DRUMS], name="drums")


def skyline(piece: Piece) -> Track:
    """The highest line of a five-track piece.

    At each onset the highest note, unless a higher one still sounds; a note ends where the next
    one begins (the "skyline" of Uitdenbogerd and Zobel, 1999, with held notes).
    """
    pitched = [piece.tracks[number].notes for number in (lpd5.PIANO, lpd5.GUITAR, lpd5.STRINGS)]
    notes = np.concatenate(pitched)
    notes = notes[np.lexsort((-notes["pitch"].astype(int), notes["onset"]))]
    line: list[list[int]] = []
    for onset, duration, pitch, velocity in notes.tolist():
        if line:
            last = line[-1]
            if onset == last[0] or (onset < last[0] + last[1] and pitch < last[2]):
                continue
            last[1] = min(last[1], onset - last[0])
        line.append([onset, duration, pitch, velocity])
    return Track(np.array([tuple(row) for row in line], NOTE_DTYPE), _MELODY_PROGRAM)


TASKS: dict[str, Callable[[Song], Track]] = {"melody": melody, "chords": chords, "drums": drums}


def task_pieces(songs: Songs, task: str) -> dict[str, list[tuple[str, Piece]]]:
    """side -> (name, the piece with the task's track alone); tracks of few notes are left out."""
    sides: dict[str, list[tuple[str, Piece]]] = {"train": [], "valid": [], "test": []}
    for song in songs.songs:
        track = TASKS[task](song)
        if len(track) >= _FEWEST_NOTES:
            sides[song.side].append((song.name, replace(song.piece, tracks=(track,))))
    return sides


def rows_of(pieces: Sequence[tuple[str, Piece]], most: int | None = None) -> list[np.ndarray]:
    """Each piece as rows of (pitch, step, duration), the first ``most`` of them."""
    return [psd.encode(piece.tracks[0], piece.resolution)[:most] for _, piece in pieces]


def first_notes(piece: Piece, most: int) -> Piece:
    """The first notes of a piece of one track; it ends with the last of them."""
    track = replace(piece.tracks[0], notes=piece.tracks[0].notes[:most])
    return replace(piece, tracks=(track,), length_ticks=track.end_ticks)


def _keys(track: Track) -> set[tuple[int, int]]:
    return {(note.onset_ticks, note.pitch) for note in track}
