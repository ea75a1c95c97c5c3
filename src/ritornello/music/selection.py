"""Some of the notes of a piece: those of a span or all others, and the part with the melody."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ritornello.errors import InputError
from ritornello.music.piece import Piece


def without(piece: Piece, start_tick: int, end_tick: int, tracks: Collection[int]) -> Piece:
    """The piece without the notes that begin in a gap; it stays as long as it was.

    A note that begins before the gap and sounds into it is not of the gap: it stays as it is.

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
        onsets = kept[index].notes["onset"]
        outside = (onsets < start_tick) | (onsets >= end_tick)
        kept[index] = replace(kept[index], notes=kept[index].notes[outside])
    return replace(piece, tracks=tuple(kept))


def within(piece: Piece, start_tick: int, end_tick: int) -> Piece:
    """The piece with the notes alone that begin in [start_tick, end_tick), where they were."""
    tracks = []
    for track in piece.tracks:
        onsets = track.notes["onset"]
        inside = (onsets >= start_tick) & (onsets < end_tick)
        tracks.append(replace(track, notes=track.notes[inside]))
    return replace(piece, tracks=tuple(tracks))


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
    for index in indices:
        if not 0 <= index < len(piece.tracks):
            raise InputError(
                f"The piece has {len(piece.tracks)} tracks; none has the index {index}.",
                where=piece.title,
            )
