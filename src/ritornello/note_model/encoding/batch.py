"""A batch: several pieces or excerpts side by side, one named table for each kind of number.

Training, validation and likelihood read the same tables, as NumPy arrays or as torch tensors. What
a head sees of them and which classes it may choose is said here once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Generic

import numpy as np

from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.bar_plan import OPEN_CONTEXT, OPEN_MEMORY
from ritornello.note_model.encoding.context import CONTEXT_COLUMN
from ritornello.note_model.encoding.notes import FIELDS, PART, SHIFT, SIZES, VELOCITY, Array
from ritornello.note_model.encoding.sequences import Sequences
from ritornello.note_model.encoding.tables import HEAD_INPUTS
from ritornello.note_model.encoding.tasks import COMPOSED


@dataclass(frozen=True, eq=False)
class Batch(Generic[Array]):
    """Events of several rows with their computed inputs and controls; int64 unless said otherwise.

    A row is a piece or an excerpt of one; `Sequences` holds the same tables for one row, without
    the axis of rows. Shorter rows are padded at their end with given events that have no field.

    Attributes:
        fields: [time, rows, 5], class indices of `notes.FIELDS`; one past the last class where an
            event does not have the field.
        context: [time, rows, columns of `context.CONTEXT`], what the network reads.
        place: [time, rows, columns of `context.PLACE`], where in its bar the event lies.
        memory: [time, rows, columns of `context.MEMORY`], what the part played before.
        echo: [time, rows, columns of `context.ECHO`], what this pitch did before.
        counts: [time, rows], how each event's likelihood counts: `tasks.GIVEN`, ``PASSED`` or
            ``COMPOSED``.
        controls: [rows, 3], what is asked for; see `piece_controls`.
        instruments: float32 [rows, `piece_controls.INSTRUMENT_COLUMNS`], who plays.
        closed: bool [rows, parts], the parts that are not composed for.
        plays: float32 [time, rows, `bar_plan.PLAYS_COLUMNS`], who plays in the present and the
            next bar; None where no plan is told.
        may_play: bool [time, rows, parts], who may play at the event's onset; None likewise.
    """

    fields: Array
    context: Array
    place: Array
    memory: Array
    echo: Array
    counts: Array
    controls: Array
    instruments: Array
    closed: Array
    plays: Array | None = None
    may_play: Array | None = None

    def tables(self) -> tuple[Array | None, ...]:
        """All tables, in the order above, None where there is none."""
        return tuple(getattr(self, each.name) for each in fields(self))

    def each(self, change: Callable[[str, Array], Any]) -> Batch[Any]:
        """A batch of what becomes of each table that there is, by its name."""
        tables = {each.name: getattr(self, each.name) for each in fields(self)}
        return Batch(**{name: None if t is None else change(name, t) for name, t in tables.items()})

    def table(self, name: str) -> Array:
        """The columns [..., columns] that `tables.HEAD_INPUTS` calls by this name."""
        if name in FIELDS:
            return self.fields[..., FIELDS.index(name), None]
        found: Array = getattr(self, name)
        return found

    def composed_notes(self) -> Array:
        """How many notes of each row are composed, and not given; int64 [rows]."""
        is_note = self.fields[..., VELOCITY] < SIZES[VELOCITY]
        result: Array = (is_note & (self.counts == COMPOSED)).sum(0)
        return result


OF_ROWS = ("controls", "instruments", "closed")  # these tables of a batch have no time axis


def stack(rows: Sequence[Sequences]) -> Batch[np.ndarray]:
    """Rows of one length side by side."""
    names = [each.name for each in fields(Batch)]
    columns = dict(zip(names, zip(*(row.tables() for row in rows), strict=True), strict=True))
    tables: dict[str, Any] = {
        name: None if column[0] is None else np.stack(column, axis=int(name not in OF_ROWS))
        for name, column in columns.items()
    }
    return Batch(**tables)


def select_events(batch: Batch[np.ndarray], chosen: np.ndarray) -> Batch[np.ndarray]:
    """Some events one after another: every table [events, ...], without an axis of rows.

    Args:
        chosen: bool [time, rows].
    """
    rows = np.nonzero(chosen)[1]
    return batch.each(lambda name, table: table[rows if name in OF_ROWS else chosen])


def tell_no_plan(
    batch: Batch[Array], append: Callable[[Array, Sequence[int]], Array]
) -> Batch[Array]:
    """A batch made without plans for a network that reads them: nothing of any plan is told.

    Args:
        append: puts the same columns behind a table, [..., columns] to [..., columns + more].
    """
    if batch.plays is not None:
        return batch
    return replace(
        batch,
        context=append(batch.context, OPEN_CONTEXT),
        memory=append(batch.memory, OPEN_MEMORY),
    )


def append_columns(table: np.ndarray, row: Sequence[int]) -> np.ndarray:
    """`tell_no_plan`'s ``append`` for arrays."""
    return np.concatenate([table, np.broadcast_to(row, (*table.shape[:-1], len(row)))], axis=-1)


def head_inputs(head: int, read: Callable[[str], np.ndarray]) -> np.ndarray | None:
    """Columns that a head reads beside the state, [..., columns]; None for the first head.

    Args:
        head: index of the field that it predicts.
        read: gives the columns [..., columns] of a name in `tables.HEAD_INPUTS`.
    """
    names = HEAD_INPUTS[head]
    return np.concatenate([read(name) for name in names], axis=-1) if names else None


def legal_classes(
    head: int,
    fields: Array,
    context: Array,
    closed: Array,
    may_play: Array | None = None,
) -> Array | None:
    """Classes that a field may take, bool [..., classes]; None where all of them are legal.

    Args:
        head: index of the field.
        fields, context: as of `Batch`, [..., columns], of NumPy or torch.
        closed: bool [..., parts], broadcast over the events.
        may_play: bool [..., parts], who may play at the onset by the plan; anybody where None. A
            given event comes in any case.
    """
    previous_part, previous_pitch, ahead_shift, ahead_part = (
        context[..., CONTEXT_COLUMN[name]]
        for name in ("previous_part", "previous_pitch", "ahead_shift", "ahead_part")
    )
    return notes.legal(
        head,
        notes.Previous(previous_part, previous_pitch),
        fields[..., SHIFT],
        fields[..., PART],
        notes.Ahead(ahead_shift, ahead_part, closed, may_play),
    )
