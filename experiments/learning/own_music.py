"""A model of one's own music at equal CPU time, begun with the bundled one or with nothing.

    python -m experiments.learning.own_music FOLDER NAME --minutes 1 5 [--base RUN]

Beginning with the bundled model, all of it learns, or as little as `tuning_ways` says. All learn
on one thread. Nats a note are those of the held-out pieces, told what a composer is told (style,
key, density, players, bars); as in `ritornello train`, the weights are those of the best
validation, here by this very figure, and a run ends when twenty validations gained nothing. With
RUN, a run of `bundled_model`, what the tuned model says of the bundled model's own held-out music
stands beside them, so that what is forgotten shows. A folder with one piece learns its first half
and is judged by the other. Figures go to `experiments/results/own_music.json`, and those of a
folder are written after each run.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from experiments.edition_sets import stored
from experiments.learning.tuning_ways import WAYS, plain_weights, prepare
from experiments.scorecard import RESULTS, say
from ritornello.atomic import atomic_write
from ritornello.corpus.scan import scan
from ritornello.corpus.splits import assign_splits
from ritornello.corpus.store import Corpus, Entry, build_store, write_store
from ritornello.music.piece import Piece
from ritornello.music.slicing import slice_bars
from ritornello.note_model import checkpoint
from ritornello.note_model.cells.cell import State
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.encoding import piece_controls
from ritornello.note_model.encoding.batch import stack
from ritornello.note_model.encoding.sequences import sequences
from ritornello.note_model.library import find_model
from ritornello.note_model.network import NoteModel, NoteModelConfig, to_tensors
from ritornello.training.batches import Music
from ritornello.training.config import TrainConfig, network_settings
from ritornello.training.fine_tuning import JoinedMusic, begin_with
from ritornello.training.note_objective import NoteObjective
from ritornello.training.optimisation import adamw, cosine
from ritornello.training.products import chosen
from ritornello.training.rehearsal import RehearsedMusic, write_rehearsal
from ritornello.training.run_length import Every, Length, Spent
from ritornello.training.trainer import Judgement, Standing, Trainer

# Few numbers learn at a higher rate; other rates were not tried.
_RATES = {"rehearsed": 1e-3, "all weights": 1e-3, "adapters": 3e-3, "style": 1e-1, "start": 1e-1}
_BASE_PIECES = 20  # of the bundled model's own held-out music
_LONGEST_EVENTS = 512
_PATIENCE = 20

Pieces = Sequence[tuple[str, Piece]]


class Learned(NamedTuple):
    """A network, the state that it begins with, and its collections.

    Attributes:
        numbers: how many learned. minutes: of the CPU when the network was at its best.
    """

    network: NoteModel
    initial: list[State]
    collections: tuple[str, ...]
    numbers: int = 0
    minutes: float = 0.0


class _Judged(NoteObjective):
    """A note objective whose weights are judged as the table judges them."""

    held_out: Pieces = ()

    def validate(self, network: nn.Module, standing: Standing) -> float:
        assert isinstance(network, NoteModel)
        learned = Learned(network, self.initial, tuple(self.music.collections))
        return nats(learned, self.held_out)


def own_model(
    music: Corpus, minutes: float, start: Checkpoint | None, way: str, seed: int
) -> Learned:
    """The best within so many CPU minutes of a corpus's training split; 0 trains nothing."""
    notes = int(music.note_counts[music.indices("train")].sum())
    settings = network_settings(notes, minutes or None)
    joined: Music = music
    if start is not None:
        names = ("cell", "layers", "width", "head_width")
        settings |= {name: start.network[name] for name in names}
        settings["learning_rate"] = _RATES[way]
        joined = JoinedMusic(music, start.collections)
        if way == "rehearsed":
            joined = RehearsedMusic(joined, _rehearsal(start, seed))
            settings["shares"] = joined.shares
    config = TrainConfig(minutes=minutes or 1.0, seed=seed, **settings)
    torch.manual_seed(seed)
    network = NoteModel(
        NoteModelConfig(
            config.cell, config.layers, config.width, config.head_width, config.dropout,
            len(joined.collections), plan=bool(start and start.network.get("plan", False)),
        )
    )  # fmt: skip
    row = 0
    if start is not None:
        begin_with(network, start, joined)
        # The rows of the controls are the last of the table, and the collection is their first.
        count = len(joined.collections)
        table = len(network.embed.table.weight)
        row = table - sum(piece_controls.sizes(count).values()) + count - 1
    objective = _Judged(network, joined, config)
    objective.held_out = held_out(music)
    numbers = prepare(objective, way, row)
    best = Spent()

    def validated(judgement: Judgement) -> None:
        nonlocal best
        best = judgement.standing.spent if judgement.is_best else best

    if minutes:
        trainer = Trainer(
            objective,
            adamw(network, weight_decay=config.weight_decay),
            cosine(config.learning_rate, warmup=config.warmup, least=0.01),
            Length(seconds=60 * minutes, clock=time.process_time),
            validation=Every(steps=config.validate_every),
            patience=_PATIENCE,
            products=chosen(config.products)[0],
            validated=validated,
        )
        trainer.run()
        network.load_state_dict(trainer.kept)
    initial = [tuple(part.detach() for part in block) for block in objective.initial]
    plain = NoteModel(network.config)
    plain.load_state_dict(plain_weights(network))
    collections = tuple(joined.collections)
    return Learned(plain.eval(), initial, collections, numbers, round(best.seconds / 60, 2))


