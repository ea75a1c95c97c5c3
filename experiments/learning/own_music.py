"""A model of one's own music at equal CPU time: begun with the bundled one, or with nothing.

    python -m experiments.learning.own_music FOLDER NAME --minutes 1 2 5

Both learn in turns in one process on one thread. Nats a note of the held-out pieces are those of
`ritornello evaluate --split valid`: the piece alone is known, nothing about it is told. Beside them
stands what the bundled model says of its own music before and after, so that what is forgotten
shows. Figures go to `experiments/results/own_music.json`.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from experiments.edition_sets import stored
from experiments.scorecard import RESULTS, say
from ritornello.atomic import atomic_write
from ritornello.corpus.scan import scan
from ritornello.corpus.splits import assign_splits
from ritornello.corpus.store import Corpus, build_store
from ritornello.note_model import checkpoint, likelihood
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.library import find_model
from ritornello.note_model.network import NoteModel, NoteModelConfig
from ritornello.training.batches import Music
from ritornello.training.config import TrainConfig, network_settings
from ritornello.training.fine_tuning import JoinedMusic, begin_with
from ritornello.training.music_facts import read_facts
from ritornello.training.note_objective import NoteObjective
from ritornello.training.optimisation import adamw, cosine
from ritornello.training.products import chosen
from ritornello.training.run_length import Length
from ritornello.training.trainer import Trainer

_TUNING_RATE = 1e-3
_BASE_PIECES = 20  # of the bundled model's own held-out music
_LONGEST_EVENTS = 512


def own_model(music: Corpus, minutes: float, start: Checkpoint | None, seed: int) -> Checkpoint:
    """A model after so many CPU minutes of a corpus's training split."""
    notes = int(music.note_counts[music.indices("train")].sum())
    settings = network_settings(notes, minutes)
    joined: Music = music
    if start is not None:
        names = ("cell", "layers", "width", "head_width")
        sizes = {name: start.network[name] for name in names}
        settings |= {**sizes, "learning_rate": _TUNING_RATE}
        joined = JoinedMusic(music, start.collections)
    config = TrainConfig(minutes=minutes, seed=seed, **settings)
    torch.manual_seed(seed)
    network = NoteModel(
        NoteModelConfig(
            config.cell, config.layers, config.width, config.head_width, config.dropout,
            len(joined.collections), plan=bool(start and start.network.get("plan", False)),
        )
    )  # fmt: skip
    if start is not None:
        begin_with(network, start, joined)
    trainer = Trainer(
        NoteObjective(network, joined, config),
        adamw(network, weight_decay=config.weight_decay),
        cosine(config.learning_rate, warmup=config.warmup, least=0.01),
        Length(seconds=60 * minutes, clock=time.process_time),
        products=chosen(config.products)[0],
    )
    trainer.run()
    weights = {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}
    facts = read_facts(joined)
    return Checkpoint(
        weights, network.settings(), "notes", tuple(joined.collections), {}, facts.baseline
    )


def nats(model: Checkpoint, music: Corpus, indices: Any) -> float:
    pieces = ((music.collection_of(index), music.piece(index)) for index in indices)
    found = likelihood.evaluate(model, pieces, longest=_LONGEST_EVENTS)
    return float(found["nats_per_note"])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("name")
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0, 5.0])
    parser.add_argument("--base", type=Path, help="a run of bundled_model")
    parser.add_argument("--model", default="default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=RESULTS / "own_music.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = scan(options.folder)
    base = checkpoint.load(find_model(options.model))
    with tempfile.TemporaryDirectory() as scratch:
        music = build_store(found, Path(scratch) / "corpus", splits=assign_splits(found))
        held_out = music.indices("valid")
        theirs, new = (None, []) if options.base is None else stored(Path(), options.base, [])
        new = new[:: max(1, len(new) // _BASE_PIECES)]
        row: dict[str, Any] = {
            "pieces": len(music),
            "notes": int(music.note_counts.sum()),
            "held_out_notes": int(music.note_counts[held_out].sum()),
            "base": nats(replace(base, baseline=read_facts(music).baseline), music, held_out),
            "base_own": theirs and nats(base, theirs, new),
        }
        for minutes in options.minutes:
            tuned = own_model(music, minutes, base, options.seed)
            row[f"{minutes:g} from base"] = nats(tuned, music, held_out)
            row[f"{minutes:g} from base, own"] = theirs and nats(tuned, theirs, new)
            scratch_model = own_model(music, minutes, None, options.seed)
            row[f"{minutes:g} from nothing"] = nats(scratch_model, music, held_out)
            say(json.dumps({options.name: row}))
    known = json.loads(options.results.read_text()) if options.results.exists() else {}
    with atomic_write(options.results, overwrite=True) as temporary:
        temporary.write_text(json.dumps({**known, options.name: row}, indent=1) + "\n")


if __name__ == "__main__":
    main()
