"""Given and composed music in one piece: what was given comes out exactly as it went in.

The model composes at 24 ticks a quarter, for part classes of the `notes` encoding. Here its notes
are put beside the given ones, at a resolution that holds both, in the tracks they belong to.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import lcm

import numpy as np

from ritornello.music.io.limits import one_at_a_time
from ritornello.music.note_tables import note_order, note_table
from ritornello.music.piece import Piece, Track
from ritornello.music.selection import check_tracks
from ritornello.note_model.encoding.notes import RESOLUTION

_LOG = logging.getLogger(__name__)
_FINEST_RESOLUTION = 32767  # a MIDI file has 15 bits for it


@dataclass(frozen=True)
class Joined:
    """Given and composed notes in one piece, and which are which.

    Attributes:
        piece: all of them.
        given: bool [notes] for each track, True where a note was given.
        tracks: part class -> index of the track that its composed notes are in.
    """

    piece: Piece
    given: tuple[np.ndarray, ...] = field(compare=False)
    tracks: Mapping[int, int]


def join(
    original: Piece,
    composed: Mapping[int, Track],
    parts: Mapping[int, int],
    *,
    length_ticks: int = 0,
    play: Callable[[Track, int], Track] = lambda track, resolution: track,
) -> Joined:
    """The given notes, every one unchanged, and the composed notes in one piece.

    Given tracks keep their order, names and programs, and the piece its tempi, metres and keys.
    The resolution stays if 24 divides it, and else becomes the least common multiple of both, at
    which all given times are exact too; where a MIDI file cannot hold that, it stays and composed
    notes are rounded to it.

    In its track a composed note ends where a given note of its pitch begins. One that would be
    struck while a given note of its pitch sounds there is left out, since on one instrument it
    would end the given note; how many were is logged.

    Args:
        original: the given piece, at any resolution.
        composed: composed notes by part class, at 24 ticks a quarter, see `notes.decode_by_part`.
        parts: part class -> index of the track of ``original`` that its notes are added to; a
            part class that is not there becomes a new track, after the given ones.
        length_ticks: the piece lasts at least until here, at 24 ticks a quarter.
        play: of a composed track and the ticks a quarter of its notes the track as it is played.

    Raises:
        InputError: if ``original`` has no track of an index in ``parts``.
    """
    check_tracks(original, parts.values())
    resolution = joint_resolution(original.resolution)
    piece = original.at_resolution(resolution)
    tracks = list(piece.tracks)
    given = [np.ones(len(track), bool) for track in tracks]
    places = {part: index for part, index in parts.items() if part in composed}
    tables: dict[int, list[np.ndarray]] = {}
    for part, track in composed.items():
        moved = play(_at_resolution(track, resolution), resolution)
        if part in parts:
            tables.setdefault(parts[part], []).append(moved.notes)
        else:
            places[part] = len(tracks)
            tracks.append(moved)
            given.append(np.zeros(len(moved), bool))
    for index, new in tables.items():
        tracks[index], given[index] = _with_notes(tracks[index], np.concatenate(new))
    end = -(-length_ticks * resolution // RESOLUTION)
    joined = replace(piece, tracks=tuple(tracks), length_ticks=max(piece.length_ticks, end))
    return Joined(joined, tuple(given), places)


def joint_resolution(resolution: int) -> int:
    """Ticks a quarter of a piece at ``resolution`` once 24ths of a quarter are written into it.

    >>> joint_resolution(480), joint_resolution(100)
    (480, 600)
    """
    joint = lcm(resolution, RESOLUTION)
    return joint if joint <= _FINEST_RESOLUTION else resolution


def _at_resolution(track: Track, resolution: int) -> Track:
    return Piece((track,), RESOLUTION).at_resolution(resolution).tracks[0]


def _with_notes(track: Track, composed: np.ndarray) -> tuple[Track, np.ndarray]:
    """The track with composed notes that leave its own ones alone, and which are its own.

    Args:
        composed: `NOTE_DTYPE` [notes].

    Returns:
        The track, and bool [notes], True for those that it had.
    """
    given = track.notes
    new = one_at_a_time(note_table(composed))
    kept = np.ones(len(new), bool)
    for pitch in np.intersect1d(new["pitch"], given["pitch"]).tolist():
        own, mine = given[given["pitch"] == pitch], np.flatnonzero(new["pitch"] == pitch)
        onsets = new["onset"][mine]
        begun = np.searchsorted(own["onset"], onsets, side="right")
        # A long note may be followed by shorter ones of its pitch, hence the latest end so far.
        sounds_until = np.maximum.accumulate(own["onset"] + own["duration"])
        kept[mine] = (begun == 0) | (sounds_until[begun - 1] <= onsets)
        next_onset = np.append(own["onset"], np.iinfo(np.int64).max)[begun]
        new["duration"][mine] = np.minimum(new["duration"][mine], next_onset - onsets)
    if not kept.all():
        _LOG.info(
            "%s: %d composed notes fell on given ones and were left out.",
            track.label,
            int((~kept).sum()),
        )
    both = np.concatenate([given, new[kept]])
    return replace(track, notes=both), note_order(both) < len(given)
