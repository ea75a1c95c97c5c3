"""A piece as the arrays a network reads: events, computed inputs and controls together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ritornello.encodings import context, controls, notes
from ritornello.piece import Piece


@dataclass(frozen=True)
class Sequences:
    """Arrays of a piece or excerpt: those of `note_model.Events`, without the batch axis."""

    fields: np.ndarray
    context: np.ndarray
    place: np.ndarray
    memory: np.ndarray
    echo: np.ndarray
    controls: np.ndarray
    instruments: np.ndarray

    def __len__(self) -> int:
        return len(self.fields)

    def part(self, start: int, length: int) -> Sequences:
        """Events [start, start + length), or fewer at the end."""
        return Sequences(*self.chunk(start, min(length, len(self) - start)))

    def chunk(self, start: int, length: int) -> tuple[np.ndarray, ...]:
        """Events [start, start + length), padded with events that have no field."""
        stop = start + length
        inputs = (self.context, self.place, self.memory, self.echo)
        cut = [
            _padded(self.fields[start:stop], length, notes.NONE),
            *(_padded(table[start:stop], length, (0,) * table.shape[1]) for table in inputs),
        ]
        return (*cut, self.controls, self.instruments)


def _padded(rows: np.ndarray, length: int, row: tuple[int, ...]) -> np.ndarray:
    short = length - len(rows)
    return np.concatenate([rows, np.tile(row, (short, 1))]) if short else rows


def sequences(
    piece: Piece,
    collection: int | None,
    collections: int,
    *,
    rng: np.random.Generator | None = None,
    open_probability: float = 0.0,
) -> Sequences:
    """Encode a piece with its computed inputs and controls.

    Args:
        piece: any piece with notes.
        collection: its collection, or None for an unknown one.
        collections: how many the model tells apart.
        rng, open_probability: each control and the bars left are left open with this probability;
            1.0 leaves all open.
    """
    encoded = notes.encode(piece)
    inputs = context.compute(encoded)
    asked = controls.read_controls(encoded, collection)
    if open_probability:
        rng = rng or np.random.default_rng(0)
        asked = controls.opened(asked, rng, open_probability)
        if rng.random() < open_probability:
            left = context.CONTEXT_COLUMN["bars_left"]
            inputs.context[:, left] = context.BARS_LEFT_UNKNOWN
            inputs.place[:, context.PLACE_COLUMN["bars_left"]] = context.BARS_LEFT_UNKNOWN
    return Sequences(
        encoded.fields,
        inputs.context,
        inputs.place,
        inputs.memory,
        inputs.echo,
        asked.row(collections),
        asked.instrument_row(),
    )


def stacked(chunks: Sequence[tuple[np.ndarray, ...]]) -> list[np.ndarray]:
    """Chunks as a batch, in the order of `note_model.Events`: time first, where there is time."""
    columns = zip(*chunks, strict=True)
    return [np.stack(column, axis=1 if i < 5 else 0) for i, column in enumerate(columns)]
