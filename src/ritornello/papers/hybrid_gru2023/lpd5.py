"""LPD-5 cleansed: the five-track piano-rolls of the Lakh Pianoroll Dataset, read as published.

    lpd_5_cleansed/A/B/C/TRABC0123456789/<md5 of the MIDI file>.npz

where TRABC... is the song's id in the Million Song Dataset. Any folder of `.npz` piano-rolls in
this layout can be read, LPD-17 and the unmerged sets too: `five_tracks` merges them as the authors
did. Source: H.-W. Dong et al., "MuseGAN" (2018), and its data set's documentation,
https://github.com/salu133445/lakh-pianoroll-dataset.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ritornello.errors import InputError
from ritornello.music.io import read
from ritornello.music.note_tables import NOTE_DTYPE
from ritornello.music.piece import Piece, Track

TRACKS = (("Drums", 0), ("Piano", 0), ("Guitar", 24), ("Bass", 32), ("Strings", 48))
DRUMS, PIANO, GUITAR, BASS, STRINGS = range(5)
RESOLUTION = 24  # time steps a quarter note
_SONG = re.compile(r"TR[A-Z0-9]{3,}")
_FAMILIES = {0: PIANO, 3: GUITAR, 4: BASS}  # of eight General MIDI programs each


@dataclass(frozen=True)
class Lpd:
    """A folder of piano-rolls.

    Attributes:
        files: one a song, by path. songs: the id of each, in the same order.
        more_of_a_song: files left out because their song has one already. The published set has
            none: there the file that matches its song best was kept.
    """

    files: tuple[Path, ...]
    songs: tuple[str, ...]
    more_of_a_song: int


def find(folder: Path) -> Lpd:
    """The songs in a folder of piano-rolls.

    Raises:
        InputError: if there are none.
    """
    files: dict[str, Path] = {}
    found = sorted(folder.rglob("*.npz"))
    for path in found:
        song = path.parent.name if _SONG.fullmatch(path.parent.name) else path.stem
        files.setdefault(song, path)
    if not files:
        raise InputError(
            "There are no .npz piano-rolls in this folder.",
            where=str(folder),
            next_step="Give the folder lpd_5_cleansed, with A/B/C/TR.../<hash>.npz in it.",
        )
    return Lpd(tuple(files.values()), tuple(files), len(found) - len(files))


def read_song(path: Path) -> Piece:
    """The five tracks of a piano-roll file that keeps the rules of the cleansed set.

    Raises:
        InputError: if it cannot be read, or breaks a rule; see `broken_rule`.
    """
    piece = read(path)
    if reason := broken_rule(piece):
        raise InputError(reason, where=str(path))
    return five_tracks(piece)[0]


def broken_rule(piece: Piece) -> str:
    """Which rule of the cleansed set a piece breaks, as a sentence; "" if none.

    The rules: one time signature, which is 4/4, and a first beat at time zero. In a piano-roll a
    pick-up shows as a first bar of another length.
    """
    if len(piece.metres) > 1:
        return "The time signature changes, or the first beat is not at time zero."
    _, numerator, denominator = piece.metres[0]
    return "" if (numerator, denominator) == (4, 4) else f"In {numerator}/{denominator}, not 4/4."


def five_tracks(piece: Piece) -> tuple[Piece, int]:
    """The tracks merged into `TRACKS`, all five of them, at 24 steps a quarter note.

    Programs 0-7 are piano, 24-31 guitar, 32-39 bass; sound effects (96-103 and 112-127) are left
    out; all other programs are strings. In a merged roll a step has the loudest velocity of its
    tracks, and a note is a run of steps of one velocity.

    Returns:
        The piece, and how many notes were left out.
    """
    piece = piece.at_resolution(RESOLUTION)
    members: list[list[Track]] = [[] for _ in TRACKS]
    left_out = 0
    for track in piece.tracks:
        number = _member_of(track)
        if number is None:
            left_out += len(track)
        else:
            members[number].append(track)
    tracks = tuple(
        Track(_merge_tracks(tracks, piece.length_ticks), program, number == DRUMS, name)
        for number, (tracks, (name, program)) in enumerate(zip(members, TRACKS, strict=True))
    )
    return replace(piece, tracks=tracks), left_out


def detach_repeats(piece: Piece) -> Piece:
    """Notes that touch the next one of their pitch made a step shorter, so that a roll shows two.

    What the authors' converter does between MIDI files and piano-rolls. A note of a single step
    stays, and is joined to the next one.
    """
    piece = piece.at_resolution(RESOLUTION)
    return replace(piece, tracks=tuple(map(_detach_track, piece.tracks)))


def split_sides(songs: Sequence[str], train_share: float = 0.8, seed: int = 0) -> dict[str, str]:
    """song -> "train" or "test", the shares exact up to one song, the same for the same songs."""
    ordered = sorted(songs)
    order = np.random.default_rng(seed).permutation(len(ordered))
    first = round(train_share * len(ordered))
    return {
        ordered[index]: "train" if place < first else "test" for place, index in enumerate(order)
    }


def _member_of(track: Track) -> int | None:
    if track.is_drum:
        return DRUMS
    if 96 <= track.program < 104 or track.program >= 112:
        return None
    return _FAMILIES.get(track.program // 8, STRINGS)


def _merge_tracks(tracks: list[Track], length_ticks: int) -> np.ndarray:
    """`NOTE_DTYPE` [notes] of tracks laid over each other, a pitch at a time."""
    together = np.concatenate([np.empty(0, NOTE_DTYPE), *(track.notes for track in tracks)])
    found = [np.empty(0, NOTE_DTYPE)]
    for pitch in np.unique(together["pitch"]):
        loudness = np.zeros(length_ticks + 1, np.int16)
        for onset, duration, _, velocity in together[together["pitch"] == pitch].tolist():
            sounding = loudness[onset : onset + duration]
            np.maximum(sounding, velocity, out=sounding)
        changes = np.flatnonzero(np.diff(loudness, prepend=0))
        sounds = loudness[changes] > 0  # the last change is to silence
        notes = np.empty(int(sounds.sum()), NOTE_DTYPE)
        notes["onset"] = changes[sounds]
        notes["duration"] = np.diff(changes, append=length_ticks + 1)[sounds]
        notes["pitch"], notes["velocity"] = pitch, loudness[changes[sounds]]
        found.append(notes)
    return np.concatenate(found)


def _detach_track(track: Track) -> Track:
    notes = track.notes.copy()
    order = np.lexsort((notes["onset"], notes["pitch"]))
    ordered = notes[order]
    gap = np.diff(ordered["onset"])
    near = (np.diff(ordered["pitch"]) == 0) & (ordered["duration"][:-1] >= gap) & (gap > 1)
    ordered["duration"][:-1][near] = gap[near] - 1
    notes[order] = ordered
    return replace(track, notes=notes)
