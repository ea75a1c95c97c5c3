"""Batches of contiguous music: each row walks through excerpts, chunk by chunk.

The network's state is carried from chunk to chunk inside an excerpt, so that it learns from longer
spans than one chunk. What a row reads is a pure function of (seed, row, excerpt number): a run that
is stopped resumes on the very next note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ritornello.encodings import context, controls, notes
from ritornello.piece import Piece


class Music(Protocol):
    """What batches are made from; `ritornello.corpus.store.Corpus` is one."""

    @property
    def note_counts(self) -> np.ndarray: ...

    @property
    def collections(self) -> tuple[str, ...]: ...

    def piece(self, index: int) -> Piece: ...

    def collection_of(self, index: int) -> str: ...

    def indices(self, split: str) -> np.ndarray: ...


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
    semitones: int = 0,
    rng: np.random.Generator | None = None,
    open_probability: float = 0.0,
) -> Sequences:
    """Encode a piece with its computed inputs and controls.

    Args:
        piece: any piece with notes.
        collection: its collection, or None for an unknown one.
        collections: how many the model tells apart.
        semitones: transposition of all pitched notes; the caller keeps them in 0-127.
        rng, open_probability: each control and the bars left are left open with this probability;
            1.0 leaves all open.
    """
    encoded = notes.encode(piece)
    inputs = context.compute(encoded)
    asked = controls.read_controls(encoded, collection)
    if semitones:
        asked = controls.transposed(asked, semitones)
        _transpose(encoded.fields[:, notes.PITCH : notes.PITCH + 1], semitones)
        _transpose(inputs.context, semitones, context.PITCH_COLUMNS)
        _transpose(inputs.memory, semitones, context.MEMORY_PITCH_COLUMNS)
        sounding = inputs.place[:, context.SOUNDING]
        inputs.place[:, context.SOUNDING] = np.roll(sounding, semitones, axis=1)
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


def _transpose(table: np.ndarray, semitones: int, columns: Sequence[int] = (0,)) -> None:
    """Move the pitched classes in these columns, in place."""
    for column in columns:
        values = table[:, column]
        values[values < notes.DRUM_PITCH] += semitones


def _transposition(piece: Piece, rng: np.random.Generator) -> int:
    """A shift of -6 to 5 semitones that keeps every pitched note on the keyboard."""
    pitches = [track.notes["pitch"] for track in piece.tracks if len(track) and not track.is_drum]
    if not pitches:
        return 0
    low = max(-6, -min(int(column.min()) for column in pitches))
    high = min(5, 127 - max(int(column.max()) for column in pitches))
    return int(rng.integers(low, high + 1)) if low <= high else 0


def stacked(chunks: Sequence[tuple[np.ndarray, ...]]) -> list[np.ndarray]:
    """Chunks as a batch, in the order of `note_model.Events`: time first, where there is time."""
    columns = zip(*chunks, strict=True)
    return [np.stack(column, axis=1 if i < 5 else 0) for i, column in enumerate(columns)]


class Rows:
    """The rows of a batch, each on its own walk through the training split.

    Args:
        music: where the pieces come from.
        shares: share of the notes wanted from each collection; by its notes where absent.
        batch: number of rows.
        chunk: events a row and batch.
        seed: of everything random here.
        excerpt: longest walk inside a piece before another is drawn, in events.
        open_probability: see `sequences`.
        transpose: whether excerpts are transposed at random.
    """

    def __init__(
        self,
        music: Music,
        *,
        shares: dict[str, float] | None,
        batch: int,
        chunk: int,
        seed: int,
        excerpt: int = 2048,
        open_probability: float = 0.15,
        transpose: bool = True,
    ) -> None:
        self.music, self.chunk, self.seed, self.excerpt = music, chunk, seed, excerpt
        self.open_probability, self.transpose = open_probability, transpose
        self._indices = np.asarray(music.indices("train"))
        self._chances = self._piece_chances(shares)
        self.drawn = np.zeros(batch, np.int64)  # excerpts drawn by each row
        self.offset = np.zeros(batch, np.int64)  # events read of the current excerpt
        self._current: list[Sequences | None] = [None] * batch

    def _piece_chances(self, shares: dict[str, float] | None) -> np.ndarray:
        counts = self.music.note_counts[self._indices].astype(float)
        if shares:
            names = np.array([self.music.collection_of(index) for index in self._indices])
            for name in np.unique(names):
                member = names == name
                counts[member] *= shares.get(name, 0.0) / counts[member].sum()
        return counts / counts.sum()

    def next(self) -> tuple[list[np.ndarray], np.ndarray]:
        """The next batch.

        Returns:
            the arrays of `note_model.Events`, in its order; and bool [batch], where a row starts
            an excerpt and its state must be the initial one.
        """
        starts = np.zeros(len(self.drawn), bool)
        chunks = []
        for row in range(len(self.drawn)):
            current = self._current[row]
            if current is None and self.drawn[row]:  # resumed: the same excerpt again
                current = self._draw(row)
            if current is None or self.offset[row] >= len(current):
                self.drawn[row] += 1
                self.offset[row] = 0
                current = self._draw(row)
                starts[row] = True
            self._current[row] = current
            chunks.append(current.chunk(int(self.offset[row]), self.chunk))
            self.offset[row] += self.chunk
        return stacked(chunks), starts

    def _draw(self, row: int) -> Sequences:
        rng = np.random.default_rng((self.seed, row, int(self.drawn[row])))
        index = int(rng.choice(self._indices, p=self._chances))
        piece = self.music.piece(index)
        names = self.music.collections
        whole = sequences(
            piece,
            names.index(self.music.collection_of(index)),
            len(names),
            semitones=_transposition(piece, rng) if self.transpose else 0,
            rng=rng,
            open_probability=self.open_probability,
        )
        spare = len(whole) - self.excerpt
        if spare <= 0:
            return whole
        # Beginnings and endings are rare in long pieces and matter most: draw them more often.
        places = np.array([0, spare, rng.integers(spare + 1)])
        start = int(rng.choice(places, p=[0.3, 0.2, 0.5]))
        tables = whole.chunk(start, self.excerpt)
        return Sequences(*tables)
