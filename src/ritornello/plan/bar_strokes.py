"""What is played in each bar, and how alike each bar is to the bars before it.

A bar is the set of its strokes: (tick in the bar in 24ths of a quarter, part, pitch). How long and
how loud the notes are does not count. Two bars of one length are as alike as the share that their
strokes have in common of all that either has (Jaccard); bars of different lengths, and bars in
which nothing begins, are alike to none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ritornello.music.piece import Piece
from ritornello.plan.players import Player, owners

RESOLUTION = 24
FARTHEST_BARS = 96  # how far back a bar is compared
_DRUM_PITCH = 128


@dataclass(frozen=True, eq=False)
class Strokes:
    """The notes of a piece by bar, no two alike; in the order of bar, tick, player and pitch.

    Attributes:
        bar, tick, player, pitch, duration, velocity: int64 [strokes]; ticks and durations in 24ths
            of a quarter, ticks from the bar line; drums have pitches from 128 up.
        players: who plays, in the order of `INSTRUMENTS` and desks; ``player`` is an index into it.
        bar_starts: int64 [bars]. bar_lengths: int64 [bars].
    """

    bar: np.ndarray
    tick: np.ndarray
    player: np.ndarray
    pitch: np.ndarray
    duration: np.ndarray
    velocity: np.ndarray
    players: tuple[Player, ...]
    bar_starts: np.ndarray
    bar_lengths: np.ndarray

    @classmethod
    def of(cls, piece: Piece) -> Strokes:
        """The strokes of a piece on the grid of 24ths."""
        piece = piece.at_resolution(RESOLUTION)
        starts = piece.bar_starts_ticks()
        lengths = bar_lengths(piece)
        owner_of = owners(piece)
        players = tuple(sorted({owner for owner in owner_of if owner is not None}))
        columns: list[np.ndarray] = []
        for track, owner in zip(piece.tracks, owner_of, strict=True):
            if owner is None:
                continue
            notes = track.notes
            pitch = notes["pitch"].astype(np.int64) + (_DRUM_PITCH if track.is_drum else 0)
            player = np.full(len(track), players.index(owner))
            columns.append(
                np.stack([notes["onset"], player, pitch, notes["duration"], notes["velocity"]])
            )
        table = np.concatenate(columns, axis=1) if columns else np.zeros((5, 0), np.int64)
        onset, player, pitch, duration, velocity = table
        # Of notes alike in onset, player and pitch the longest and then the loudest stays.
        order = np.lexsort((-velocity, -duration, pitch, player, onset))
        onset, player, pitch, duration, velocity = table[:, order]
        key = np.stack([onset, player, pitch])
        kept = np.diff(key, axis=1, prepend=-1).any(axis=0)
        onset, player, pitch, duration, velocity = table[:, order][:, kept]
        bar = np.searchsorted(starts, onset, side="right") - 1
        tick = onset - starts[bar] if len(starts) else onset
        return cls(bar, tick, player, pitch, duration, velocity, players, starts, lengths)

    @property
    def bars(self) -> int:
        return len(self.bar_starts)

    @cached_property
    def counts(self) -> np.ndarray:
        """Strokes of each player in each bar, int64 [bars, players]."""
        shape = self.bars, len(self.players)
        flat = np.bincount(self.bar * shape[1] + self.player, minlength=shape[0] * shape[1])
        return flat.reshape(shape)


def bar_lengths(piece: Piece) -> np.ndarray:
    """How long each bar is in the piece's own ticks, int64 [bars]; the next metre may cut it."""
    starts = piece.bar_starts_ticks()
    if not len(starts):
        return np.zeros(0, np.int64)
    at = np.array([metre.tick for metre in piece.metres])
    full = np.array([metre.bar_ticks(piece.resolution) for metre in piece.metres])
    index = np.searchsorted(at, starts, side="right") - 1
    lengths = full[index]
    result: np.ndarray = np.minimum(lengths, np.append(np.diff(starts), lengths[-1]))
    return result


@dataclass(frozen=True, eq=False)
class Shared:
    """How many strokes bars have in common with the bars before them.

    Attributes:
        common: int32 [bars, players, `FARTHEST_BARS` + 1]: at distance d, the strokes of a player
            that stand at the same place d bars before; 0 where there is no bar of that length.
        counts: int64 [bars, players], the strokes of each.
        as_long: bool [bars, distances], whether that bar exists and is as long.
    """

    common: np.ndarray
    counts: np.ndarray
    as_long: np.ndarray

    @classmethod
    def of(cls, strokes: Strokes, farthest: int = FARTHEST_BARS) -> Shared:
        """Compare each bar with those up to so many bars before."""
        bars, players = strokes.counts.shape
        distances = farthest + 1
        cells = np.zeros(bars * players * distances, np.int32)
        # Strokes that are alike, one after the other: of each, and the next, next but one, ...
        key = (strokes.tick * max(players, 1) + strokes.player) * 256 + strokes.pitch
        order = np.lexsort((strokes.bar, key))
        key, bar, player = key[order], strokes.bar[order], strokes.player[order]
        later = np.arange(len(key))
        step = 1
        while True:
            later = later[later + step < len(key)]
            now = later + step
            near = (key[now] == key[later]) & (bar[now] - bar[later] <= farthest)
            later, now = later[near], now[near]
            if not len(later):
                break
            distance = bar[now] - bar[later]
            np.add.at(cells, (bar[now] * players + player[now]) * distances + distance, 1)
            step += 1
        common = cells.reshape(bars, players, distances)
        there = _as_long(strokes, distances)
        common.transpose(0, 2, 1)[~there] = 0
        return cls(common, strokes.counts, there)

    @cached_property
    def alike(self) -> np.ndarray:
        """Jaccard of each bar with each before it, float64 [bars, distances]; 0 where none is."""
        total = self.counts.sum(axis=1)
        common = self.common.sum(axis=1)
        result: np.ndarray = common / np.maximum(total[:, None] + total[self._earlier] - common, 1)
        return result

    @cached_property
    def alike_by_player(self) -> np.ndarray:
        """The same of each player's strokes alone, float64 [bars, players, distances]."""
        before = self.counts[self._earlier].transpose(0, 2, 1)
        result: np.ndarray = self.common / np.maximum(
            self.counts[..., None] + before - self.common, 1
        )
        return result

    @cached_property
    def again(self) -> np.ndarray:
        """Share of each bar's strokes that each before it has too, float64 [bars, distances]."""
        total = self.counts.sum(axis=1)
        result: np.ndarray = self.common.sum(axis=1) / np.maximum(total, 1)[:, None]
        return result

    @cached_property
    def both_silent(self) -> np.ndarray:
        """Whether neither of two bars of one length has a stroke, bool [bars, distances]."""
        silent = self.counts.sum(axis=1) == 0
        result: np.ndarray = self.as_long & silent[:, None] & silent[self._earlier]
        return result

    @property
    def _earlier(self) -> np.ndarray:
        return _earlier(*self.as_long.shape)


def _earlier(bars: int, distances: int) -> np.ndarray:
    """The bar that far before each bar, int64 [bars, distances]; the first where there is none."""
    result: np.ndarray = np.maximum(np.arange(bars)[:, None] - np.arange(distances), 0)
    return result


def _as_long(strokes: Strokes, distances: int) -> np.ndarray:
    """Whether the bar so far before is there and as long; bool [bars, distances]."""
    bars, length = strokes.bars, strokes.bar_lengths
    there = (np.arange(bars)[:, None] >= np.arange(distances)) & (np.arange(distances) > 0)
    result: np.ndarray = there & (length[_earlier(bars, distances)] == length[:, None])
    return result
