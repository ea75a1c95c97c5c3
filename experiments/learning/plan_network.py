"""Train the plan network on the sets, and score it on held-out pieces beside its baselines.

    python -m experiments.learning.plan_network --minutes 5 --output plan.safetensors

Minutes are of one processor. Plans of the sets are read once and kept beside `--store`. The figures
go to `experiments/results/plan_network.json`. Sets that may not train what is shipped are not used.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
import pickle
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.music_sets import ROOT, data_folder
from ritornello.atomic import atomic_write
from ritornello.corpus.scan import scan
from ritornello.corpus.splits import assign_splits
from ritornello.corpus.store import Corpus, build_store
from ritornello.note_model import weights_file
from ritornello.plan.analysis import analyse
from ritornello.plan_model import plan_baselines
from ritornello.plan_model.plan_network import PlanNetConfig
from ritornello.plan_model.plan_training import (
    PlanTraining,
    Taught,
    collections_of,
    saved,
    score,
    train,
)

# How often each set is drawn. All of them may train what is shipped.
SHARES = {
    "freedoom_midi": 0.22,
    "band_arranged_synth": 0.22,
    "openscore_lieder_midi": 0.14,
    "mutopia_pd_midi": 0.12,
    "free_game_midi": 0.08,
    "groove_midi": 0.05,
    "openscore_orchestra_midi": 0.05,
    "openscore_quartets_midi": 0.05,
    "open_hymnal_midi": 0.04,
    "openewld_pd": 0.03,
}
PROTOCOL = (
    "plans of whole held-out pieces without a near copy in training; told the number of bars, the "
    "players, the set, metre and mode; nats of all fields of all bars, by bars; unigram and bigram "
    "are counted on the training pieces"
)
RESULTS = ROOT / "experiments" / "results" / "plan_network.json"


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def read_plans(data: Path, store: Path) -> tuple[list[Taught], list[Taught]]:
    """Plans to learn from, and held-out ones without a near copy on another side."""
    kept = store / "taught.pickle"
    if kept.is_file():
        return tuple(pickle.loads(kept.read_bytes()))
    found = scan(data, collections=[name for name in SHARES if (data / name).is_dir()])
    sides = assign_splits(found)
    corpus = build_store(found, store, splits=sides)
    group = {item.path: item.group for item in found.used}
    elsewhere = {group[name] for name, side in sides.items() if side != "valid"} - {""}
    plans = {side: [*_taught(corpus, side)] for side in ("train", "valid")}
    taught = [one for _, one in plans["train"]]
    held_out = [one for name, one in plans["valid"] if group[name] not in elsewhere]
    with atomic_write(kept, overwrite=True) as temporary:
        temporary.write_bytes(pickle.dumps((taught, held_out)))
    return taught, held_out


def _taught(corpus: Corpus, side: str) -> Iterator[tuple[str, Taught]]:
    for number, index in enumerate(corpus.indices(side)):
        if number % 500 == 0:
            say(f"{side}: {number} plans read")
        name = corpus.name_of(index)
        yield name, Taught.of(corpus.collection_of(index), analyse(corpus.piece(index)))


def as_table(figures: dict[str, Any]) -> Iterator[str]:
    """Nats a bar as Markdown."""
    fields = [*figures["fields"]]
    yield f"| set | bars | nats a bar | unigram | bigram | {' | '.join(fields)} |"
    yield f"|{'---|' * (5 + len(fields))}"
    for name, one in {**figures["collections"], "all": figures}.items():
        numbers = (one["nats_per_bar"], one["unigram"], one["bigram"], *one["fields"].values())
        cells = " | ".join(f"{number:.2f}" for number in numbers)
        yield f"| {name} | {one['bars']:,} | {cells} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=data_folder())
    parser.add_argument("--store", type=Path, default=ROOT / "out" / "plan-store")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--width", type=int, default=PlanNetConfig.width)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    taught, held_out = read_plans(options.data, options.store)
    counts = plan_baselines.count(one.rows for one in taught)
    config = PlanTraining(cpu_seconds=60 * options.minutes, shares=SHARES, seed=options.seed)
    began, last = time.process_time(), [0]

    def watch(seconds: float, steps: int, nats: float) -> None:
        last[0] = steps
        if steps % 200 == 0:
            say(f"{seconds:.0f} s, step {steps}: {nats:.2f} nats a bar")

    model = train(taught, config, PlanNetConfig(width=options.width), watch=watch)
    names = collections_of(taught)
    figures = {
        **score(model, held_out, names, counts),
        "protocol": PROTOCOL,
        "training": {
            "minutes": options.minutes,
            "cpu_seconds": round(time.process_time() - began),
            "plans": len(taught),
            "bars": sum(len(one.rows) for one in taught),
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "shares": SHARES,
            "seed": options.seed,
        },
    }
    print(*as_table(figures), sep="\n")
    with atomic_write(RESULTS, overwrite=True) as temporary:
        temporary.write_text(json.dumps(figures, indent=1) + "\n")
    if options.output is not None:
        weights_file.save(saved(model, names, {"figures": figures}), options.output)


if __name__ == "__main__":
    main()