def _rehearsal(start: Checkpoint, seed: int) -> Corpus:
    with tempfile.TemporaryDirectory() as scratch:
        return write_rehearsal(start, Path(scratch) / "rehearsal", seed)


@torch.no_grad()
def nats(learned: Learned, pieces: Pieces) -> float:
    """Nats a note of the first events of pieces, each as music of a collection."""
    total, notes = 0.0, 0
    names = learned.collections
    for number, (name, piece) in enumerate(pieces):
        known = names.index(name) if name in names else len(names)
        rng = np.random.default_rng(number)
        row = sequences(piece, known, len(names), rng=rng, task="compose", chord_probability=0.0)
        batch = stack([row.chunk(0, _LONGEST_EVENTS)])
        losses, _ = learned.network(to_tensors(batch), learned.initial)
        total += float(losses.double().sum())
        notes += int(batch.composed_notes().sum())
    return total / notes


def held_out(music: Corpus) -> Pieces:
    """The validation pieces of a corpus, each with its collection."""
    indices = music.indices("valid").tolist()
    return [(music.collection_of(index), music.piece(index)) for index in indices]


def halves(piece: Piece, scratch: Path) -> Corpus:
    """A corpus of one piece: its first half to learn from, its second half held out."""
    middle = piece.bar_count // 2
    parts = {
        "train": slice_bars(piece, 0, middle),
        "valid": slice_bars(piece, middle, piece.bar_count),
    }
    write_store(((part, Entry(side, "own", side)) for side, part in parts.items()), scratch)
    return Corpus.open(scratch)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("name")
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0, 5.0])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=[*WAYS])
    parser.add_argument("--base", type=Path, help="a run of bundled_model")
    parser.add_argument("--model", default="default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=RESULTS / "own_music.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = scan(options.folder)
    base = checkpoint.load(find_model(options.model))
    theirs: Pieces = []
    if options.base is not None:
        corpus, new = stored(Path(), options.base, [])
        chosen_pieces = new[:: max(1, len(new) // _BASE_PIECES)]
        theirs = [(corpus.collection_of(index), corpus.piece(index)) for index in chosen_pieces]
    with tempfile.TemporaryDirectory() as scratch:
        music = build_store(found, Path(scratch) / "corpus", splits=assign_splits(found))
        if len(music) == 1:
            music = halves(music.piece(0), Path(scratch) / "halves")
        own = held_out(music)
        untouched = own_model(music, 0, base, "all weights", options.seed)
        row: dict[str, Any] = {
            "pieces": len(found.used),
            "notes": int(music.note_counts.sum()),
            "held_out_notes": int(music.note_counts[music.indices("valid")].sum()),
            "base": _figures(untouched, own, theirs),
        }
        for minutes in options.minutes:
            for way in (*options.ways, "from nothing"):
                start = None if way == "from nothing" else base
                way_here = "all weights" if start is None else way
                learned = own_model(music, minutes, start, way_here, options.seed)
                about = _figures(learned, own, theirs if start else [])
                numbers, best = learned.numbers, learned.minutes
                row[f"{way}, {minutes:g}"] = {**about, "numbers": numbers, "best": best}
                say(json.dumps({options.name: {way: about, "minutes": minutes, "best": best}}))
                _keep(options.results, options.name, row)


def _keep(results: Path, name: str, row: dict[str, Any]) -> None:
    """Add figures of a folder to those that are there."""
    known = json.loads(results.read_text()) if results.exists() else {}
    known[name] = known.get(name, {}) | row
    with atomic_write(results, overwrite=True) as temporary:
        temporary.write_text(json.dumps(known, indent=1) + "\n")


def _figures(learned: Learned, own: Pieces, theirs: Pieces) -> dict[str, float]:
    """Nats a note of one's own held-out music, and of the bundled model's."""
    figures = {"own": round(nats(learned, own), 4)}
    return figures | ({"bundled": round(nats(learned, theirs), 4)} if theirs else {})


if __name__ == "__main__":
    main()
