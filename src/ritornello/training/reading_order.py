"""In which order the excerpts of a corpus are read: each once before any is read again.

Which excerpt has a number in this order is a function of the number and the seed alone, so that a
run goes on, and many processes share one order, without anything being kept or told.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

_BLOCK = 4096  # numbers for which collections are drawn together


@dataclass(frozen=True)
class Excerpt:
    """A share of the events of a piece.

    Attributes:
        piece: its index. start, end: from 0 to 1; an excerpt begins where another ends.
        epoch: how often its collection was read through before.
    """

    piece: int
    start: float
    end: float
    epoch: int

    def events(self, count: int) -> slice:
        """Which of so many events these are."""
        return slice(int(self.start * count), int(self.end * count))


class ReadingOrder:
    """Excerpts of pieces in an endless order.

    A collection is read through in a random order, then in another. A piece of more notes than an
    excerpt has is cut anew each time, at places that lie evenly from a random one on; so its first
    and its last excerpt are shorter. With shares, collections take turns at random, as often as
    gives each its share of the notes; without, all pieces are one collection, and read equally
    often.

    Args:
        pieces: their indices. notes: of each. collections: the name of each one's.
        shares: wanted share of the notes by collection; those that are not named are not read.
        longest: notes of an excerpt at most.
        seed: of everything random.
    """

    def __init__(
        self,
        pieces: np.ndarray,
        notes: np.ndarray,
        collections: Sequence[str],
        shares: Mapping[str, float] | None,
        longest: int,
        seed: int,
    ) -> None:
        self._seed = seed
        self._cuts = np.maximum(-(-notes // longest), 1)
        self._pieces = pieces
        counts = np.where(self._cuts > 1, self._cuts + 1, 1)
        owner = np.repeat(np.arange(len(pieces), dtype=np.int32), counts)
        first = np.cumsum(counts) - counts
        number = (np.arange(len(owner)) - first[owner]).astype(np.int32)
        numbers: dict[str, int] = {}  # of collections: a piece needs no text of its own
        codes = np.array([numbers.setdefault(name, len(numbers)) for name in collections], np.int16)
        kept = {name: share for name, share in (shares or {}).items() if share and name in numbers}
        groups = [codes[owner] == numbers[name] for name in kept] or [np.ones(len(owner), bool)]
        self._excerpts = [(owner[member], number[member]) for member in groups]
        wanted = np.array([*kept.values()] or [1.0])
        a_read = np.array([notes[np.unique(owners)].sum() / len(owners)
                           for owners, _ in self._excerpts])  # fmt: skip
        self.chances = wanted / a_read / (wanted / a_read).sum()
        self._turns: list[np.ndarray] = []  # the collection of each number, block by block
        self._before = [np.zeros(len(groups), np.int64)]  # read of each before each block
        self._shuffled = functools.lru_cache(4 * len(groups))(self._shuffle)

    @property
    def epoch_excerpts(self) -> list[int]:
        """Excerpts of each collection, all of which are read before one is read again."""
        return [len(owners) for owners, _ in self._excerpts]

    def __getitem__(self, number: int) -> Excerpt:
        """The excerpt of a number, counted from 0."""
        group, place = self._turn(number)
        owners, numbers = self._excerpts[group]
        epoch, place = divmod(place, len(owners))
        chosen = self._shuffled(group, epoch)[place]
        owner, cut = int(owners[chosen]), int(numbers[chosen])
        start, end = self._edge(owner, cut, epoch), self._edge(owner, cut + 1, epoch)
        return Excerpt(int(self._pieces[owner]), start, end, epoch)

    def _edge(self, owner: int, cut: int, epoch: int) -> float:
        cuts = int(self._cuts[owner])
        if cuts == 1:
            return float(cut)
        shift = np.random.default_rng((self._seed, 1, owner, epoch)).random()
        return min(max((cut - shift) / cuts, 0.0), 1.0)

    def _shuffle(self, group: int, epoch: int) -> np.ndarray:
        rng = np.random.default_rng((self._seed, 2, group, epoch))
        return rng.permutation(len(self._excerpts[group][0]))

    def _turn(self, number: int) -> tuple[int, int]:
        """Whose turn a number is, and how many turns that collection had before."""
        if len(self._excerpts) == 1:
            return 0, number
        block, place = divmod(number, _BLOCK)
        while len(self._turns) <= block:
            rng = np.random.default_rng((self._seed, 3, len(self._turns)))
            turns = rng.choice(len(self.chances), _BLOCK, p=self.chances)
            self._turns.append(turns.astype(np.int16))
            had = np.bincount(turns, minlength=len(self.chances))
            self._before.append(self._before[-1] + had)
        turns, group = self._turns[block], int(self._turns[block][place])
        return group, int(self._before[block][group] + (turns[:place] == group).sum())
