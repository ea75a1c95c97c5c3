"""Some of a piece: the notes of a span, all others, or the new ones, and the melody's part."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from ritornello.errors import InputError
from ritornello.music.changes import Place
from ritornello.music.controls import MODULATION, PEDALS, standing_at
from ritornello.music.piece import Piece, Track

# What belongs to single notes; volume, pan and the like belong to the part.
_GESTURES = (MODULATION, *PEDALS)


def without(piece: Piece, start_tick: int, end_tick: int, tracks: Collection[int]) -> Piece:
    """The piece without the notes that begin in a gap; it stays as long as it was.

    A note that begins before the gap and sounds into it is not of the gap: it stays as it is. With
    the notes go the lyrics and marks at them, and the bends, pressures, pedals and modulation that
    they were played with; behind the gap these stand where they stood.

    Args:
        start_tick, end_tick: the gap, in ticks of the piece; the end is not in it.
        tracks: indices of the tracks the gap is in; all others keep every note.

    Raises:
        InputError: if the gap is empty or there is no such track.
    """
    if not 0 <= start_tick < end_tick:
        raise InputError(f"No music lies from tick {start_tick} to tick {end_tick}.")
    check_tracks(piece, tracks)
    kept = list(piece.tracks)
    for index in sorted(set(tracks)):
        goes_on = end_tick < piece.length_ticks
        kept[index] = _without(kept[index], start_tick, end_tick, goes_on=goes_on)
    return replace(piece, tracks=tuple(kept))


def within(piece: Piece, start_tick: int, end_tick: int) -> Piece:
    """The piece with the notes alone that begin in [start_tick, end_tick), where they were."""
    tracks = []
    for track in piece.tracks:
        onsets = track.notes["onset"]
        inside = (onsets >= start_tick) & (onsets < end_tick)
        tracks.append(replace(track, notes=track.notes[inside]))
    return replace(piece, tracks=tuple(tracks))


def new_alone(piece: Piece, given: Sequence[Sequence[bool] | np.ndarray]) -> Piece:
    """The piece without the notes that were given, and without the parts that then play nothing.

    What is new stands where it stood, in the tempo and metre of the piece. With the notes that were
    given go the lyrics and marks at them, where nothing new begins.

    Args:
        given: bool [notes] for each track, True for a note to leave out.

    Raises:
        InputError: if no note is new.
    """
    tracks = []
    for track, old in zip(piece.tracks, given, strict=True):
        table = track.notes[~np.array(old, bool)]
        onsets = set(table["onset"].tolist())
        lyrics = tuple(place for place in track.lyrics if place.tick in onsets)
        marks = tuple(place for place in track.marks if place.tick in onsets)
        if len(table):
            tracks.append(replace(track, notes=table, lyrics=lyrics, marks=marks))
    if not tracks:
        raise InputError("No note is new, so there is nothing to write.", where=piece.title)
    return replace(piece, tracks=tuple(tracks))


def _without(track: Track, start_tick: int, end_tick: int, *, goes_on: bool) -> Track:
    def outside(table: np.ndarray, name: str = "tick") -> np.ndarray:
        return (table[name] < start_tick) | (table[name] >= end_tick)

    def places(found: tuple[Place, ...]) -> tuple[Place, ...]:
        return tuple(place for place in found if not start_tick <= place.tick < end_tick)

    at_start, bend_at_start = standing_at(track, start_tick)
    at_end, bend_at_end = standing_at(track, end_tick)
    gone = np.isin(track.controls["number"], _GESTURES) & ~outside(track.controls)
    stands_at_start, stands_at_end = (
        _gestures(at_start),
        _gestures(at_end)[: None if goes_on else 0],
    )
    released = stands_at_start.copy()
    released["value"] = 0
    controls = np.concatenate([released, stands_at_end, track.controls[~gone]])
    level = bend_at_start[bend_at_start["value"] != 0]
    level["value"] = 0
    again = bend_at_end[(bend_at_end["value"] != 0) & goes_on]
    bends = np.concatenate([level, again, track.bends[outside(track.bends)]])
    is_as_it_was = len(released) + len(level) + gone.sum() == 0 and outside(track.bends).all()
    return replace(
        track,
        notes=track.notes[outside(track.notes, "onset")],
        controls=track.controls if is_as_it_was else controls,
        bends=track.bends if is_as_it_was else bends,
        pressures=track.pressures[outside(track.pressures)],
        lyrics=places(track.lyrics),
        marks=places(track.marks),
        # What was played on one channel is otherwise played in two ways now.
        player=track.player if is_as_it_was else 0,
    )


def _gestures(standing: np.ndarray) -> np.ndarray:
    """Those of single notes, of what stands at a place, that are not at rest."""
    return standing[np.isin(standing["number"], _GESTURES) & (standing["value"] > 0)]


def highest_track(song: Piece) -> int:
    """Index of the pitched track of the highest mean pitch.

    Raises:
        InputError: if no pitched track has notes.
    """
    means = {
        index: float(track.notes["pitch"].mean())
        for index, track in enumerate(song.tracks)
        if len(track) and not track.is_drum
    }
    if not means:
        raise InputError("There is no melody to set voices to.", where=song.title)
    return max(means, key=lambda index: means[index])


def check_tracks(piece: Piece, indices: Collection[int]) -> None:
    """Raise an InputError if the piece has no track of an index."""
    for index in indices:
        if not 0 <= index < len(piece.tracks):
            raise InputError(
                f"The piece has {len(piece.tracks)} tracks; none has the index {index}.",
                where=piece.title,
            )
