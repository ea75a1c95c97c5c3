"""Frame likelihood on the published benchmarks: train, choose on validation, score the test once.

Each seed is a process of its own, trained for a stated processor time. What a seed found is kept,
so that a run that was stopped goes on with the seeds that are missing.
"""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ritornello.atomic import atomic_write
from ritornello.corpus.pool import Failure, map_in_processes
from ritornello.errors import ConfigError, RitornelloError
from ritornello.json_values import JsonObject
from ritornello.papers.polyphony.baselines import coins, key_chains, voice_chains
from ritornello.papers.polyphony.benchmarks import BENCHMARKS, BenchmarkSet
from ritornello.papers.polyphony.data import load_frames
from ritornello.papers.shared.study import music_set

SETS_FOLDER = "bench_polyphonic"


class SeedRun(NamedTuple):
    """One seed of a benchmark: its name, its set, the processor time, where the nats are kept."""

    name: str
    path: Path
    seconds: float
    seed: int
    out: Path


def run_benchmark(
    name: str,
    folder: Path,
    *,
    minutes: float | None = None,
    seeds: Sequence[int] = (0, 1, 2),
    jobs: int | None = None,
    say: Callable[[str], None] = lambda sentence: None,
) -> JsonObject:
    """Train our frame model on a benchmark and score its test split.

    Args:
        name: a key of `BENCHMARKS`.
        folder: gets `<name>.json`, and for each seed `<name>-<minutes>m-<seed>.npz` with the nats
            of every test frame; seeds that are there are not run again.
        minutes: processor time of each seed; by default that of the benchmark.
        seeds: one run each. jobs: runs at the same time; by default one for each processor.
        say: called with a sentence on what is going on.

    Returns:
        What is in the JSON file: ``nats`` with ``mean`` and ``seeds``, ``mixture`` (the even
        mixture of the seeds), ``baselines``, ``published``, ``target``, ``protocol``, ...

    Raises:
        ConfigError: if there is no such benchmark, no seed or no time.
        InputError: if its set is not on this machine.
    """
    if name not in BENCHMARKS:
        raise ConfigError(
            f"No benchmark is called {name!r}.", next_step=f"There are: {', '.join(BENCHMARKS)}."
        )
    bench = BENCHMARKS[name]
    minutes = bench.minutes if minutes is None else minutes
    if minutes <= 0 or not seeds:
        raise ConfigError(
            f"A benchmark takes some minutes and at least one seed; found {minutes:g} minutes "
            f"and {len(seeds)} seeds."
        )
    path = music_set(SETS_FOLDER) / bench.file
    splits = load_frames(path, voices=bench.voices)
    folder.mkdir(parents=True, exist_ok=True)
    kept = {seed: folder / f"{name}-{minutes:g}m-{seed}.npz" for seed in seeds}
    missing = [
        SeedRun(name, path, 60 * minutes, seed, out)
        for seed, out in kept.items()
        if not out.is_file()
    ]
    # Minutes of a processor are many more of the clock where others use it too.
    patience = 60 * 60 * minutes + 3600
    results = map_in_processes(run_seed, missing, workers=jobs, timeout_seconds=patience)
    for run, found in zip(missing, results, strict=True):
        if isinstance(found, Failure):
            raise RitornelloError(
                f"Training {found.kind} ({found.detail}).", where=f"{name}, seed {run.seed}"
            )
        say(f"{name}, seed {run.seed}: validation {found:.3f} {bench.unit}")
    result = _result(name, bench, splits, [_load(kept[seed]) for seed in seeds])
    result |= {"seeds": list(seeds), "minutes": minutes, "machine": _machine()}
    result["command"] = f"ritornello benchmark {name} --minutes {minutes:g}"
    with atomic_write(folder / f"{name}.json", overwrite=True) as partial:
        partial.write_text(json.dumps(result, indent=1), encoding="utf-8")
    return result


def run_seed(run: SeedRun) -> float:
    """Train one seed, score the test split once, and keep the nats of every frame.

    Returns:
        The validation figure that chose the weights.
    """
    import torch

    from ritornello.papers.polyphony.model import FrameModelConfig
    from ritornello.papers.polyphony.train import (
        FramePiece,
        FrameTraining,
        frame_nats,
        score,
        train_frames,
    )

    torch.set_num_threads(1)
    bench = BENCHMARKS[run.name]
    pieces = {
        split: [FramePiece.of(roll, bench.lags) for roll in rolls]
        for split, rolls in load_frames(run.path, voices=bench.voices).items()
    }
    context = pieces["train"][0].context
    network = FrameModelConfig(
        maps=context.sources.shape[1],
        scalars=context.scalars.shape[1],
        voices=bench.voices,
        clues=0 if context.clues is None else context.clues.table,
        **bench.network,
    )
    curve: list[tuple[float, float, float]] = []
    model = train_frames(
        pieces["train"],
        pieces["valid"],
        network,
        FrameTraining(seconds=run.seconds, seed=run.seed, **bench.training),
        watch=lambda *values: curve.append(values),
    )
    test = np.concatenate(frame_nats(model, pieces["test"]))
    valid = score(model, pieces["valid"])
    parameters = sum(weights.numel() for weights in model.parameters())
    with atomic_write(run.out, overwrite=True) as partial, partial.open("wb") as file:
        np.savez(file, test=test, valid=valid, curve=np.array(curve), parameters=parameters)
    return valid / bench.voices


def _load(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file)


def _result(
    name: str, bench: BenchmarkSet, splits: dict[str, list[np.ndarray]], runs: list[JsonObject]
) -> JsonObject:
    per_seed = [float(run["test"].mean()) / bench.voices for run in runs]
    together = -np.logaddexp.reduce([-run["test"] for run in runs]) + np.log(len(runs))
    return {
        "benchmark": name,
        "title": bench.title,
        "unit": bench.unit,
        "nats": {"mean": statistics.fmean(per_seed), "seeds": per_seed},
        "validation": [float(run["valid"]) / bench.voices for run in runs],
        "mixture": float(together.mean()) / bench.voices,
        "changes": _changes(bench, splits["test"], runs),
        "target": bench.target,
        "best_known": bench.best_known,
        "published": bench.published,
        "baselines": _baselines(bench, splits),
        "parameters": int(runs[0]["parameters"]),
        "curves": [run["curve"].tolist() for run in runs],
        "protocol": bench.protocol,
    }


def _changes(bench: BenchmarkSet, test: list[np.ndarray], runs: list[JsonObject]) -> float | None:
    """Nats a changed note, all nats counted, where most notes only go on; else None."""
    if bench.voices == 1:
        return None
    changed = sum(int((piece[1:] != piece[:-1]).any(-1).sum()) for piece in test)
    return statistics.fmean(float(run["test"].sum()) / changed for run in runs)


def _baselines(bench: BenchmarkSet, splits: dict[str, list[np.ndarray]]) -> dict[str, float]:
    train, test = splits["train"], splits["test"]
    if bench.voices > 1:
        return {"a Markov chain for each voice": voice_chains(train, test)}
    return {
        "88 independent coins": coins(train, test),
        "a Markov chain for each key": key_chains(train, test),
    }


def _machine() -> str:
    return f"one core of {platform.machine()}, CPU only, for each seed"
