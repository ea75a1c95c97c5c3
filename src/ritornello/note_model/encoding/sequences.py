"""One piece as the tables that a network reads: events, computed inputs and controls together."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from ritornello.music.piece import Piece
from ritornello.note_model.encoding import bar_grid, context, notes, piece_controls, tasks
from ritornello.note_model.encoding.bar_plan import BarPlan
from ritornello.note_model.encoding.notes import PART
from ritornello.rng import Rng


@dataclass(frozen=True)
class Sequences:
    """The tables of a piece or an excerpt: those of `batch.Batch`, without the axis of rows."""

    fields: np.ndarray
    context: np.ndarray
    place: np.ndarray
    memory: np.ndarray
    echo: np.ndarray
    counts: np.ndarray
    controls: np.ndarray
    instruments: np.ndarray
    closed: np.ndarray
    plays: np.ndarray | None = None
    may_play: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.fields)

    @property
    def composed_notes(self) -> int:
        return int((notes.is_note(self.fields[:, PART]) & (self.counts == tasks.COMPOSED)).sum())

    @property
    def counted_fields(self) -> np.ndarray:
        """bool [events, 5], the fields whose likelihood counts."""
        return tasks.counted_fields(self.counts)

    def part(self, start: int, length: int) -> Sequences:
        """Events [start, start + length), or fewer at the end."""
        return self.chunk(start, min(length, len(self) - start))

    def chunk(self, start: int, length: int) -> Sequences:
        """Events [start, start + length), padded with given events that have no field."""
        stop = start + length

        def cut(table: np.ndarray) -> np.ndarray:
            return _pad_rows(table[start:stop], length, (0,) * table.shape[1])

        counts = self.counts[start:stop]
        return replace(
            self,
            fields=_pad_rows(self.fields[start:stop], length, notes.NONE),
            context=cut(self.context),
            place=cut(self.place),
            memory=cut(self.memory),
            echo=cut(self.echo),
            counts=np.pad(counts, (0, length - len(counts))),
            plays=None if self.plays is None else cut(self.plays),
            may_play=None if self.may_play is None else cut(self.may_play),
        )

    def tables(self) -> tuple[np.ndarray | None, ...]:
        """The tables in the order of `batch.Batch`."""
        return tuple(getattr(self, each.name) for each in fields(self))


def _pad_rows(rows: np.ndarray, length: int, row: tuple[int, ...]) -> np.ndarray:
    short = length - len(rows)
    if not short:
        return rows
    return np.concatenate([rows, np.tile(np.array(row, rows.dtype), (short, 1))])


def sequences(
    piece: Piece,
    collection: int | None,
    collections: int,
    *,
    rng: Rng | None = None,
    open_probability: float = 0.0,
    task: str | None = "compose",
    chord_probability: float = 0.0,
    told: BarPlan | None = None,
) -> Sequences:
    """Encode a piece with its computed inputs and controls.

    Args:
        piece: any piece with notes.
        collection: its collection, or None for an unknown one.
        collections: how many the model tells apart.
        rng, open_probability: each control and the bars left are left open with this probability;
            1.0 leaves all open.
        task: what is given, one of `tasks.TASKS`; drawn at random where None.
        chord_probability: how often the model is conditioned on the chords of the piece.
        told: its plan, for a model that is told plans; the chords of the plan, if it states any,
            are told in place of those.
    """
    rng = rng or np.random.default_rng(0)
    encoded = notes.encode(piece)
    bars_open = rng.random() < open_probability
    if task is None:
        chosen = tasks.draw_task(encoded, rng, end_given=not bars_open)
    else:
        chosen = tasks.task(task, encoded, rng, end_given=not bars_open)
    seen = tasks.look_ahead(encoded, chosen, chords=rng.random() < chord_probability)
    if told is not None and len(told.chord_ticks):
        seen = replace(seen, chord_ticks=told.chord_ticks, chord_classes=told.chord_classes)
    inputs = context.compute(encoded, chosen.known, seen, told)
    asked = piece_controls.read_controls(encoded, collection, chosen.closed)
    if open_probability:
        asked = piece_controls.drop_controls(asked, rng, open_probability)
    if bars_open:
        left = context.CONTEXT_COLUMN["bars_left"]
        inputs.context[:, left] = bar_grid.BARS_LEFT_UNKNOWN
        inputs.place[:, context.PLACE_COLUMN["bars_left"]] = bar_grid.BARS_LEFT_UNKNOWN
    return Sequences(
        encoded.fields,
        inputs.context,
        inputs.place,
        inputs.memory,
        inputs.echo,
        chosen.counts,
        asked.row(collections),
        asked.instrument_row(),
        chosen.closed,
        *_players(encoded, told),
    )


def _players(
    encoded: notes.Encoded, told: BarPlan | None
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Who plays, and who may play at the onset of each event, as a plan says."""
    if told is None:
        return None, None
    before = np.concatenate([[0], encoded.onsets_ticks[:-1]])
    return told.playing(before), told.may_play[told.bar_of(encoded.onsets_ticks)]
