"""Batches of contiguous music: each row walks through excerpts, chunk by chunk.

The network's state is carried from chunk to chunk inside an excerpt, so that it learns from longer
spans than one chunk. What a row reads is a pure function of (seed, row, excerpt number): a run that
is stopped resumes on the very next note, and processes share the rows without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol

import numpy as np

from ritornello.corpus.augment import augment_and_shift, vary_drums
from ritornello.music.piece import Piece
from ritornello.note_model.encoding.bar_plan import GROUPS, BarPlan
from ritornello.note_model.encoding.batch import Batch, stack
from ritornello.note_model.encoding.sequences import Sequences, sequences
from ritornello.plan.plan import Plan
from ritornello.rng import Rng
from ritornello.training.reading_order import Excerpt, ReadingOrder

CHORDS_GIVEN = 0.3  # how often the chords of a piece are given in training
# How often nothing of a plan is told, all of it, and else each group of it.
NO_PLAN_TOLD, WHOLE_PLAN_TOLD, GROUP_TOLD = 0.2, 0.4, 0.6


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
    """Rows of a batch, each on its own walk through the training split.

    The excerpts of `ReadingOrder` are dealt out in turn: row r of n reads the numbers r, r + n, ...

    Args:
        music: where the pieces come from.
        shares: share of the notes wanted from each collection; by its notes where absent.
        batch: number of rows, of all processes together.
        chunk: events a row and batch.
        seed: of everything random here.
        excerpt: notes of an excerpt at most.
        open_probability: see `sequences`.
        tasks: whether notes are given, see `note_model.encoding.tasks`; or all are composed.
        augment: whether excerpts are transposed and their tempo changed at random.
        vary_drums: whether drums of excerpts change for others of their kind as well.
        own: the rows that are read here; all of them where None.
        plans: gives the plan of a piece by its index, for a model that is told plans; what of it is
            told is drawn by `told_groups`.
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
        vary_drums: bool = False,
        own: Sequence[int] | None = None,
        plans: Callable[[int], Plan] | None = None,
    ) -> None:
        self.music, self.chunk, self.seed, self.excerpt = music, chunk, seed, excerpt
        self.tasks, self.plans = tasks, plans
        self.open_probability, self.augment = open_probability, augment
        self.vary_drums = vary_drums
        self.batch, self.own = batch, list(range(batch) if own is None else own)
        pieces = np.asarray(music.indices("train"))
        names = [music.collection_of(index) for index in pieces]
        counts = np.asarray(music.note_counts)[pieces]
        self.order = ReadingOrder(pieces, counts, names, shares, excerpt, seed)
        self.drawn = np.zeros(len(self.own), np.int64)  # excerpts drawn by each row
        self.offset = np.zeros(len(self.own), np.int64)  # events read of the current excerpt
        self._current: list[Sequences | None] = [None] * len(self.own)

    def next(self) -> tuple[Batch[np.ndarray], np.ndarray]:
        """The next batch.

        Returns:
            The batch of the own rows; and bool [rows], where a row starts an excerpt and its state
            must be the initial one.
        """
        starts = np.zeros(len(self.own), bool)
        chunks = []
        for row in range(len(self.own)):
            current = self._current[row]
            if current is None and self.drawn[row]:  # resumed: the same excerpt again
                current = self._draw(row)
            while current is None or self.offset[row] >= len(current):
                self.drawn[row] += 1
                self.offset[row] = 0
                current = self._draw(row)
                starts[row] = True
            self._current[row] = current
            chunks.append(current.chunk(int(self.offset[row]), self.chunk))
            self.offset[row] += self.chunk
        return self._stacked(chunks), starts

    def go_to(self, drawn: Sequence[int], offset: Sequence[int]) -> None:
        """Go on where rows were; both for all rows of the batch."""
        self.drawn[:], self.offset[:] = np.array(drawn)[self.own], np.array(offset)[self.own]
        self._current = [None] * len(self.own)

    def _stacked(self, chunks: list[Sequences]) -> Batch[np.ndarray]:
        return stack(chunks)

    def _draw(self, row: int) -> Sequences:
        drawn = int(self.drawn[row])
        rng = np.random.default_rng((self.seed, self.own[row], drawn))
        return self._read(self.order[(drawn - 1) * self.batch + self.own[row]], rng)

    def _read(self, excerpt: Excerpt, rng: Rng) -> Sequences:
        piece, semitones = self.music.piece(excerpt.piece), 0
        if self.augment:
            piece, semitones = augment_and_shift(piece, rng)
        if self.vary_drums:
            piece = vary_drums(piece, rng)
        names = self.music.collections
        whole = sequences(
            piece,
            names.index(self.music.collection_of(excerpt.piece)),
            len(names),
            rng=rng,
            open_probability=self.open_probability,
            task=None if self.tasks else "compose",
            chord_probability=CHORDS_GIVEN if self.tasks else 0.0,
            told=self._told(excerpt.piece, semitones, rng),
        )
        events = excerpt.events(len(whole))
        return whole.part(events.start, events.stop - events.start)

    def _told(self, index: int, semitones: int, rng: Rng) -> BarPlan | None:
        """What is told of the plan of a piece that was transposed; None without plans."""
        if self.plans is None:
            return None
        return BarPlan.of(self.plans(index).transposed(semitones), told_groups(rng))


def told_groups(rng: Rng) -> frozenset[str]:
    """Which groups of plan inputs a training row is given: all, none, or each by chance."""
    how = rng.random()
    if how < NO_PLAN_TOLD:
        return frozenset()
    if how < NO_PLAN_TOLD + WHOLE_PLAN_TOLD:
        return frozenset(GROUPS)
    return frozenset(group for group in GROUPS if rng.random() < GROUP_TOLD)


class Reading(NamedTuple):
    """A batch, with where its rows were after it, for all own rows."""

    batch: Batch[np.ndarray]
    starts: np.ndarray
    drawn: np.ndarray
    offset: np.ndarray


class ReadAhead:
    """Batches of rows, of which the next is made beside what is done with the last.

    Args:
        rows: read from here alone; they are one batch ahead.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._coming: Future[Reading] | None = None

    def next(self) -> Reading:
        """The next batch; errors of its making are raised here."""
        coming = self._coming or self._thread.submit(self._read)
        reading = coming.result()
        self._coming = self._thread.submit(self._read)
        return reading

    def _read(self) -> Reading:
        batch, starts = self._rows.next()
        return Reading(batch, starts, self._rows.drawn.copy(), self._rows.offset.copy())
