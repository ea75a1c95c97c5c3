"""Statistics of minutes 1, 10 and 60 of an endless stream, to see whether it drifts.

A model that drifts gets denser or thinner, higher or lower, or falls into a loop. A stream is
walked through once, and only the minute that is being measured is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from ritornello.metrics.overlap import features
from ritornello.metrics.repetition import LAGS_BARS, repetition
from ritornello.music.instruments import INSTRUMENTS, parse_instrument
from ritornello.music.note_tables import note_table
from ritornello.music.piece import Metre, Piece, Track

MINUTES = (1, 10, 60)
_RESOLUTION = 24


class StreamNote(Protocol):
    """The fields that are read of a note; `ritornello.api.StreamedNote` has them."""

    @property
    def onset_seconds(self) -> float: ...
    @property
    def onset_ticks(self) -> int: ...
    @property
    def duration_ticks(self) -> int: ...
    @property
    def part(self) -> str: ...
    @property
    def pitch(self) -> int: ...
    @property
    def velocity(self) -> int: ...


class Minute(NamedTuple):
    """One minute of a stream. minute: counted from 1. statistics: see `statistics`."""

    minute: int
    notes: int
    statistics: dict[str, float]


def drift(
    notes: Iterable[StreamNote],
    *,
    minutes: Sequence[int] = MINUTES,
    metre: tuple[int, int] = (4, 4),
) -> Iterator[Minute]:
    """Measure some minutes of a stream, each as soon as it has passed.

    Args:
        notes: in the order they start, without an end or with one; 24 ticks a quarter note.
        minutes: which to measure, counted from 1.
        metre: of the stream.

    Yields:
        The minutes in ascending order; those after the end of the stream are left out.
    """
    asked = sorted(set(minutes))
    kept: list[StreamNote] = []
    for note in notes:
        while asked and note.onset_seconds >= 60 * asked[0]:
            yield Minute(asked.pop(0), len(kept), statistics(_piece(kept, metre)))
            kept = []
        if not asked:
            return
        if note.onset_seconds >= 60 * (asked[0] - 1):
            kept.append(note)


def statistics(piece: Piece) -> dict[str, float]:
    """`overlap.features` of a piece and how it repeats itself, see `repetition`."""
    repeated = repetition(piece)
    similarity = zip(LAGS_BARS, repeated.self_similarity, strict=True)
    return {
        **features(piece),
        "longest_run": float(repeated.longest_run),
        **{f"self_similarity {lag} bars later": share for lag, share in similarity},
    }


def _piece(notes: Sequence[StreamNote], metre: tuple[int, int]) -> Piece:
    """The notes as a piece that begins with the bar of the first of them."""
    bars = Metre(0, *metre)
    bar = bars.bar_ticks(_RESOLUTION)
    start = notes[0].onset_ticks // bar * bar if notes else 0
    rows: dict[str, list[tuple[int, int, int, int]]] = {}
    for note in notes:
        row = (note.onset_ticks - start, note.duration_ticks, note.pitch, note.velocity)
        rows.setdefault(note.part, []).append(row)
    tracks = []
    for name in sorted(rows):
        instrument = INSTRUMENTS[parse_instrument(name.rstrip(" 0123456789"))]
        table = note_table(rows[name])
        tracks.append(Track(table, instrument.program, instrument.is_drum, name))
    return Piece(tuple(tracks), _RESOLUTION, metres=(bars,))
