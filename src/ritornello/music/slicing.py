"""Where the bars of a piece begin and end, and pieces cut out of a piece at bars, ticks or seconds.

A cut piece begins at tick 0 with the tempo, metre, key, chord, controllers and bends that were in
force. It has the notes that begin inside the cut; one that would sound on beyond its end is
shortened.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ritornello.music.changes import Place
from ritornello.music.controls import standing_at
from ritornello.music.piece import Piece, Track

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


def slice_ticks(piece: Piece, start_tick: int, end_tick: int) -> Piece:
    """The ticks [start_tick, end_tick) of a piece."""

    def places(found: tuple[Place, ...]) -> tuple[Place, ...]:
        return tuple(
            place._replace(tick=place.tick - start_tick)
            for place in found
            if start_tick <= place.tick < end_tick
        )

    def states(changes: tuple[Place, ...]) -> tuple[Place, ...]:
        before = [change._replace(tick=0) for change in changes if change.tick < start_tick]
        inside = places(changes)
        return (*([] if inside and inside[0].tick == 0 else before[-1:]), *inside)

    def part(track: Track) -> Track:
        notes = _inside(track.notes, "onset", start_tick, end_tick)
        notes["duration"] = np.minimum(notes["duration"], end_tick - start_tick - notes["onset"])
        controls, bends = standing_at(track, start_tick)
        controls["tick"] = bends["tick"] = 0
        return replace(
            track,
            notes=notes,
            controls=np.concatenate(
                [controls, _inside(track.controls, "tick", start_tick, end_tick)]
            ),
            bends=np.concatenate([bends, _inside(track.bends, "tick", start_tick, end_tick)]),
            pressures=_inside(track.pressures, "tick", start_tick, end_tick),
            lyrics=places(track.lyrics),
            marks=places(track.marks),
        )

    return replace(
        piece,
        tracks=tuple(part(track) for track in piece.tracks),
        tempos=states(piece.tempos),
        metres=states(piece.metres),
        keys=states(piece.keys),
        chords=states(piece.chords),
        markers=places(piece.markers),
        cues=places(piece.cues),
        texts=places(piece.texts),
        length_ticks=end_tick - start_tick,
    )


def _inside(table: np.ndarray, name: str, start_tick: int, end_tick: int) -> np.ndarray:
    """Rows that begin in a span, counted from its start."""
    ticks = table[name]
    rows = table[(ticks >= start_tick) & (ticks < end_tick)]
    rows[name] -= start_tick
    return rows


def drop_changes_after_end(piece: Piece) -> Piece:
    """The piece without changes and texts at or after its end."""
    end = piece.length_ticks
    return replace(
        piece,
        chords=tuple(chord for chord in piece.chords if chord.tick < end),
        markers=tuple(text for text in piece.markers if text.tick < end),
        cues=tuple(text for text in piece.cues if text.tick < end),
        texts=tuple(text for text in piece.texts if text.tick < end),
        tempos=tuple(tempo for tempo in piece.tempos if tempo.tick < end),
        metres=tuple(metre for metre in piece.metres if metre.tick < end),
        keys=tuple(change for change in piece.keys if change.tick < end),
    )
