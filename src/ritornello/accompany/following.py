"""How a band follows its player beyond the notes that were written: roots of the bass, loudness.

The network that writes a band hears the player's notes, but seldom says with the first note of a
bar what chord they make, and hardly gets louder or softer with them. Both are put right here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ritornello.music.chords import ChordChange
from ritornello.music.harmony import piece_chords
from ritornello.music.instruments import BASSES
from ritornello.music.piece import Piece, Track

_LOWEST, _HIGHEST = 28, 55  # of roots that a bass plays
_EARLY_BEATS = 0.25  # a note so shortly before or after a bar line is on it
_TOGETHER_QUARTERS = 0.08  # between the strings of a strum
_CHORDS_SHARE = 0.3
_FOLLOWED = 0.7  # of the player's changes of loudness, in velocity
_MOST = 24.0  # velocities louder or softer
_SMOOTH_BARS = np.array([0.25, 0.5, 0.25])
_SOFTEST, _LOUDEST = 20, 122


def is_bass(track: Track) -> bool:
    """Whether a part is a bass."""
    return not track.is_drum and track.instrument in BASSES


def with_roots(piece: Piece, player: int = 0, stated: Sequence[ChordChange] | None = None) -> Piece:
    """A piece whose basses play the root of the chord on each first beat.

    The chord is the one stated. If none is, it is that of the player, if the player strums or plays
    chords, and else that of all who are no bass: a melody alone has none. A bass note on a bar line
    that is another note of it moves to the nearest root, or to the bass of a chord such as C/E;
    what else a bass plays stays, and the last bar, in which all have the chord of the tonic.

    Args:
        player: index of the track that is followed; it stays.
        stated: the chords by tick, if they are.
    """
    basses = [n for n, track in enumerate(piece.tracks) if is_bass(track) and n != player]
    if not basses:
        return piece
    others = [track for n, track in enumerate(piece.tracks) if n not in basses]
    starts = piece.bar_starts_ticks()[:-1]
    if stated is not None:
        roots = _roots_at(starts, stated)
    else:
        roots = _roots_at(starts, piece_chords(replace(piece, tracks=tuple(others))))
        if _plays_chords(piece.tracks[player], piece.resolution):
            own = _roots_at(starts, piece_chords(replace(piece, tracks=(piece.tracks[player],))))
            roots = [
                theirs if mine is None else mine for mine, theirs in zip(own, roots, strict=True)
            ]
    tracks = list(piece.tracks)
    for index in basses:
        tracks[index] = _rooted(tracks[index], starts, roots, piece)
    return replace(piece, tracks=tuple(tracks))


def _plays_chords(track: Track, resolution: int) -> bool:
    """Whether enough of the moments at which a part strikes have two notes or more."""
    if track.is_drum or not len(track):
        return False
    moments = np.cumsum(np.diff(track.notes["onset"], prepend=0) > _TOGETHER_QUARTERS * resolution)
    together = np.unique(moments, return_counts=True)[1]
    return bool((together > 1).mean() > _CHORDS_SHARE)


def _roots_at(starts_ticks: np.ndarray, changes: Sequence[ChordChange]) -> list[int | None]:
    """The lowest note of the chord that sounds at each bar line, or None."""
    ticks = [change.tick for change in changes]
    found: list[int | None] = []
    for at in np.searchsorted(ticks, starts_ticks, side="right") - 1:
        chord = changes[at].chord if at >= 0 else None
        lowest = None if chord is None else chord.root if chord.bass is None else chord.bass
        found.append(lowest)
    return found


def _rooted(track: Track, starts: np.ndarray, roots: list[int | None], piece: Piece) -> Track:
    notes = track.notes.copy()
    near = _EARLY_BEATS * piece.metres[-1].beat_ticks(piece.resolution)
    for start, root in zip(starts, roots, strict=True):
        if root is None:
            continue
        for place in np.flatnonzero(np.abs(notes["onset"] - start) <= near):
            pitch = int(notes["pitch"][place])
            if pitch % 12 != root:
                notes["pitch"][place] = _nearest(pitch, root)
    return replace(track, notes=notes)


def _nearest(pitch: int, root: int) -> int:
    """The pitch of a class nearest to another, within what a bass plays."""
    choices = [p for p in range(_LOWEST, _HIGHEST + 1) if p % 12 == root]
    return min(choices, key=lambda choice: abs(choice - pitch))


def with_loudness(piece: Piece, player: int = 0) -> Piece:
    """A piece whose parts get louder and softer with one of them, bar by bar.

    Each bar of the others is moved by most of what the player's notes there are above or below the
    player's mean, smoothed over three bars; bars in which the player rests are as those around.
    """
    starts = piece.bar_starts_ticks()
    mine = piece.tracks[player].notes
    if not len(mine) or len(starts) < 2:
        return piece
    bars = np.maximum(np.searchsorted(starts, mine["onset"], side="right") - 1, 0)
    counts = np.bincount(bars, minlength=len(starts))
    sums = np.bincount(bars, mine["velocity"], minlength=len(starts))
    played = np.flatnonzero(counts)
    means = np.interp(np.arange(len(starts)), played, sums[played] / counts[played])
    smooth = np.convolve(np.pad(means, 1, mode="edge"), _SMOOTH_BARS, mode="valid")
    moved = np.clip(_FOLLOWED * (smooth - smooth.mean()), -_MOST, _MOST)
    tracks = list(piece.tracks)
    for index, track in enumerate(tracks):
        if index == player or not len(track):
            continue
        notes = track.notes.copy()
        here = np.maximum(np.searchsorted(starts, notes["onset"], side="right") - 1, 0)
        louder = np.rint(notes["velocity"] + moved[here])
        notes["velocity"] = np.clip(louder, _SOFTEST, _LOUDEST)
        tracks[index] = replace(track, notes=notes)
    return replace(piece, tracks=tuple(tracks))
