"""The plan of a piece, read from its notes.

Everything is exact: the same piece gives the same plan, a transposed one the same plan with its
chords moved. A piece is put on the grid of 24 ticks a quarter first; a bar is what its metre map
says; what holds on into a bar counts for its chords alone.
"""

from __future__ import annotations

import numpy as np

from ritornello.errors import InputError
from ritornello.music import harmony
from ritornello.music.chords import NO_CHORD
from ritornello.music.keys import KeyName, estimate_key
from ritornello.music.piece import Metre, Piece
from ritornello.plan.bar_strokes import RESOLUTION, Shared, Strokes
from ritornello.plan.feel import feels, swing_ratios
from ritornello.plan.plan import MAX_BARS, Plan
from ritornello.plan.returning_bars import returns
from ritornello.plan.sections import sections

_DECIMALS = 2


def analyse(piece: Piece, *, where: str = "") -> Plan:
    """The plan of a piece; nothing in it is open, but the key of a piece without pitches.

    Args:
        piece: with at least one note, of at most `MAX_BARS` bars.
        where: the file, for messages; the title of the piece where it is not said.

    Raises:
        InputError: if it has no note, or too many bars.
    """
    piece = piece.at_resolution(RESOLUTION)
    where = where or piece.title
    if not piece.note_count:
        raise InputError("There is no note in it, so it has no plan.", where=where)
    strokes = Strokes.of(piece)
    if strokes.bars > MAX_BARS:
        raise InputError(
            f"It has {strokes.bars} bars; a plan has at most {MAX_BARS}.",
            where=where,
            next_step="Check its metre, or cut it.",
        )
    shared = Shared.of(strokes)
    back, close = returns(shared)
    feel = feels(strokes)
    total = shared.counts.sum(axis=1)
    velocities = np.bincount(strokes.bar, strokes.velocity, minlength=strokes.bars)
    return Plan(
        strokes.players,
        _metres(piece, strokes),
        back[:, 0],
        close[:, 0],
        _chords(strokes, piece),
        (shared.counts > 0).astype(np.int64),
        density=(total * RESOLUTION / strokes.bar_lengths).round(_DECIMALS),
        loudness=(velocities / np.maximum(total, 1)).round(),
        feel=feel,
        swing=swing_ratios(strokes, feel).round(_DECIMALS),
        sections=sections(strokes, shared, back),
        back_by_player=back[:, 1:],
        close_by_player=close[:, 1:],
        key=_key(strokes),
        tempo_bpm=piece.tempos[0].bpm,
        title=piece.title,
    )


def _metres(piece: Piece, strokes: Strokes) -> tuple[Metre, ...]:
    """The metre map without what comes after the last bar and without repetitions."""
    found: list[Metre] = []
    for metre in piece.metres:
        if metre.tick <= strokes.bar_starts[-1]:
            same = found and found[-1][1:] == metre[1:]
            whole = same and (metre.tick - found[-1].tick) % metre.bar_ticks(RESOLUTION) == 0
            if not whole:
                found.append(metre)
    return tuple(found)


def _chords(strokes: Strokes, piece: Piece) -> np.ndarray:
    """The chord at the beginning of each half of each bar, int64 [bars, 2]."""
    beats = harmony.segments(piece.metres, piece.length_ticks, RESOLUTION)
    pitched = ~np.array([player.is_drum for player in strokes.players])[strokes.player]
    onsets = strokes.bar_starts[strokes.bar] + strokes.tick
    classes = harmony.detect(
        onsets[pitched], strokes.duration[pitched], strokes.pitch[pitched], beats
    )
    if not len(classes):
        return np.full((strokes.bars, 2), NO_CHORD)
    halves = strokes.bar_starts[:, None] + strokes.bar_lengths[:, None] // 2 * np.array([0, 1])
    result: np.ndarray = classes[np.searchsorted(beats.starts_ticks, halves, side="right") - 1]
    return result


def _key(strokes: Strokes) -> KeyName | None:
    """The key most likely by how often each pitch class is struck."""
    pitched = ~np.array([player.is_drum for player in strokes.players])[strokes.player]
    return estimate_key(np.bincount(strokes.pitch[pitched] % 12, minlength=12))
