"""Where the bars of a piece begin and end, and pieces cut out of a piece at bars, ticks or seconds.

A cut piece begins at tick 0 with the tempo, metre and key that were in force. It has the notes that
begin inside the cut; one that would sound on beyond its end is shortened.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from ritornello.music.piece import KeyChange, Metre, Piece, Tempo, Track

_Change = TypeVar("_Change", Tempo, Metre, KeyChange)


# --- bar lines ----------------------------------------------------------------------------------


def bar_edges(piece: Piece) -> np.ndarray:
    """Ticks of the bar lines and of the end of the piece, int64 [bars + 1].

    The last bar is as long as the piece goes on in it; see `bar_lines` for whole bars.
    """
    return np.append(piece.bar_starts_ticks(), piece.length_ticks)


def bar_lines(piece: Piece) -> list[int]:
    """Ticks of the bar lines, the one where the last bar ends included; at least one bar."""
    starts = piece.bar_starts_ticks().tolist() or [0]
    metre = [metre for metre in piece.metres if metre.tick <= starts[-1]][-1]
    end = starts[-1] + metre.bar_ticks(piece.resolution)
    return [*starts, min([end, *(m.tick for m in piece.metres if m.tick > starts[-1])])]


def bars_at(piece: Piece, ticks: np.ndarray) -> np.ndarray:
    """The bar in which each tick lies, counted from 0; int64 of the same shape."""
    return np.searchsorted(piece.bar_starts_ticks(), ticks, side="right") - 1


def whole_bars(piece: Piece) -> Piece:
    """The piece with its last bar lasting until its bar line."""
    return replace(piece, length_ticks=bar_lines(piece)[-1])


# --- cuts ---------------------------------------------------------------------------------------


def slice_bars(piece: Piece, first: int, stop: int) -> Piece:
    """The bars [first, stop) of a piece, counted from 0; those it does not have are left out."""
    edges = bar_edges(piece).tolist()
    first, stop = (min(bar, len(edges) - 1) for bar in (first, stop))
    return slice_ticks(piece, edges[first], edges[stop])


def slice_seconds(piece: Piece, seconds: float) -> Piece:
    """The first seconds of a piece, up to the last tick in them; the piece where it is shorter."""
    if piece.duration_seconds <= seconds:
        return piece
    ticks = np.arange(piece.length_ticks + 1)
    end = int(np.searchsorted(piece.ticks_to_seconds(ticks), seconds, side="right")) - 1
    return slice_ticks(piece, 0, end)


def slice_ticks(piece: Piece, start: int, end: int) -> Piece:
    """The ticks [start, end) of a piece."""

    def cut(track: Track) -> Track:
        onsets = track.notes["onset"]
        notes = track.notes[(onsets >= start) & (onsets < end)]
        notes["duration"] = np.minimum(notes["duration"], end - notes["onset"])
        notes["onset"] -= start
        return replace(track, notes=notes)

    def in_force(changes: tuple[_Change, ...]) -> tuple[_Change, ...]:
        before = [change for change in changes if change.tick <= start][-1:]
        after = [change for change in changes if start < change.tick <= end]
        return tuple(change._replace(tick=max(0, change.tick - start)) for change in before + after)

    return replace(
        piece,
        tracks=tuple(map(cut, piece.tracks)),
        tempos=in_force(piece.tempos),
        metres=in_force(piece.metres),
        keys=in_force(piece.keys),
        length_ticks=end - start,
    )


def drop_changes_after_end(piece: Piece) -> Piece:
    """The piece without changes of tempo, metre and key at or after its end."""
    end = piece.length_ticks
    return replace(
        piece,
        tempos=tuple(tempo for tempo in piece.tempos if tempo.tick < end),
        metres=tuple(metre for metre in piece.metres if metre.tick < end),
        keys=tuple(change for change in piece.keys if change.tick < end),
    )
