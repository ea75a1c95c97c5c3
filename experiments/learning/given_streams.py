"""The same composed notes for each way of hearing the given ones, as streams of events.

Either the given notes are events of the stream, as the package has them, or the stream holds the
composed notes only, and the given ones are a sequence of their own, for an encoder or for nobody.

In a stream of composed notes the tempi and the END are given, as they are where notes are merged,
and where gaps are to be filled a restated tempo marks the beginning and the end of each. So every
way knows where something can be composed, and pays for nothing that happens elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, NamedTuple

import numpy as np

from ritornello.music.piece import Piece
from ritornello.note_model.encoding import context, notes, piece_controls, tasks
from ritornello.note_model.encoding.bar_grid import BARS_LEFT_UNKNOWN, LONGEST_BAR_TICKS, Grid
from ritornello.note_model.encoding.batch import Batch, stack
from ritornello.note_model.encoding.given import Given
from ritornello.note_model.encoding.notes import (
    END,
    MAX_SHIFT,
    NONE,
    PART,
    PITCH,
    REST,
    SHIFT,
    SIZES,
    TEMPO,
    TEMPO_PITCH,
    Array,
    Encoded,
    is_note,
)
from ritornello.note_model.encoding.sequences import Sequences
from ritornello.note_model.encoding.tasks import COMPOSED, PASSED, Task
from ritornello.rng import Rng

# What an encoder reads of a given note: its fields, its place in the bar and in the beat.
NOTE_COLUMNS = (*(size + 1 for size in SIZES), LONGEST_BAR_TICKS, 48)
WAITS = MAX_SHIFT + 2  # ticks to the next given onset; the last class is none or far
WINDOW_NOTES = 768  # an encoder reads at most so many given notes around a chunk
REACH_NOTES = 64  # so many of them before it, and after it
NOW_FIRST, NOW_LAST, NEXT_FIRST, NEXT_LAST, WAIT = range(5)


@dataclass(frozen=True)
class Drawn:
    """A piece and what is asked: the same for every way of hearing.

    Attributes:
        encoded: the piece. task: what of it is given.
        gaps: bool [bars], where something may be composed.
        controls: the row, and that of the instruments; read from the whole piece.
        bars_open: whether the number of bars is not told.
    """

    encoded: Encoded
    task: Task
    gaps: np.ndarray
    controls: tuple[np.ndarray, np.ndarray]
    bars_open: bool

    def ticks_of(self, start: int, length: int) -> tuple[int, int]:
        """The span [from, to) of ticks of events [start, start + length) of the whole piece."""
        onsets = self.encoded.onsets_ticks
        ends = np.append(onsets, onsets[-1] + 1)
        return int(onsets[start]), int(ends[min(start + length, len(onsets))])


def draw(
    piece: Piece,
    collection: int,
    collections: int,
    rng: Rng,
    *,
    task: str | None = None,
    open_probability: float = 0.0,
) -> Drawn:
    """A task for a piece, drawn at random where None; no chords are told. See `sequences`."""
    encoded = notes.encode(piece)
    bars_open = rng.random() < open_probability
    name = str(rng.choice([*tasks.TASKS], p=[*tasks.TASKS.values()])) if task is None else task
    state = rng.bit_generator.state
    chosen = tasks.task(name, encoded, rng, end_given=not bars_open)
    twin = np.random.default_rng()
    twin.bit_generator.state = state
    gaps = _gaps(encoded, name, twin) if "fill" in name else _everywhere(encoded)
    asked = piece_controls.read_controls(encoded, collection, chosen.closed)
    if open_probability:
        asked = piece_controls.drop_controls(asked, rng, open_probability)
    return Drawn(encoded, chosen, gaps, (asked.row(collections), asked.instrument_row()), bars_open)


def _everywhere(encoded: Encoded) -> np.ndarray:
    return np.ones(len(Grid(encoded.metres, encoded.length_ticks).bar_starts), bool)


def _gaps(encoded: Encoded, name: str, rng: Rng) -> np.ndarray:
    """The bars that a task leaves open: those in which it would give a part nothing to play.

    The same task is drawn for a piece of the same players, each of whom plays in each bar.
    """
    bars = Grid(encoded.metres, encoded.length_ticks).bar_starts
    players = np.unique(encoded.fields[:, PART])
    players = players[is_note(players)]
    fields = np.tile(NONE, (len(bars) * len(players), 1))
    fields[:, PART] = np.tile(players, len(bars))
    onsets = np.repeat(bars, len(players))
    full = replace(encoded, fields=fields, onsets_ticks=onsets)
    composed = tasks.task(name, full, rng, end_given=True).counts == COMPOSED
    result: np.ndarray = composed.reshape(len(bars), len(players)).any(axis=1)
    return result


# --- given notes merged into the stream ---------------------------------------------------------


def merged(drawn: Drawn, *, look_ahead: bool) -> tuple[Sequences, np.ndarray]:
    """All notes in one stream, and the onset of each event.

    Args:
        look_ahead: whether given notes are seen before they are passed; only the next given event
            is told in any case, since the masks ask for it.
    """
    encoded, task = drawn.encoded, drawn.task
    seen = tasks.look_ahead(encoded, task, chords=False) if look_ahead else Given.nothing()
    return _read(drawn, encoded, task, seen), encoded.onsets_ticks


# --- composed notes only ------------------------------------------------------------------------


def composed_only(drawn: Drawn) -> tuple[Sequences, np.ndarray]:
    """The composed notes as a stream, and the onset of each event."""
    encoded, task = drawn.encoded, drawn.task
    if is_note(encoded.fields[task.known, PART]).any():
        encoded, task = _without_given(drawn)
    return _read(drawn, encoded, task, tasks.look_ahead(encoded, task, chords=False)), (
        encoded.onsets_ticks
    )


def _without_given(drawn: Drawn) -> tuple[Encoded, Task]:
    encoded, task = drawn.encoded, drawn.task
    parts = encoded.fields[:, PART]
    kept = (parts == TEMPO) | (parts == END) | (is_note(parts) & ~task.known)
    rows = encoded.fields[kept]
    rows[:, 0] = encoded.onsets_ticks[kept]
    rows = np.concatenate([_marks(drawn), rows])
    rows = rows[np.lexsort((rows[:, PITCH], rows[:, PART], rows[:, 0]))]
    rows = notes._insert_rests(rows)
    onsets = rows[:, 0].copy()
    rows[:, SHIFT] = np.diff(onsets, prepend=0)
    known = ~is_note(rows[:, PART]) & (rows[:, PART] != REST)
    return replace(encoded, fields=rows, onsets_ticks=onsets), Task(
        known, _counts(drawn, rows, onsets), task.closed
    )


def _marks(drawn: Drawn) -> np.ndarray:
    """A tempo where a gap begins or ends, [marks, 5] with the onset first, unless one is there."""
    encoded = drawn.encoded
    bars = Grid(encoded.metres, encoded.length_ticks).bar_starts
    ticks = bars[np.flatnonzero(np.diff(drawn.gaps, prepend=drawn.gaps[0]))]
    tempi = encoded.fields[:, PART] == TEMPO
    onsets = encoded.onsets_ticks[tempi]
    ticks = np.setdiff1d(ticks, onsets)
    latest = np.searchsorted(onsets, ticks) - 1
    rows = np.tile(NONE, (len(ticks), 1))
    rows[:, 0], rows[:, PART] = ticks, TEMPO
    rows[:, PITCH] = np.where(latest < 0, TEMPO_PITCH, encoded.fields[tempi, PITCH][latest])
    return rows


def _counts(drawn: Drawn, rows: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """How each event counts; between two of them all is open, or nothing is."""
    bars = Grid(drawn.encoded.metres, drawn.encoded.length_ticks).bar_starts
    before = np.concatenate([[0], onsets[:-1]])
    is_open = drawn.gaps[np.searchsorted(bars, before, side="right") - 1]
    return np.where(is_note(rows[:, PART]), COMPOSED, np.where(is_open, PASSED, tasks.GIVEN))


def _read(drawn: Drawn, encoded: Encoded, task: Task, seen: Given) -> Sequences:
    inputs = context.compute(encoded, task.known, seen)
    if drawn.bars_open:
        left = context.CONTEXT_COLUMN["bars_left"]
        inputs.context[:, left] = BARS_LEFT_UNKNOWN
        inputs.place[:, context.PLACE_COLUMN["bars_left"]] = BARS_LEFT_UNKNOWN
    tables = (inputs.context, inputs.place, inputs.memory, inputs.echo)
    return Sequences(encoded.fields, *tables, task.counts, *drawn.controls, task.closed)


# --- given notes as a sequence of their own -----------------------------------------------------


class GivenNotes(NamedTuple, Generic[Array]):
    """Given notes around the events of a batch, int64; of one row without the first axis.

    Attributes:
        notes: [rows, window, `NOTE_COLUMNS`], padded to `WINDOW_NOTES`.
        lengths: [rows], how many of them are real.
        near: [rows, time, 5], as of `GivenExcerpt`, counted in the window.
    """

    notes: Array
    lengths: Array
    near: Array


class GivenBatch(NamedTuple):
    """A batch and the given notes around its events."""

    events: Batch[np.ndarray]
    given: GivenNotes[np.ndarray]

    def composed_notes(self) -> np.ndarray:
        """As of `Batch`."""
        return self.events.composed_notes()


@dataclass(frozen=True)
class GivenExcerpt:
    """An excerpt of a stream with the given notes around it.

    Attributes:
        events: the excerpt.
        notes: int64 [given notes of the piece, `NOTE_COLUMNS`].
        near: int64 [events, 5], for the moment before each event: the numbers, from one, of the
            first and the last given note of the latest onset and of the next one (0 where there is
            none), and the ticks to the next.
    """

    events: Sequences
    notes: np.ndarray
    near: np.ndarray

    def __len__(self) -> int:
        return len(self.events)

    def chunk(self, start: int, length: int) -> tuple[Sequences, GivenNotes[np.ndarray]]:
        """A chunk of the events, padded to the length, and the given notes around it."""
        near = self.near[start : start + length]
        numbers = near[:, :WAIT]
        window = np.zeros((WINDOW_NOTES, len(NOTE_COLUMNS)), np.int64)
        moved = np.zeros((length, self.near.shape[1]), np.int64)
        moved[:, WAIT] = WAITS - 1
        moved[: len(near), WAIT] = near[:, WAIT]
        count = 0
        if numbers.any():
            stop = min(len(self.notes), int(numbers.max()) + REACH_NOTES)
            first = int(numbers[numbers > 0].min()) - 1 - REACH_NOTES
            first = max(0, first, stop - WINDOW_NOTES)
            count = stop - first
            window[:count] = self.notes[first:stop]
            moved[: len(near), :WAIT] = np.maximum(numbers - first, 0) * (numbers > 0)
        return self.events.chunk(start, length), GivenNotes(window, np.array(count), moved)


def stacked_given(chunks: Sequence[tuple[Sequences, GivenNotes[np.ndarray]]]) -> GivenBatch:
    """Chunks of one length side by side."""
    rows, given = zip(*chunks, strict=True)
    return GivenBatch(stack(rows), GivenNotes(*map(np.stack, zip(*given, strict=True))))


def with_given(drawn: Drawn, stream: Sequences, onsets: np.ndarray) -> GivenExcerpt:
    """The given notes beside a stream, whichever it is."""
    encoded = drawn.encoded
    given = drawn.task.known & is_note(encoded.fields[:, PART])
    ticks, fields = encoded.onsets_ticks[given], encoded.fields[given]
    fields[:, SHIFT] = np.minimum(np.diff(ticks, prepend=0), MAX_SHIFT)
    place, _, _ = Grid(encoded.metres, encoded.length_ticks).locate(ticks)
    now = np.concatenate([[0], onsets[:-1]])
    passed = np.searchsorted(ticks, now, side="right")
    near = np.zeros((len(now), 5), np.int64)
    near[:, WAIT] = WAITS - 1
    if len(ticks):
        latest, following = ticks[passed - 1], ticks[np.minimum(passed, len(ticks) - 1)]
        near[:, NOW_FIRST] = np.where(passed > 0, np.searchsorted(ticks, latest) + 1, 0)
        near[:, NOW_LAST] = passed
        coming = passed < len(ticks)
        near[:, NEXT_FIRST] = np.where(coming, passed + 1, 0)
        last = np.searchsorted(ticks, following, side="right")
        near[:, NEXT_LAST] = np.where(coming, last, 0)
        near[:, WAIT] = np.where(coming, np.minimum(following - now, WAITS - 1), WAITS - 1)
    return GivenExcerpt(stream, np.concatenate([fields, place[:, :2]], axis=1), near)


def cut(whole: GivenExcerpt, onsets: np.ndarray, ticks: tuple[int, int]) -> GivenExcerpt:
    """The events of a span of ticks."""
    start, stop = np.searchsorted(onsets, ticks)
    return GivenExcerpt(whole.events.part(start, stop - start), whole.notes, whole.near[start:stop])
