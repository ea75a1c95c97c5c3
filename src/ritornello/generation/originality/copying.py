"""How much of a piece stands note for note, in any transposition, in the training music.

Music is cut into quarter notes of four sixteenths. A sixteenth holds what sounds in it: pitches,
and which of them begin there. A window is a row of quarters; two windows are the same if one is the
other, transposed. So a window of four is a bar of 4/4, and windows start on each quarter. Drums,
instruments, loudness and tempo do not count, nor does what lasts less than a sixteenth; a window in
which too little begins is no passage, and is not counted at all.

The training music is kept as two hashes a quarter, from which windows of any length are put
together: 18 bytes a quarter and part, some megabytes for a hundred hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ritornello.generation.originality.hash_set import among
from ritornello.music.piece import Piece, Track

WINDOWS_QUARTERS = (4, 8)  # one and two bars of 4/4
_STEPS = 4  # sixteenths a quarter
_STEP_TICKS = 6  # at 24 a quarter
_LEAST_MOVES = 3  # moments after the first at which something begins, in a window


@dataclass(frozen=True)
class Copying:
    """How much of one set of pieces stands in another: shares of windows, and the longest passage.

    Attributes:
        shares: by length of the window in quarter notes, the share of the windows that stand in
            the training music; nan where there is no window.
        windows: by length, how many windows there are.
        longest_quarters: the longest passage that does, in quarter notes; 0 if none does.
        longest_piece, longest_source: which of the measured and of the training pieces hold it,
            counted from 0; -1 if none does.
    """

    shares: dict[int, float]
    windows: dict[int, int]
    longest_quarters: int = 0
    longest_piece: int = -1
    longest_source: int = -1


class Passages:
    """The quarters of pieces, ready to be put together to windows.

    Args:
        pieces: read one after another; none is kept.
        by_part: whether each pitched part stands alone, instead of all of them together.

    Attributes:
        ends: the quarter after the last of each voice, int64 [voices]: one voice a piece, or by
            part one for each part with pitches; quarters are counted through all voices.
    """

    def __init__(self, pieces: Iterable[Piece], *, by_part: bool = False) -> None:
        self.by_part = by_part
        columns, owners, lengths = [_no_quarters()], [], []
        for number, piece in enumerate(pieces):
            for tracks in _voices(piece, by_part):
                quarters = _quarters(tracks)
                columns.append(quarters)
                owners.append(number)
                lengths.append(len(quarters[0]))
        # The first quarter of a window, without what came before it; and any other, with it.
        self._opening, self._inner, self._moves_opening, self._moves = (
            np.concatenate(column) for column in zip(*columns, strict=True)
        )
        self._owners = np.array(owners, np.int64)
        self.ends = np.cumsum(np.array(lengths, np.int64))
        self._silent = self._opening == 0

    def owner(self, quarter: int) -> int:
        """Number of the piece that a quarter belongs to."""
        return int(self._owners[np.searchsorted(self.ends, quarter, side="right")])

    def windows(self, quarters: int) -> np.ndarray:
        """Where windows start: those that begin with a sound and in which enough begins."""
        starts = np.flatnonzero(~self._silent)
        starts = starts[self._room(starts, quarters)]
        moves = np.concatenate([[0], np.cumsum(self._moves, dtype=np.int64)])
        inside = moves[starts + quarters] - moves[starts + 1] + self._moves_opening[starts]
        result: np.ndarray = starts[inside >= _LEAST_MOVES]
        return result

    def _room(self, starts: np.ndarray, quarters: int) -> np.ndarray:
        """Whether a window ends before its part does, bool [starts]."""
        ends = self.ends[np.searchsorted(self.ends, starts, side="right")]
        return starts + quarters <= ends

    def hashes(self, starts: np.ndarray, quarters: int) -> np.ndarray:
        """A hash of each window, uint64 [starts]: equal for windows that are the same."""
        # h(1) = opening(start), h(n + 1) = mix(h(n) + inner(start + n)): order counts.
        found = self._opening[starts]
        for later in range(1, quarters):
            found = self._join_passages(found, starts, later)
        result: np.ndarray = found
        return result

    def _join_passages(self, found: np.ndarray, starts: np.ndarray, later: int) -> np.ndarray:
        return mix_bits(found + self._inner[starts + later])

    def longer(
        self, found: np.ndarray, starts: np.ndarray, quarters: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Windows of ``quarters - 1`` made one longer, where there is room: hashes and starts."""
        room = self._room(starts, quarters)
        return self._join_passages(found[room], starts[room], quarters - 1), starts[room]


