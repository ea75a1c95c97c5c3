"""How much the note model learns in the same CPU time, by how its steps are made.

    python -m experiments.learning.note_steps --store STORE --minutes 6 \\
        "before: plain=1 products=float32 learning_rate=2e-3" "now: learning_rate=4e-3"

Each variant is a name and settings of `TrainConfig` beside those of the second edition; `plain=1`
writes the network out in torch. All run in one process on one thread, in turns of some seconds,
each until it has used its minutes of CPU time; validation is not counted. Figures go to
`experiments/results/note_steps.json`; those of variants that are not run again stay.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import ast
import json
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from experiments.scorecard import RESULTS, say
from ritornello.atomic import atomic_write
from ritornello.corpus.store import Corpus
from ritornello.note_model.network import NoteModel, NoteModelConfig
from ritornello.training.config import TrainConfig
from ritornello.training.note_objective import NoteObjective
from ritornello.training.optimisation import adamw, cosine
from ritornello.training.products import chosen
from ritornello.training.run_length import Length
from ritornello.training.trainer import Trainer
from ritornello.training.validate import validate

_TURN_SECONDS = 20.0
_VALIDATION_EVENTS = 20_000
_VALIDATIONS = 6
_SECOND_EDITION = {"dropout": 0.05, "batch": 16, "chunk": 128, "learning_rate": 2e-3}
_RECIPE = Path(__file__).parents[1] / "default.toml"


@dataclass
class Variant:
    """A run of a variant.

    Attributes:
        curve: CPU minutes, steps, notes read, nats a note (compose, controls told) of validations.
    """

    name: str
    settings: dict[str, Any]
    trainer: Trainer[Any]
    curve: list[tuple[float, int, int, float]] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, Any]:
        spent = self.trainer.spent
        return {
            "settings": self.settings,
            "parameters": sum(each.numel() for each in self.trainer.network.parameters()),
            "steps": spent.steps,
            "notes": int(spent.count),
            "notes_a_cpu_second": round(spent.count / spent.seconds),
            "milliseconds_a_step": round(1000 * spent.seconds / spent.steps, 1),
            "nats_per_note": round(self.curve[-1][-1], 4),
            "curve": self.curve,
        }


def variant(
    text: str, music: Corpus, shares: dict[str, float], options: argparse.Namespace
) -> Variant:
    """A run from its name and settings, as in "name: learning_rate=4e-3 chunk=256"."""
    name, _, rest = text.partition(":")
    asked = {key: _value(value) for key, _, value in (pair.partition("=") for pair in rest.split())}
    settings = {**_SECOND_EDITION, "seed": options.seed, **asked}
    plain = bool(settings.pop("plain", False))
    config = TrainConfig(minutes=options.minutes, shares=shares, **settings)
    torch.manual_seed(config.seed)
    sizes = {
        key: getattr(config, key) for key in ("cell", "layers", "width", "head_width", "dropout")
    }
    network = NoteModel(NoteModelConfig(**sizes, collections=len(music.collections)))
    products, _ = chosen(config.products)
    trainer = Trainer(
        NoteObjective(network, music, config, fused=not plain),
        adamw(network, weight_decay=config.weight_decay),
        cosine(config.learning_rate, warmup=config.warmup, least=0.01),
        Length(seconds=60 * options.minutes, clock=time.process_time),
        clip=config.clip,
        average=config.average,
        products=products,
    )
    return Variant(name, {**asked, "products": products, "seed": config.seed}, trainer)


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def teach(variants: list[Variant], music: Corpus, keep: Path, options: argparse.Namespace) -> None:
    """Teach all in turns; write figures after each validation."""
    while going := [each for each in variants if not each.trainer.finished]:
        one = min(going, key=lambda each: each.trainer.spent.seconds)
        until = one.trainer.spent.seconds + _TURN_SECONDS
        while not one.trainer.finished and one.trainer.spent.seconds < until:
            one.trainer.step()
            if one.trainer.done * _VALIDATIONS >= len(one.curve) + 1:
                _validate(one, music)
                write(keep, variants, options)


def _validate(one: Variant, music: Corpus) -> None:
    network = one.trainer.judged
    assert isinstance(network, NoteModel)
    nats = validate(network, music, _VALIDATION_EVENTS)["nats_per_note"]
    spent = one.trainer.spent
    one.curve.append((round(spent.seconds / 60, 3), spent.steps, int(spent.count), round(nats, 4)))
    say(f"{one.name}: {nats:.3f} nats after {spent.seconds / 60:.1f} CPU minutes, {spent.steps:,} "
        f"steps, {spent.count / spent.seconds:,.0f} notes a CPU second")  # fmt: skip


def write(path: Path, variants: list[Variant], options: argparse.Namespace) -> None:
    known = json.loads(path.read_text()) if path.exists() else {"runs": {}}
    key = f"{options.minutes:g} minutes"
    known["runs"].setdefault(key, {})
    known["runs"][key] |= {each.name: each.figures for each in variants if each.curve}
    with atomic_write(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(known, indent=1), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("variants", nargs="+")
    parser.add_argument("--store", type=Path, required=True, help="corpus store with the sets")
    parser.add_argument("--minutes", type=float, default=6.0, help="of CPU time for each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=RESULTS / "note_steps.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    music = Corpus.open(options.store)
    shares = tomllib.loads(_RECIPE.read_text())["shares"]
    runs = [variant(text, music, shares, options) for text in options.variants]
    teach(runs, music, options.results, options)


if __name__ == "__main__":
    main()
