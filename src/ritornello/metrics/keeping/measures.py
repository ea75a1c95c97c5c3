"""Figures of one piece that tell music people keep from music they do not.

Each is to be read beside that of real music of the same kind. Bars are compared as
`ritornello.plan.bar_strokes` does: as sets of (tick in 24ths, part, pitch), alike by Jaccard.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ritornello.metrics.endings import ending
from ritornello.metrics.keeping import tunes
from ritornello.music import harmony
from ritornello.music.note_tables import NOTE_DTYPE
from ritornello.music.piece import Piece
from ritornello.plan.bar_strokes import FARTHEST_BARS, RESOLUTION, Shared, Strokes

ALIKE_LEAST = 0.8
NEAR_BARS = (1, 2, 4)
PHRASE_BARS = 8
FIGURE_BARS = (1, 2, 4)
_TIMES = 3
_KICKS, _SNARES = (35, 36), (38, 40)
_BACKBEAT_TICKS = frozenset({24, 72})  # two and four of a bar of 4/4
_BAR_OF_FOUR_TICKS = 96
_OFF_BEATS = {"straight": (11, 13), "swung": (15, 17)}  # first and last tick in the quarter
_DRUM_PITCH = 128


@dataclass(frozen=True)
class MeasuredBars:
    """A piece, its strokes by bar and what bars have in common; made once for all figures."""

    piece: Piece
    strokes: Strokes
    shared: Shared

    @classmethod
    def of(cls, piece: Piece) -> MeasuredBars:
        piece = piece.at_resolution(RESOLUTION)
        strokes = Strokes.of(piece)
        return cls(piece, strokes, Shared.of(strokes))

    @property
    def counts(self) -> np.ndarray:
        """Strokes of each bar, int64 [bars]."""
        return np.asarray(self.shared.counts.sum(axis=1))


def melody_returns(bars: MeasuredBars) -> float:
    """Share of the bars from the ninth on in which the melody is that of eight bars before.

    The melody is the pitched part that is highest on average; it is the same where its bars are
    `ALIKE_LEAST` alike.
    """
    pitched = [track for track in bars.piece.tracks if len(track) and not track.is_drum]
    if not pitched or bars.strokes.bars <= PHRASE_BARS:
        return np.nan
    melody = max(pitched, key=lambda track: float(track.notes["pitch"].mean()))
    alone = replace(bars.piece, tracks=(melody,))
    alike = Shared.of(Strokes.of(alone), PHRASE_BARS).alike[PHRASE_BARS:, PHRASE_BARS]
    return float((alike >= ALIKE_LEAST).mean())


def returning_bars(bars: MeasuredBars) -> float:
    """Share of the bars with notes that are alike to an earlier one, up to 96 bars back."""
    return _mean((bars.shared.alike.max(axis=1) >= ALIKE_LEAST)[bars.counts > 0])


def return_distances(bars: MeasuredBars) -> np.ndarray:
    """How far back the bar is that is most like each bar that returns, the nearest of equals."""
    alike = bars.shared.alike
    return np.asarray(alike.argmax(axis=1)[alike.max(axis=1) >= ALIKE_LEAST])


def notes_of_near_bars(bars: MeasuredBars) -> float:
    """Share of the notes that stand at the same place of the best of the bars 1, 2 and 4 back."""
    return _of_notes(bars, bars.shared.again[:, NEAR_BARS].max(axis=1))


def notes_of_best_bar(bars: MeasuredBars) -> float:
    """Share of the notes that stand at the same place of the best earlier bar, up to 96 back."""
    return _of_notes(bars, bars.shared.again.max(axis=1))


def looped_bars(bars: MeasuredBars) -> float:
    """Share of the bars with notes inside a figure of 1, 2 or 4 bars that is played three times or
    more, one after the other and note for note."""
    inside = np.zeros(bars.strokes.bars, bool)
    for length in FIGURE_BARS:
        same = bars.shared.alike[:, length] == 1.0
        edges = np.flatnonzero(np.diff(same.astype(np.int8), prepend=0, append=0))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            if end - start >= (_TIMES - 1) * length:
                inside[start - length : end] = True
    return _mean(inside[bars.counts > 0])


def chord_changes(bars: MeasuredBars) -> float:
    """Share of the bars, from the second on, whose first chord is not that of the bar before.

    Chords are detected from the notes of all pitched parts (`ritornello.music.harmony`).
    """
    chords = bar_chords(bars)
    return _mean(chords[1:] != chords[:-1])


def bar_chords(bars: MeasuredBars) -> np.ndarray:
    """The chord class at each bar line, int64 [bars]; empty without pitched parts."""
    pitched = [t.notes for t in bars.piece.tracks if not t.is_drum and len(t)]
    if not pitched:
        return np.zeros(0, np.int64)
    notes = np.concatenate(pitched)
    beats = harmony.segments(bars.piece.metres, bars.piece.length_ticks, RESOLUTION)
    classes = harmony.detect(notes["onset"], notes["duration"], notes["pitch"], beats)
    result: np.ndarray = classes[beats.on_bar_line]
    return result


def distinct_drum_bars(bars: MeasuredBars) -> float:
    """Different bars as a share of the bars with kick or snare, 0 to 1."""
    patterns = [*_drum_bars(bars).values()]
    return len(set(patterns)) / len(patterns) if patterns else np.nan


def backbeat_bars(bars: MeasuredBars) -> float:
    """Share of the bars of 4/4 with kick or snare in which the snare is struck on 2 and 4."""
    found = [
        {tick for tick, is_snare in pattern if is_snare} >= _BACKBEAT_TICKS
        for bar, pattern in _drum_bars(bars).items()
        if bars.strokes.bar_lengths[bar] == _BAR_OF_FOUR_TICKS
    ]
    return _mean(np.array(found))


def _drum_bars(bars: MeasuredBars) -> dict[int, frozenset[tuple[int, bool]]]:
    """By bar the ticks of kick and snare."""
    strokes = bars.strokes
    snare = np.isin(strokes.pitch - _DRUM_PITCH, _SNARES)
    struck = snare | np.isin(strokes.pitch - _DRUM_PITCH, _KICKS)
    found: dict[int, set[tuple[int, bool]]] = {}
    table = zip(strokes.bar[struck], strokes.tick[struck], snare[struck], strict=True)
    for bar, tick, is_snare in table:
        found.setdefault(int(bar), set()).add((int(tick), bool(is_snare)))
    return {bar: frozenset(pattern) for bar, pattern in found.items()}


def playing_deviation(bars: MeasuredBars) -> float:
    """Standard deviation, over the bars, of the number of parts that begin a note."""
    playing = (bars.shared.counts > 0).sum(axis=1)
    return float(playing.std()) if len(playing) else np.nan


def silent_beats(bars: MeasuredBars) -> float:
    """Share of the quarters between the first and the last note in which no pitched part sounds."""
    tables = [track.notes for track in bars.piece.tracks if len(track) and not track.is_drum]
    notes = np.concatenate(tables) if tables else np.zeros(0, NOTE_DTYPE)
    if not len(notes):
        return np.nan
    first = int(notes["onset"].min()) // RESOLUTION
    begin = notes["onset"] // RESOLUTION - first
    end = -(-(notes["onset"] + notes["duration"]) // RESOLUTION) - first
    change = np.zeros(int(end.max()) + 1)
    np.add.at(change, begin, 1)
    np.add.at(change, end, -1)
    last = int(begin.max()) + 1
    return float((np.cumsum(change)[:last] == 0).mean())


def swung_share(bars: MeasuredBars) -> float:
    """Share of the off-beats that are swung at 2 to 1 rather than straight, 0 to 1."""
    found = off_beats(bars.strokes)
    return found["swung"] / sum(found.values()) if sum(found.values()) else np.nan


def complete_ending(bars: MeasuredBars) -> float:
    """1 for a piece that ends in its last bar, on a chord of the key, and holds it; else 0."""
    found = ending(bars.piece)
    return np.nan if found.chord_of_key is None else float(found.complete)


def tonic_ending(bars: MeasuredBars) -> float:
    """1 for a piece whose last chord is that of the tonic, else 0."""
    found = ending(bars.piece)
    return np.nan if found.tonic_chord is None else float(found.tonic_chord)


def off_beats(strokes: Strokes) -> dict[str, int]:
    """How many strokes stand on a straight and on a swung off-beat of a quarter."""
    place = strokes.tick % RESOLUTION
    return {
        name: int(((place >= low) & (place <= high)).sum())
        for name, (low, high) in _OFF_BEATS.items()
    }


def self_similarity(bars: MeasuredBars) -> np.ndarray:
    """Share of the notes that stand at the same place so many bars before, for each distance.

    float64 [`FARTHEST_BARS`], from one bar on; nan where the piece is too short.
    """
    counts, again = bars.counts, bars.shared.again
    found = np.full(FARTHEST_BARS, np.nan)
    for distance in range(1, min(FARTHEST_BARS, len(counts) - 1) + 1):
        notes = counts[distance:]
        if notes.sum():
            found[distance - 1] = (again[distance:, distance] * notes).sum() / notes.sum()
    return found


MEASURES: dict[str, Callable[[MeasuredBars], float]] = {
    "melody as 8 bars before": melody_returns,
    "tune: repeated notes": lambda bars: tunes.repeated_notes(bars.piece),
    "tune: seconds": lambda bars: tunes.seconds(bars.piece),
    "tune: leaps beyond a fifth": lambda bars: tunes.wide_leaps(bars.piece),
    "bars that return": returning_bars,
    "notes as 1, 2 or 4 bars back": notes_of_near_bars,
    "notes as in the best earlier bar": notes_of_best_bar,
    "looped bars": looped_bars,
    "bars with a new chord": chord_changes,
    "different kick-and-snare bars": distinct_drum_bars,
    "bars with the snare on 2 and 4": backbeat_bars,
    "deviation of the parts playing": playing_deviation,
    "silent beats": silent_beats,
    "swung off-beats": swung_share,
    "complete endings": complete_ending,
    "last chord the tonic": tonic_ending,
}


def measure(piece: Piece) -> dict[str, float]:
    """All of `MEASURES` of a piece; nan where there is nothing to measure."""
    bars = MeasuredBars.of(piece)
    return {name: function(bars) for name, function in MEASURES.items()}


def _of_notes(bars: MeasuredBars, share: np.ndarray) -> float:
    counts = bars.counts
    return float((share * counts).sum() / counts.sum()) if counts.sum() else np.nan


def _mean(found: np.ndarray) -> float:
    return float(found.mean()) if len(found) else np.nan
