"""The music of the bundled model, with the styles of its sets as collections of their own.

Band arrangements name their style in their file, Groove in its table; both are worth asking for.
Every fourth piece keeps the name of its set, so that asking for the whole set means something.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments.music_sets import data_folder, unseen
from ritornello.corpus.scan import scan
from ritornello.corpus.splits import assign_splits
from ritornello.corpus.store import Corpus, build_store
from ritornello.music.piece import Piece
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.training.fine_tuning import with_room

_UNSEEN_FILE = "unseen.json"
_LEAST_PIECES = 25  # of a style
_WHOLE_SET = 4  # every so many pieces keep the name of their set
_BAND, _GROOVE = "band_arranged_synth", "groove_midi"


def run_parser(description: str | None) -> argparse.ArgumentParser:
    """Options of a command that looks at the music of a run, and at a model."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="default")
    parser.add_argument("--run", type=Path, required=True, help="folder with the corpus of a run")
    parser.add_argument("--data", type=Path, default=data_folder())
    return parser


class EditionSets:
    """A corpus whose pieces are called by their styles; a `ritornello.training.batches.Music`.

    Args:
        unseen: indices of validation pieces without a near copy on another side of the split.
        data: the folder of the sets. known: collections that come first.

    Attributes:
        collections: those that are known, then the new ones.
        parents: the set of each collection. sets: their names.
    """

    def __init__(
        self, corpus: Corpus, unseen: list[int], data: Path, known: tuple[str, ...] = ()
    ) -> None:
        self.corpus, self.unseen = corpus, unseen
        sets = [corpus.collection_of(index) for index in range(len(corpus))]
        styles = _styles(corpus, sets, data)
        counts = Counter(filter(None, styles))
        self._names = [
            style if style and counts[style] >= _LEAST_PIECES and index % _WHOLE_SET else of_set
            for index, (of_set, style) in enumerate(zip(sets, styles, strict=True))
        ]
        self.parents = dict(sorted(zip(self._names, sets, strict=True)))
        self.sets = frozenset(sets)
        self.collections = (*known, *(name for name in self.parents if name not in known))

    @property
    def note_counts(self) -> np.ndarray:
        return self.corpus.note_counts

    def piece(self, index: int) -> Piece:
        return self.corpus.piece(index)

    def collection_of(self, index: int) -> str:
        return self._names[index]

    def set_of(self, index: int) -> str:
        """The set of a piece, whatever its style."""
        return self.corpus.collection_of(index)

    def indices(self, split: str) -> np.ndarray:
        return self.corpus.indices(split)

    def drawn(
        self, collection: str, side: str, most: int, seed: int, *, whole_set: bool = False
    ) -> list[Piece]:
        """At most so many pieces of a side of a collection, by chance; empty ones left out.

        Args:
            whole_set: whether those of the styles of a set belong to it.
        """
        name_of = self.set_of if whole_set and collection in self.sets else self.collection_of
        indices = [at for at in self.indices(side) if name_of(at) == collection]
        order = np.random.default_rng(seed).permutation(indices)[:most].tolist()
        return [piece for piece in map(self.piece, order) if piece.note_count]

    def shares(self, of_sets: Mapping[str, float]) -> dict[str, float]:
        """The share of each collection: styles have that of their set by the notes they have."""
        notes: Counter[str] = Counter()
        for index in self.indices("train"):
            notes[self._names[index]] += int(self.note_counts[index])
        whole: Counter[str] = Counter()
        for name, count in notes.items():
            whole[self.parents[name]] += count
        return {
            name: of_sets[self.parents[name]] * count / whole[self.parents[name]]
            for name, count in notes.items()
        }


def _styles(corpus: Corpus, sets: list[str], data: Path) -> list[str | None]:
    """The style of each piece as a name of a collection; None where it has none."""
    with open(data / _GROOVE / "info.csv", newline="") as file:
        groove = {row["midi_filename"]: row["style"].split("/")[0] for row in csv.DictReader(file)}
    found: list[str | None] = []
    for index, of_set in enumerate(sets):
        path = corpus.name_of(index).removeprefix(f"{of_set}/")
        style = None
        if of_set == _BAND and (match := re.search(r"__([a-z]+)\d+\.mid$", path)):
            style = f"band_{match[1]}"
        if of_set == _GROOVE and path in groove:
            style = f"groove_{groove[path]}"
        found.append(style)
    return found


def stored(data: Path, run: Path, names: list[str]) -> tuple[Corpus, list[int]]:
    """The sets as arrays, built once in a run's folder; and its unseen validation pieces."""
    folder, listed = run / "corpus", run / _UNSEEN_FILE
    if not listed.is_file():
        found = scan(data, collections=names)
        corpus = build_store(found, folder, splits=assign_splits(found))
        listed.write_text(json.dumps([corpus.name_of(index) for index in unseen(found, corpus)]))
    corpus = Corpus.open(folder)
    new = {*json.loads(listed.read_text())}
    return corpus, [index for index in range(len(corpus)) if corpus.name_of(index) in new]


def begun_with(start: Checkpoint, music: EditionSets) -> Checkpoint:
    """A model with room for the new collections, each as the set it belongs to.

    A set that the model does not know begins as music of no collection.
    """
    for name in music.collections[len(start.collections) :]:
        parent = music.parents[name]
        start = with_room(start, (name,), parent if parent in start.collections else None)
    return start


def by_set(figures: Mapping[str, Any], music: EditionSets) -> dict[str, dict[str, Any]]:
    """The figures of `ritornello.note_model.likelihood.evaluate` by set, of those by collection."""
    rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for name, row in figures["collections"].items():
        rows[music.parents[name]].append(row)
    return {name: _joined(own) for name, own in sorted(rows.items())}


def _joined(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means a note, of rows that each have them."""
    notes = sum(row["notes"] for row in rows)
    beats = sum(row["notes"] * row["nats_per_note"] / row["nats_per_beat"] for row in rows)
    means = {
        key: round(sum(row[key] * row["notes"] for row in rows) / notes, 4)
        for key in ("nats_per_note", "unigram_nats_per_note", "bigram_nats_per_note")
    }
    return {
        "pieces": sum(row["pieces"] for row in rows),
        "notes": notes,
        **means,
        "nats_per_beat": round(means["nats_per_note"] * notes / beats, 4),
    }