def copying(
    pieces: Iterable[Piece], training: Passages, *, windows: Sequence[int] = WINDOWS_QUARTERS
) -> Copying:
    """Look for the windows of pieces in the training music.

    Args:
        pieces: to measure.
        training: where to look. windows: lengths, in quarter notes; the first is the least that
            counts as a passage for ``longest_quarters``.
    """
    measured = Passages(pieces, by_part=training.by_part)
    shares, counts = {}, {}
    for quarters in windows:
        known = np.unique(training.hashes(training.windows(quarters), quarters))
        asked = measured.hashes(measured.windows(quarters), quarters)
        counts[quarters] = len(asked)
        shares[quarters] = float(among(asked, known).mean()) if len(asked) else float("nan")
    return Copying(shares, counts, *_longest(measured, training, windows[0]))


def _longest(measured: Passages, training: Passages, least: int) -> tuple[int, int, int]:
    """Length of the longest passage and the pieces on both sides: windows grow while they match."""
    ours, theirs = measured.windows(least), training.windows(least)
    asked, known = measured.hashes(ours, least), training.hashes(theirs, least)
    quarters, found = least, (0, -1, -1)
    while True:
        here, there = among(asked, np.unique(known)), among(known, np.unique(asked))
        if not here.any():
            return found
        asked, ours, known, theirs = asked[here], ours[here], known[there], theirs[there]
        source = theirs[np.flatnonzero(known == asked[0])[0]]
        found = (quarters, measured.owner(ours[0]), training.owner(source))
        quarters += 1
        asked, ours = measured.longer(asked, ours, quarters)
        known, theirs = training.longer(known, theirs, quarters)


def _voices(piece: Piece, by_part: bool) -> list[list[Track]]:
    piece = piece.at_resolution(_STEPS * _STEP_TICKS)
    pitched = [track for track in piece.tracks if len(track) and not track.is_drum]
    return [[track] for track in pitched] if by_part else [pitched] * bool(pitched)


def _quarters(tracks: Sequence[Track]) -> tuple[np.ndarray, ...]:
    """For each quarter: hash as an opening, hash inside a window, moves in it as either."""
    steps, pitches, begins = _sounding(tracks)
    cells = steps // _STEPS
    count = int(cells.max()) + 1
    # A quarter is a set of (sixteenth, pitch above its lowest, begins or goes on); the sum of the
    # mixed numbers of its members is its hash, in whatever order they come. Inside a window the
    # interval from the lowest pitch of the quarter before goes into it, so that a transposed
    # window has the same hash and one with a part shifted against another has not.
    lowest = np.full(count, 128)
    np.minimum.at(lowest, cells, pitches)
    silent = lowest == 128
    # The lowest pitch of the latest quarter that sounds, for the interval to the next that does.
    latest = np.maximum.accumulate(np.where(silent, 0, np.arange(count)))
    interval = np.diff(lowest[latest], prepend=0)

    first = steps % _STEPS == 0
    place = (steps % _STEPS) * 128 + pitches - lowest[cells]
    opening, inner = np.zeros(count, np.uint64), np.zeros(count, np.uint64)
    np.add.at(opening, cells, mix_bits(2 * place + (begins & ~first) + 1))
    np.add.at(inner, cells, mix_bits(2 * place + begins + 1))
    inner = mix_bits(inner + mix_bits(interval + 4096))

    moving = np.unique(steps[begins])
    moves = np.bincount(moving // _STEPS, minlength=count)
    moves_opening = np.bincount(moving[moving % _STEPS != 0] // _STEPS, minlength=count)
    return opening, inner, moves_opening.astype(np.uint8), moves.astype(np.uint8)


def _no_quarters() -> tuple[np.ndarray, ...]:
    return tuple(np.zeros(0, kind) for kind in (np.uint64, np.uint64, np.uint8, np.uint8))


def _sounding(tracks: Sequence[Track]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What sounds: sixteenth, pitch, and whether it begins there; no (sixteenth, pitch) twice."""
    notes = np.concatenate([track.notes for track in tracks])
    half = _STEP_TICKS // 2
    starts = (notes["onset"] + half) // _STEP_TICKS
    ends = (notes["onset"] + notes["duration"] + half) // _STEP_TICKS
    lengths = np.maximum(1, ends - starts)
    into = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    rows = (np.repeat(starts, lengths) + into) * 128 + np.repeat(notes["pitch"], lengths)
    rows = np.unique(2 * rows + (into == 0))
    rows = rows[np.append(np.diff(rows // 2) > 0, True)]  # of two alike, the one that begins
    return rows // 256, rows // 2 % 128, rows % 2 == 1


def mix_bits(values: np.ndarray) -> np.ndarray:
    """Well-mixed 64 bits of each number: the finaliser of SplitMix64 (Steele et al. 2014)."""
    mixed = values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
