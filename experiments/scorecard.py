"""The scorecard of our own model that anyone can rerun: its notes, its music, its endless music.

    python -m experiments.scorecard notes         # nats by field and set, and far into long pieces
    python -m experiments.scorecard transformer   # beside a Transformer at equal CPU time
    python -m experiments.scorecard generated     # overlap with real music, copying, endings
    python -m experiments.scorecard drift         # minute 1, 10 and 60 of an endless stream

Each writes one JSON file, with its protocol, seeds, command, machine and time, to
`experiments/results/`. The music is read from the folder of music sets (`--data`, by default that
of RITORNELLO_DATA) once, and kept as arrays in `--store`.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
import platform
import sys
import time
from collections import defaultdict
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

import ritornello
from experiments.command_line import command_of
from experiments.generated.generated import PROTOCOL, compare_generated
from experiments.music_sets import ROOT, MusicSets, data_folder, open_music_sets
from ritornello.api import Composer, find_model
from ritornello.generation.originality.copying import Passages
from ritornello.metrics.drift import drift
from ritornello.music.piece import Piece
from ritornello.note_model import checkpoint, likelihood
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.sequences import Sequences, sequences
from ritornello.note_model.engine.reference import Engine

RESULTS = ROOT / "experiments" / "results"


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


# --- row C: notes ---------------------------------------------------------------------------------


def measure_notes(options: argparse.Namespace) -> dict[str, Any]:
    """Nats on held-out music beside unigram and bigram, and how they hold up in long pieces."""
    music = open_music_sets(options.store, options.data)
    model = checkpoint.load(find_model(options.model))
    held_out = [item for name in music.collections for item in spread(music, name, options.pieces)]
    protocol = (
        "validation pieces without a near copy in training, spread evenly over each set; their "
        f"first {options.longest} events; teacher forced, state new for each piece, exact nats; "
        "unigram and bigram counted on the training music score the same events"
    )
    figures: dict[str, Any] = {}
    for controls in ("open", "given"):
        say(f"Scoring {len(held_out)} pieces, controls {controls} ...")
        figures[controls] = likelihood.evaluate(
            model, held_out, controls=controls, longest=options.longest or None
        )
    figures["long_pieces"] = {
        f"1x = {length} events": length_ratio(model, music, length, options.long_pieces)
        for length in (128, 2048)
    }
    return {"protocol": protocol, "seeds": [], "figures": figures}


def spread(music: MusicSets, collection: str, count: int) -> list[tuple[str, Piece]]:
    """At most so many unseen pieces of a collection, evenly spread."""
    found = list(music.only(collection).pieces("unseen"))
    picked = np.unique(np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int))
    return [found[index] for index in picked]


def length_ratio(
    model: checkpoint.Checkpoint, music: MusicSets, length: int, count: int
) -> dict[str, Any]:
    """The same notes, the fourth stretch of a piece, read after three others and read afresh."""
    rows: list[Sequences] = []
    for _, piece in music.pieces("unseen"):
        whole = sequences(piece, None, len(model.collections), open_probability=1.0)
        if len(whole) >= 4 * length:
            rows.append(whole.part(0, 4 * length))
    rows = [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, count).astype(int))]
    engine = Engine(model)
    # Nats of growing beginnings: their differences are those of the stretches.
    grown = [likelihood.score(engine, [row.part(0, n * length) for row in rows]).sum()
             for n in range(1, 5)]  # fmt: skip
    stretches = np.diff(grown, prepend=0.0)
    afresh = likelihood.score(engine, [row.part(3 * length, length) for row in rows]).sum()
    counts = [
        sum(int(notes.is_note(row.fields[n * length : (n + 1) * length, notes.PART]).sum())
            for row in rows)
        for n in range(4)
    ]  # fmt: skip
    return {
        "pieces": len(rows),
        "notes_compared": counts[3],
        "nats_per_note_at_4x": stretches[3] / counts[3],
        "nats_per_note_at_1x": afresh / counts[3],
        "ratio": stretches[3] / afresh,
        "nats_per_note_by_stretch": [nats / n for nats, n in zip(stretches, counts, strict=True)],
    }


# --- row C: a Transformer -------------------------------------------------------------------------


def measure_transformer(options: argparse.Namespace) -> dict[str, Any]:
    """Our network and Transformers of its size, taught in turns for the same CPU time."""
    import torch

    from experiments.learning.learners import Learner, teach_in_turns
    from experiments.learning.transformer import Transformer
    from ritornello.note_model.network import NoteModel, NoteModelConfig
    from ritornello.training.config import TrainConfig

    torch.set_num_threads(1)
    music = open_music_sets(options.store, options.data).only(*options.collections)
    ours = NoteModelConfig(collections=len(music.collections), dropout=0.05)
    theirs = replace(ours, layers=4, width=256)
    runs = []
    for seed in options.seeds:
        config = TrainConfig(
            minutes=options.cpu_minutes, batch=16, chunk=128, learning_rate=3e-3,
            shares=dict.fromkeys(music.collections, 1 / len(music.collections)), seed=seed,
            validation_events=options.validation_events,
        )  # fmt: skip
        torch.manual_seed(seed)
        learners = [Learner("qrnn", NoteModel(ours), config, music)]
        for rate in options.rates:
            torch.manual_seed(seed)
            their_config = replace(config, learning_rate=rate)
            learners.append(
                Learner(f"transformer {rate:g}", Transformer(theirs), their_config, music)
            )
        teach_in_turns(learners, 60 * options.cpu_minutes, say=say)
        runs.append({learner.name: learner.figures() for learner in learners})
    best = [min(run[name]["nats_per_note"] for name in run if name != "qrnn") for run in runs]
    fewer = [1 - run["qrnn"]["nats_per_note"] / nats for run, nats in zip(runs, best, strict=True)]
    protocol = (
        f"equal shares of {' and '.join(music.collections)}; the same events, heads, masks, "
        "batches of 16 x 128 and validation pieces (their first 1,024 events, controls given); "
        "CPU time of the process, one thread, in turns; the Transformer (4 pre-norm blocks of 256, "
        "rotary, window of 256 events carried over) at its best learning rate of "
        f"{', '.join(f'{rate:g}' for rate in options.rates)}, the network at its usual 3e-3"
    )
    figures = {"fewer_nats_than_best_transformer": fewer, "runs": runs}
    return {"protocol": protocol, "seeds": options.seeds, "figures": figures}


# --- row D: generated music -----------------------------------------------------------------------


def measure_generated(options: argparse.Namespace) -> dict[str, Any]:
    """Unselected pieces beside excerpts of real music that they are made to match."""
    music = open_music_sets(options.store, options.data)
    composer = Composer.load(options.model)
    say("Reading the training music ...")
    training = {
        "texture": Passages(piece for _, piece in music.pieces("train")),
        "parts": Passages((piece for _, piece in music.pieces("train")), by_part=True),
    }
    figures = {
        name: compare_generated(
            composer, music.only(name), training, options.samples, options.seeds[0], say
        )
        for name in options.collections
    }
    return {"protocol": PROTOCOL, "seeds": options.seeds[:1], "figures": figures}


# --- row D: drift ---------------------------------------------------------------------------------


def measure_drift(options: argparse.Namespace) -> dict[str, Any]:
    """Statistics and memory as an endless stream goes on."""
    composer = Composer.load(options.model)
    streams = []
    for seed in options.seeds:
        began, found = time.process_time(), []
        stream = composer.stream(seed=seed, parts=options.parts, tempo_bpm=120.0)
        for minute in drift(stream, minutes=options.minutes):
            found.append({
                "minute": minute.minute,
                "notes": minute.notes,
                "resident_megabytes": resident_megabytes(),
                "cpu_seconds": round(time.process_time() - began, 1),
                "statistics": minute.statistics,
            })  # fmt: skip
            say(f"seed {seed}: minute {minute.minute}, {minute.notes} notes")
        streams.append(found)
    means = {
        str(minute): {
            name: [np.mean(values), np.std(values)]
            for name, values in of_minute(streams, place).items()
        }
        for place, minute in enumerate(sorted(options.minutes))
    }
    protocol = (
        f"{', '.join(options.parts)} at 120 bpm in 4/4, nothing else given; each seed one stream; "
        "statistics of the notes that begin in the minute; mean and standard deviation over seeds"
    )
    figures = {"mean_and_deviation_by_minute": means, "streams": streams}
    return {"protocol": protocol, "seeds": options.seeds, "figures": figures}


def of_minute(streams: list[list[dict[str, Any]]], place: int) -> dict[str, list[float]]:
    """Each statistic of one minute, of all streams."""
    collected: defaultdict[str, list[float]] = defaultdict(list)
    for stream in streams:
        for name, value in stream[place]["statistics"].items():
            collected[name].append(value)
    return {name: values for name, values in collected.items() if np.isfinite(values).all()}


def resident_megabytes() -> float:
    """Memory of this process now, or the most it ever had where only that is known."""
    status = Path("/proc/self/statm")
    if status.exists():
        pages = int(status.read_text().split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
    import resource

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10, 1)


# --- all ------------------------------------------------------------------------------------------


def write(
    name: str,
    found: dict[str, Any],
    used: dict[str, float],
    folder: Path,
    program: str = "experiments.scorecard",
) -> Path:
    """The figures with all that is needed to get them again.

    Args:
        found: protocol, seeds and figures. used: seconds of each kind that they took.
    """
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    about = {
        "protocol": found["protocol"],
        "seeds": found["seeds"],
        "command": command_of(program),
        "version": ritornello.__version__,
        "machine": {
            "processor": models[0] if models else platform.processor(),
            "processors": os.cpu_count(),
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
        "date": date.today().isoformat(),
        **{kind: round(seconds) for kind, seconds in used.items()},
        "figures": plain(found["figures"]),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return path


def plain(value: Any) -> Any:
    """Figures for JSON, numbers to four decimals; what is not a number becomes null."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float):
        return round(float(value), 4) if np.isfinite(value) else None
    return value


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder of music sets")
    parser.add_argument("--store", type=Path, default=ROOT / ".cache" / "music_sets")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, measure: Any, seeds: tuple[int, ...]) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=measure.__doc__.splitlines()[0])
        made.set_defaults(measure=measure)
        made.add_argument("--seeds", type=numbers, default=[*seeds], help="as in 0,1,2")
        return made

    one = command("notes", measure_notes, ())
    one.add_argument("--model", default="default")
    one.add_argument("--pieces", type=int, default=60, help="of each set, at most")
    one.add_argument("--longest", type=int, default=1024, help="events of a piece; 0 for all")
    one.add_argument("--long-pieces", type=int, default=24, help="for the ratio of lengths")
    one = command("transformer", measure_transformer, (0, 1, 2))
    one.add_argument("--cpu-minutes", type=float, default=6.0, help="for each network")
    one.add_argument("--rates", type=rates, default=[5e-4, 1e-3, 2e-3], help="learning rates")
    one.add_argument("--collections", type=names, default=["band_arranged_synth", "freedoom_midi"])
    one.add_argument("--validation-events", type=int, default=40_000)
    one = command("generated", measure_generated, (0,))
    one.add_argument("--model", default="default")
    one.add_argument("--samples", type=int, default=500, help="of each set")
    one.add_argument(
        "--collections", type=names, default=["band_arranged_synth", "openscore_lieder_midi"]
    )
    one = command("drift", measure_drift, (0, 1, 2))
    one.add_argument("--model", default="default")
    one.add_argument("--minutes", type=numbers, default=[1, 10, 60])
    one.add_argument("--parts", type=names, default=["lead", "piano", "guitar", "bass", "drums"])
    return parser.parse_args()


def names(text: str) -> list[str]:
    return text.split(",")


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def rates(text: str) -> list[float]:
    return [float(word) for word in text.split(",")]


def main() -> None:
    options = arguments()
    began = time.perf_counter()
    found = options.measure(options)
    used = {"wall_seconds": time.perf_counter() - began, "cpu_seconds": time.process_time()}
    path = write(options.command, found, used, options.results)
    print(path.read_text(encoding="utf-8"))
    say(f"Written to {path}")


if __name__ == "__main__":
    main()
