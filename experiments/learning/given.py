"""How is a composer best told the given notes? Nats a composed note of each task, in each way.

    python -m experiments.learning.given --store STORE [--sets chorales,band] [--minutes 2.5]
    python -m experiments.learning.given --table     # of the figures there are, as Markdown

`--store` is a corpus store with the collections of band music; the chorales are read from the
folder of music sets (`--data`, by default that of RITORNELLO_DATA). All ways learn in turns, from
the same music with the same tasks, for the same CPU time; the sets follow one another. A run is
kept in `--work` every minute of CPU time: start the same command again to go on after a stop. The
figures go to `experiments/results/given.json` whenever a way has been scored.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from experiments.generated.chorales import open_chorales
from experiments.learning.given_learners import WAYS, GivenLearner
from experiments.learning.learners import Learner, teach_in_turns
from experiments.music_sets import ROOT, MusicSets, data_folder
from experiments.scorecard import RESULTS, names, say, write
from ritornello.atomic import atomic_write
from ritornello.corpus.store import Corpus
from ritornello.errors import RitornelloError
from ritornello.note_model.encoding.tasks import TASKS
from ritornello.note_model.network import NoteModelConfig
from ritornello.training.config import TrainConfig

STATE_FILE, FIGURES_FILE = "learner.pt", "figures.json"
SAVE_EVERY_CPU_SECONDS = 60.0
BATCH = 16


# --- the music ------------------------------------------------------------------------------------

BAND = ("band_arranged_synth", "freedoom_midi")


def open_set(name: str, options: argparse.Namespace) -> MusicSets:
    if name == "chorales":
        return open_chorales(options.data, options.work / "store")
    return MusicSets(Corpus.open(options.store), BAND, frozenset())


# --- runs, each in a folder of its own ------------------------------------------------------------

# What little music is learned best with: shorter chunks, more dropout.
_SETTINGS = {"chorales": {"chunk": 64, "dropout": 0.2}, "band": {"chunk": 128, "dropout": 0.1}}


def learner(name: str, way: str, music: MusicSets, options: argparse.Namespace) -> GivenLearner:
    """An untaught network; the composers of all ways start with the same weights."""
    settings = _SETTINGS[name]
    torch.manual_seed(options.seed)
    network = NoteModelConfig(
        layers=options.layers, width=options.width, head_width=128,
        dropout=settings["dropout"], collections=len(music.collections),
    )  # fmt: skip
    config = TrainConfig(
        minutes=options.minutes, batch=BATCH, chunk=int(settings["chunk"]), learning_rate=3e-3,
        shares=dict.fromkeys(music.collections, 1 / len(music.collections)), seed=options.seed,
        validation_events=options.validation_events,
    )  # fmt: skip
    model = WAYS[way].network(network)
    return GivenLearner(f"{name}, {way}", model, config, music, way=way)


def teach(name: str, options: argparse.Namespace) -> None:
    """Teach all ways on a set in turns, each from where it was."""
    music = open_set(name, options)
    learners = [learner(name, way, music, options) for way in options.ways]
    folders = {one.name: options.work / one.name.replace(", ", "-") for one in learners}
    for one in learners:
        if (folders[one.name] / STATE_FILE).exists():
            one.restore(folders[one.name] / STATE_FILE)
            say(f"{one.name}: goes on after {one.cpu_seconds:.0f} CPU s")
    saved = {one.name: (one.cpu_seconds, len(one.validations)) for one in learners}

    def keep(one: Learner) -> None:
        assert isinstance(one, GivenLearner)
        used, scored = saved[one.name]
        if one.cpu_seconds - used < SAVE_EVERY_CPU_SECONDS and len(one.validations) == scored:
            return
        saved[one.name] = one.cpu_seconds, len(one.validations)
        save(name, one, folders[one.name], options)

    teach_in_turns(learners, 60 * options.minutes, validations=2, say=say, watch=keep)


def save(name: str, one: GivenLearner, folder: Path, options: argparse.Namespace) -> None:
    """Keep a run, and its figures once it has been scored."""
    folder.mkdir(parents=True, exist_ok=True)
    one.save(folder / STATE_FILE)
    if not one.validations:
        return
    figures = {
        "set": name,
        "way": one.way,
        "minutes": options.minutes,
        "seed": options.seed,
        **one.figures(),
        "validations": one.validations,
    }
    with atomic_write(folder / FIGURES_FILE, overwrite=True) as temporary:
        Path(temporary).write_text(json.dumps(figures), encoding="utf-8")
    collect(options)


def collect(options: argparse.Namespace) -> Path:
    """Write the figures of all runs of this length and seed."""
    found = (json.loads(path.read_text()) for path in options.work.glob(f"*/{FIGURES_FILE}"))
    asked = (options.minutes, options.seed)
    runs = [run for run in found if (run["minutes"], run["seed"]) == asked]
    runs.sort(key=lambda run: (run["set"], [*WAYS].index(run["way"])))
    return write(
        "given",
        {"protocol": _protocol(options), "seeds": [options.seed], "figures": {"runs": runs}},
        {"cpu_seconds": sum(run["cpu_seconds"] for run in runs)},
        options.results,
        program="experiments.learning.given",
    )


def _protocol(options: argparse.Namespace) -> str:
    return (
        "chorales: those of Bach in four voices of the polyphonic benchmark (canonical split; "
        "equal sixteenths are tied). band: equal shares of "
        f"{' and '.join(BAND)}. The same composer ({options.layers} QRNN blocks of "
        f"{options.width}), from the same weights, with heads and masks of the package; an encoder "
        "has two QRNN blocks of 128 for each direction, projected from zero; merged without look "
        "ahead, the next given note is known to the masks and not read. The same pieces, "
        "excerpts, tasks and controls in the same order; no chords told; batches of 16 x 64 events "
        f"(chorales) and 16 x 128 (band). {options.minutes:g} minutes of CPU time of the process "
        "each, data included, one thread, in turns, validation not counted, the rate falling from "
        "3e-3 to the end of that time. Nats of all that is composed, given the rest, by composed "
        "notes, of the span of the first 1,024 events of validation pieces, controls told. Tempi "
        "and length are given and not scored, except that tempi are composed in the task compose; "
        "where given notes are not merged, a restated tempo marks where a gap begins and ends"
    )


# --- the table ------------------------------------------------------------------------------------


def markdown(results: dict[str, Any]) -> str:
    """The figures as a table for each set; the least nats of each task in bold."""
    tables = []
    runs = results["figures"]["runs"]
    for name in dict.fromkeys(run["set"] for run in runs):
        mine = [run for run in runs if run["set"] == name]
        best = {task: min(_nats(run, task) for run in mine) for task in TASKS}
        lines = [
            f"| {name} | {' | '.join(TASKS)} | CPU min | steps | notes learned | parameters |",
            "|---" * (len(TASKS) + 5) + "|",
        ]
        for run in mine:
            cells = [
                f"**{_nats(run, task):.3f}**" if _nats(run, task) == best[task]
                else f"{_nats(run, task):.3f}"
                for task in TASKS
            ]  # fmt: skip
            minutes = run["validations"][-1]["cpu_seconds"] / 60
            lines.append(
                f"| {run['way']} | {' | '.join(cells)} | {minutes:.1f} | {run['steps']:,} | "
                f"{run['notes_seen'] / 1e6:.2f} M | {run['parameters'] / 1e6:.2f} M |"
            )
        tables.append("\n".join(lines))
    return "\n\n".join(tables)


def _nats(run: dict[str, Any], task: str) -> float:
    result: float = run["validations"][-1]["tasks"][task]["nats_per_note"]
    return result


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--store", type=Path, help="corpus store with the band music")
    parser.add_argument("--data", type=Path, default=data_folder(), help="music sets")
    parser.add_argument("--sets", type=names, default=["chorales", "band"])
    parser.add_argument("--ways", type=names, default=[*WAYS])
    parser.add_argument("--minutes", type=float, default=2.5, help="of CPU time for each way")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--validation-events", type=int, default=20_000, help="of each task")
    parser.add_argument("--work", type=Path, default=ROOT / ".cache" / "given", help="keeps runs")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes")
    parser.add_argument("--table", action="store_true", help="only print the table")
    options = parser.parse_args()
    for given, known in ((options.ways, [*WAYS]), (options.sets, [*_SETTINGS])):
        if unknown := sorted({*given} - {*known}):
            parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
    if not options.table and "band" in options.sets and options.store is None:
        parser.error("--store is needed: a folder that holds a corpus store")
    if not 0 < options.minutes < float("inf"):
        parser.error(f"--minutes is more than 0, not {options.minutes}")
    return options


def main() -> None:
    options = arguments()
    path = options.results / "given.json"
    if options.table and not path.is_file():
        raise SystemExit(f"{path}: There are no figures yet; run the comparison first.")
    if not options.table:
        torch.set_num_threads(1)
        try:
            for name in options.sets:
                teach(name, options)
            collect(options)
        except RitornelloError as error:
            raise SystemExit(str(error)) from error
    print(markdown(json.loads(path.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
