"""Music that a model composes itself, read beside somebody's, so that it keeps what it knows.

A network that learns from one kind of music forgets others. The music that it learned from before
is not at hand when somebody tunes it, but the model can write some: what it says of its own samples
is what it knew (Robins 1995, "Catastrophic forgetting, rehearsal and pseudorehearsal", Connection
Science 7).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from ritornello.corpus.store import Corpus, Entry, write_store
from ritornello.generation.composer import Composer
from ritornello.generation.rules import Rules
from ritornello.music.piece import Piece
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.training.batches import Music

REHEARSED = 0.25  # share of what is read that is the model's own
_PIECES = 72  # of all collections: some 26,000 notes, written in ten seconds
_BARS = 16


def write_rehearsal(base: Checkpoint, folder: Path, seed: int = 0) -> Corpus:
    """Store pieces that a model composes in each of its collections.

    They are drawn from its distribution as it is, without sharpening and without a form.
    """
    count = max(1, _PIECES // len(base.collections))
    names = [name for name in base.collections for _ in range(count)]
    composed = Composer(base).compose_each(
        [Rules(bars=_BARS, collection=name) for name in names],
        temperature=1.0,
        top_p=1.0,
        seed=seed,
    )
    pieces = (
        (piece, Entry(f"{name} {number}", name))
        for number, (name, piece) in enumerate(zip(names, composed, strict=True))
        if piece.note_count
    )
    write_store(pieces, folder)
    return Corpus.open(folder)


class RehearsedMusic:
    """Music with pieces of its model behind it in training, as `ritornello.training.batches.Music`.

    Args:
        music: whatever is to be learned, with the collections of the model first.
        rehearsal: pieces of the model, see `write_rehearsal`.
    """

    def __init__(self, music: Music, rehearsal: Corpus) -> None:
        self._music, self._rehearsal = music, rehearsal
        self._first = len(music.note_counts)

    @property
    def collections(self) -> tuple[str, ...]:
        return self._music.collections

    @property
    def note_counts(self) -> np.ndarray:
        return np.append(self._music.note_counts, self._rehearsal.note_counts)

    def piece(self, index: int) -> Piece:
        music, index = self._at(index)
        return music.piece(index)

    def collection_of(self, index: int) -> str:
        music, index = self._at(index)
        return music.collection_of(index)

    def indices(self, split: str) -> np.ndarray:
        theirs = self._rehearsal.indices(split) + self._first
        return np.append(self._music.indices(split), theirs)

    @property
    def shares(self) -> dict[str, float]:
        """Share of the notes by collection, of which the pieces of the model have `REHEARSED`."""
        shares: dict[str, float] = defaultdict(float)
        for music, share in ((self._music, 1 - REHEARSED), (self._rehearsal, REHEARSED)):
            train = music.indices("train")
            notes = Counter[str]()
            for index, count in zip(train.tolist(), music.note_counts[train].tolist(), strict=True):
                notes[music.collection_of(index)] += count
            for name, count in notes.items():
                shares[name] += share * count / notes.total()
        return dict(shares)

    def _at(self, index: int) -> tuple[Music, int]:
        """Whose piece that is, and its number there."""
        own = index < self._first
        return (self._music, index) if own else (self._rehearsal, index - self._first)
