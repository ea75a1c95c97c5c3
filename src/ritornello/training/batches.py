"""Batches of contiguous music: each row walks through excerpts, chunk by chunk.

The network's state is carried from chunk to chunk inside an excerpt, so that it learns from longer
spans than one chunk. What a row reads is a pure function of (seed, row, excerpt number): a run that
is stopped resumes on the very next note.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ritornello.corpus.augment import augment
from ritornello.music.piece import Piece
from ritornello.note_model.encoding.batch import Batch, stack
from ritornello.note_model.encoding.sequences import Sequences, sequences

CHORDS_GIVEN = 0.3  # how often the chords of a piece are given in training


class Music(Protocol):
    """What batches are made from; `ritornello.corpus.store.Corpus` is one."""

    @property
    def note_counts(self) -> np.ndarray: ...

    @property
    def collections(self) -> tuple[str, ...]: ...

    def piece(self, index: int) -> Piece: ...

    def collection_of(self, index: int) -> str: ...

    def indices(self, split: str) -> np.ndarray: ...


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
        tasks: whether notes are given, see `note_model.encoding.tasks`; or all are composed.
        augment: whether excerpts are transposed and their tempo changed at random.
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
        tasks: bool = True,
        augment: bool = True,
    ) -> None:
        self.music, self.chunk, self.seed, self.excerpt = music, chunk, seed, excerpt
        self.tasks = tasks
        self.open_probability, self.augment = open_probability, augment
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
        result: np.ndarray = counts / counts.sum()
        return result

    def next(self) -> tuple[Batch[np.ndarray], np.ndarray]:
        """The next batch.

        Returns:
            The batch; and bool [rows], where a row starts an excerpt and its state must be the
            initial one.
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
        return self._stacked(chunks), starts

    def _stacked(self, chunks: list[Sequences]) -> Batch[np.ndarray]:
        return stack(chunks)

    def _draw(self, row: int) -> Sequences:
        rng = np.random.default_rng((self.seed, row, int(self.drawn[row])))
        index = int(rng.choice(self._indices, p=self._chances))
        piece = self.music.piece(index)
        if self.augment:
            piece = augment(piece, rng)
        names = self.music.collections
        whole = sequences(
            piece,
            names.index(self.music.collection_of(index)),
            len(names),
            rng=rng,
            open_probability=self.open_probability,
            task=None if self.tasks else "compose",
            chord_probability=CHORDS_GIVEN if self.tasks else 0.0,
        )
        spare = len(whole) - self.excerpt
        if spare <= 0:
            return whole
        # Beginnings and endings are rare in long pieces and matter most: draw them more often.
        places = np.array([0, spare, rng.integers(spare + 1)])
        start = int(rng.choice(places, p=[0.3, 0.2, 0.5]))
        return whole.part(start, self.excerpt)
