"""Which recurrent cell learns most in the same CPU time? Nats a note of networks of one size.

    python -m experiments.learning.cells --store STORE [--cells qrnn,rglru] [--minutes 60]
    python -m experiments.learning.cells --table    # of the figures there are, as Markdown

`--store` is a corpus store that holds the collections. A run is kept in `--work` every minute of
CPU time: start the same command again to go on after a stop, or with other cells or seeds, also
beside it in a second process, to add theirs. The figures of all runs of so many minutes go to
`experiments/results/cells_60.json`, or whatever their number is.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
import math
import statistics
from pathlib import Path
from typing import Any

import torch

from experiments.learning.learners import Learner, parameters, teach_in_turns
from experiments.music_sets import ROOT, MusicSets
from experiments.scorecard import RESULTS, names, numbers, rates, say, write
from experiments.speed.playing import bare_step_seconds
from ritornello.atomic import atomic_write
from ritornello.corpus.store import Corpus
from ritornello.errors import ConfigError, RitornelloError
from ritornello.note_model.cells import CELLS
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.engine import open_engine
from ritornello.note_model.engine.compiled import CompiledEngine
from ritornello.note_model.engine.reference import Engine
from ritornello.note_model.network import Block, NoteModel, NoteModelConfig
from ritornello.training.config import TrainConfig

LAYERS = 3
PARAMETERS = 2_700_000  # of the blocks together
WIDTHS = range(8, 1025, 8)
SAVE_EVERY_CPU_SECONDS = 60.0
STATE_FILE, FIGURES_FILE = "learner.pt", "figures.json"


# --- the networks ---------------------------------------------------------------------------------


def width_of(cell: str, wanted: int = PARAMETERS) -> int:
    """The width at which `LAYERS` blocks of a cell come closest to so many parameters.

    Raises:
        ConfigError: if there is no such cell.
    """
    if cell not in CELLS:
        raise ConfigError(f"No cell is called {cell!r}.", next_step=f"Known: {[*CELLS]}.")

    def gap(width: int) -> int:
        with torch.device("meta"):  # counts without filling memory
            return abs(LAYERS * parameters(Block(cell, width, 0.0)) - wanted)

    return min(WIDTHS, key=gap)


def learner(
    cell: str, rate: float, seed: int, music: MusicSets, options: argparse.Namespace
) -> Learner:
    """An untaught network of a cell, with the settings that all share."""
    torch.manual_seed(seed)
    network = NoteModelConfig(
        cell, LAYERS, width_of(cell), dropout=0.05, collections=len(music.collections)
    )
    config = TrainConfig(
        minutes=options.minutes, batch=16, chunk=128, learning_rate=rate,
        shares=dict.fromkeys(music.collections, 1 / len(music.collections)), seed=seed,
        validation_events=options.validation_events,
    )  # fmt: skip
    return Learner(f"{cell}, rate {rate:g}, seed {seed}", NoteModel(network), config, music)


def step_microseconds(model: NoteModel) -> dict[str, float]:
    """CPU time of one step of one piece without torch, in each way that its cell can be played."""
    weights = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    saved = Checkpoint(weights, model.settings())
    engines = {"numpy_float32": Engine(saved), "numpy_int8": Engine(saved, int8=True)}
    fastest = open_engine(saved)
    if isinstance(fastest, CompiledEngine):
        engines["c_int8"] = fastest
    return {name: 1e6 * bare_step_seconds(engine) for name, engine in engines.items()}


# --- runs, each in a folder of its own ------------------------------------------------------------


def teach(options: argparse.Namespace) -> None:
    """Teach all that are asked for, in turns, each from where it was."""
    torch.set_num_threads(1)
    corpus = Corpus.open(options.store)
    if missing := {*options.collections} - {*corpus.collections}:
        raise ConfigError(
            f"The store has {', '.join(corpus.collections)}; not {', '.join(sorted(missing))}.",
            where=str(options.store),
            next_step="Choose others with --collections.",
        )
    music = MusicSets(corpus, tuple(options.collections), frozenset())
    folders: dict[str, Path] = {}
    learners: list[Learner] = []
    for seed in options.seeds:
        for cell in options.cells:
            for rate in options.rates:
                one = learner(cell, rate, seed, music, options)
                folders[one.name] = options.work / one.name.replace(", ", "-").replace(" ", "")
                learners.append(one)
                if (folders[one.name] / STATE_FILE).exists():
                    one.restore(folders[one.name] / STATE_FILE)
                    say(f"{one.name}: goes on after {one.cpu_seconds:.0f} CPU s")
    saved = {one.name: one.cpu_seconds for one in learners}

    def keep(one: Learner) -> None:
        used = one.cpu_seconds - saved[one.name]
        if used >= SAVE_EVERY_CPU_SECONDS or one.cpu_seconds >= 60 * options.minutes:
            saved[one.name] = one.cpu_seconds
            save(one, folders[one.name], options)

    teach_in_turns(
        learners, 60 * options.minutes, validations=options.validations, say=say, watch=keep
    )


def save(one: Learner, folder: Path, options: argparse.Namespace) -> None:
    """Keep a run, and its figures once it is through."""
    folder.mkdir(parents=True, exist_ok=True)
    one.save(folder / STATE_FILE)
    if one.cpu_seconds >= 60 * options.minutes:
        figures = {
            "cell": one.model.config.cell,
            "seed": one.config.seed,
            "minutes": options.minutes,
            "collections": list(options.collections),
            **one.figures(),
            "step_microseconds": step_microseconds(one.model),
        }
        with atomic_write(folder / FIGURES_FILE, overwrite=True) as temporary:
            Path(temporary).write_text(json.dumps(figures), encoding="utf-8")


def results_name(minutes: float) -> str:
    return f"cells_{minutes:g}"


def collect(options: argparse.Namespace) -> Path:
    """Write the figures of all runs of this length that are through."""
    found = (json.loads(path.read_text()) for path in options.work.glob(f"*/{FIGURES_FILE}"))
    asked = (options.minutes, list(options.collections))
    runs = [run for run in found if (run["minutes"], run["collections"]) == asked]
    runs.sort(key=lambda run: run["nats_per_note"])
    protocol = (
        f"equal shares of {' and '.join(options.collections)}; {LAYERS} residual blocks, each cell "
        f"as wide as makes them closest to {PARAMETERS / 1e6:g} M parameters; the same events, "
        "heads, masks, batches of 16 x 128 and validation pieces (their first 1,024 events, "
        f"controls given); {options.minutes:g} minutes of CPU time of the process each, one "
        "thread, in turns, validation not counted, the rate falling to the end of that time; a "
        "step is one event of one piece, trunk and hidden maps of the heads, without torch"
    )
    seeds = sorted({run["seed"] for run in runs})
    return write(
        results_name(options.minutes),
        {"protocol": protocol, "seeds": seeds, "figures": {"runs": runs}},
        {"cpu_seconds": sum(run["cpu_seconds"] for run in runs)},
        options.results,
        program="experiments.learning.cells",
    )


# --- the table ------------------------------------------------------------------------------------


def markdown(results: dict[str, Any]) -> str:
    """The figures as a table, the best cell first; each at its best learning rate.

    Args:
        results: the content of such a file. Several seeds are given as mean and range.
    """
    groups: dict[str, dict[float, list[dict[str, Any]]]] = {}
    for run in results["figures"]["runs"]:
        groups.setdefault(run["cell"], {}).setdefault(run["learning_rate"], []).append(run)
    best = [min(by_rate.values(), key=_mean_nats) for by_rate in groups.values()]
    lines = [
        "| cell | parameters of the blocks | width | rate | notes learned a CPU second | "
        "nats/note | pitch | us a step, NumPy float32 / int8 | C |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for runs in sorted(best, key=_mean_nats):
        one = runs[0]
        nats = [run["nats_per_note"] for run in runs]
        spread = f" ({min(nats):.3f}-{max(nats):.3f})" if len(nats) > 1 else ""
        step = one["step_microseconds"]
        compiled = f"{step['c_int8']:.0f}" if "c_int8" in step else ""
        speed = statistics.mean(run["notes_a_cpu_second"] for run in runs)
        pitch = statistics.mean(run["fields"]["pitch"] for run in runs)
        lines.append(
            f"| {one['cell']} | {one['parameters_of_blocks'] / 1e6:.2f} M | {one['width']} | "
            f"{one['learning_rate']:g} | {speed:,.0f} | {_mean_nats(runs):.3f}{spread} | "
            f"{pitch:.3f} | {step['numpy_float32']:.0f} / {step['numpy_int8']:.0f} | {compiled} |"
        )
    return "\n".join(lines)


def _mean_nats(runs: list[dict[str, Any]]) -> float:
    result: float = statistics.mean(run["nats_per_note"] for run in runs)
    return result


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--store", type=Path, help="corpus store with the collections")
    parser.add_argument("--cells", type=names, default=[*CELLS], help="as in qrnn,lstm")
    parser.add_argument("--minutes", type=float, default=60.0, help="of CPU time for each run")
    parser.add_argument("--seeds", type=numbers, default=[0], help="as in 0,1,2")
    parser.add_argument("--rates", type=rates, default=[3e-3], help="learning rates")
    parser.add_argument(
        "--collections", type=names, default=["band_arranged_synth", "freedoom_midi"]
    )
    parser.add_argument("--validations", type=int, default=12, help="of each run")
    parser.add_argument("--validation-events", type=int, default=40_000)
    parser.add_argument("--work", type=Path, default=ROOT / ".cache" / "cells", help="keeps runs")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes")
    parser.add_argument("--table", action="store_true", help="only print the table")
    options = parser.parse_args()
    if not options.table and options.store is None:
        parser.error("--store is needed: a folder that holds a corpus store")
    if not math.isfinite(options.minutes) or options.minutes <= 0:
        parser.error(f"--minutes is more than 0, not {options.minutes}")
    return options


def main() -> None:
    options = arguments()
    path = options.results / f"{results_name(options.minutes)}.json"
    if options.table and not path.is_file():
        raise SystemExit(f"{path}: There are no figures yet; run the comparison first.")
    if not options.table:
        try:
            teach(options)
        except RitornelloError as error:
            raise SystemExit(str(error)) from error
        say(f"Written to {collect(options)}")
    print(markdown(json.loads(path.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
