"""The music sets as arrays, read once; and which of their validation pieces are new to a model."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ritornello.corpus.scan import ScanResult, scan
from ritornello.corpus.store import Corpus, build_store
from ritornello.music.piece import Piece

ROOT = Path(__file__).resolve().parents[1]
_UNSEEN_FILE = "unseen.json"


@dataclass(frozen=True)
class MusicSets:
    """Collections of a corpus; also what `ritornello.training.batches.Music` asks for.

    Attributes:
        corpus: where the pieces are. collections: those that count, in the order of the corpus.
        unseen: names of validation pieces without a near copy on another side of the split.
    """

    corpus: Corpus
    collections: tuple[str, ...]
    unseen: frozenset[str]

    @property
    def note_counts(self) -> np.ndarray:
        return self.corpus.note_counts

    def piece(self, index: int) -> Piece:
        return self.corpus.piece(index)

    def collection_of(self, index: int) -> str:
        return self.corpus.collection_of(index)

    def indices(self, split: str) -> np.ndarray:
        """The pieces of a side of the split; "unseen" for the new ones of "valid"."""
        every = self.corpus.indices("valid" if split == "unseen" else split)
        found = [i for i in every if self.collection_of(i) in self.collections]
        if split == "unseen":
            found = [i for i in found if self.corpus.name_of(i) in self.unseen]
        return np.array(found, np.int64)

    def pieces(self, split: str) -> Iterator[tuple[str, Piece]]:
        """The pieces of a side, see `indices`, with their collections."""
        for index in self.indices(split):
            yield self.collection_of(index), self.piece(index)

    def only(self, *collections: str) -> MusicSets:
        return MusicSets(self.corpus, collections, self.unseen)


def unseen(found: ScanResult, corpus: Corpus) -> list[int]:
    """Indices of the validation pieces without a near copy on another side of the split."""
    side = {corpus.name_of(index): corpus.split_of(index) for index in range(len(corpus))}
    group = {item.path: item.group for item in found.used}
    elsewhere = {group[name] for name in side if side[name] != "valid" and group[name]}
    return [
        int(index)
        for index in corpus.indices("valid")
        if group[corpus.name_of(index)] not in elsewhere
    ]


def data_folder() -> Path:
    return Path(os.environ.get("RITORNELLO_DATA", ROOT.parent / "shared" / "data"))


def open_music_sets(store: Path, data: Path) -> MusicSets:
    """The sets that the bundled model was taught, split as they were for it.

    Args:
        store: holds them as arrays; filled from ``data`` if it does not exist.
    """
    if not (store / _UNSEEN_FILE).is_file():
        recipe = tomllib.loads((Path(__file__).parent / "default.toml").read_text())
        found = scan(data, collections=list(recipe["shares"]))
        corpus = build_store(found, store)
        names = [corpus.name_of(index) for index in unseen(found, corpus)]
        (store / _UNSEEN_FILE).write_text(json.dumps(names))
    corpus = Corpus.open(store)
    kept = json.loads((store / _UNSEEN_FILE).read_text())
    return MusicSets(corpus, corpus.collections, frozenset(kept))
