"""The networks of `remix2023`, trained as parallel jobs: one process and one thread each.

Every job learns from one file of chunks, keeps the weights that were best on the validation songs,
and saves itself after each epoch, so that a run that is cut off goes on where it was.
"""

from __future__ import annotations

import json
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ritornello.atomic import atomic_write
from ritornello.corpus.pool import Failure, map_in_processes
from ritornello.dsp.waveform import Waveform
from ritornello.errors import RitornelloError
from ritornello.papers.remix2023.encoding import Chunks, decode, encode

if TYPE_CHECKING:
    from torch import nn

_LONGEST_JOB_SECONDS = 7 * 24 * 3600.0
_TELL_SECONDS = 20.0


@dataclass(frozen=True)
class StemTraining:
    """A network to train.

    Attributes:
        name: of its files. architecture: see `ritornello.papers.remix2023.model`.
        part: index of the part it writes; None for all.
        chunks: the file of `write_chunks`. fingerprint: of that file's sounds.
        epochs, batch, learning_rate: of Adam, on the mean squared error.
        sizes: settings of `StemConfig`. seed: of weights, order and dropout.
    """

    name: str
    architecture: str
    part: int | None
    chunks: str
    fingerprint: int
    epochs: int
    batch: int
    learning_rate: float
    sizes: dict[str, Any]
    seed: int

    @property
    def state_file(self) -> Path:
        return Path(self.chunks).with_name(f"{self.name}.pt")

    @property
    def curves_file(self) -> Path:
        return self.state_file.with_suffix(".json")


@dataclass(frozen=True)
class Curves:
    """What a job has done so far.

    Attributes:
        train, valid: mean squared error after each epoch, [epochs][parts it writes].
        cpu_seconds: of training, all epochs.
        best_epoch: whose weights are kept, from 1.
        parameters: of the network. step_bytes: kept in memory for one update.
    """

    train: list[list[float]]
    valid: list[list[float]]
    cpu_seconds: float
    best_epoch: int
    parameters: int
    step_bytes: int


def write_chunks(
    path: Path, sides: dict[str, list[tuple[np.ndarray, np.ndarray]]], rate_hz: int, seconds: float
) -> int:
    """Write the chunks of all songs for the jobs to read; returns their fingerprint.

    Args:
        sides: for "train" and "valid", the sound heard [samples] and the stems [samples, parts] of
            each song.
        seconds: of a chunk.
    """
    arrays: dict[str, np.ndarray] = {}
    for side, songs in sides.items():
        for number, name in enumerate(("heard", "stems")):
            sounds = [Waveform(_channels(song[number]), rate_hz) for song in songs]
            chunks = [encode(sound, seconds=seconds).samples for sound in sounds]
            arrays[f"{side}_{name}"] = np.concatenate(chunks)
    with atomic_write(path, overwrite=True) as partial, partial.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    return zlib.crc32(b"".join(array.tobytes() for array in arrays.values()))


def run_jobs(
    jobs: list[StemTraining], *, threads: int, say: Callable[[str], None]
) -> dict[str, Curves]:
    """Train every job, as many at once as there are threads.

    Args:
        say: called about three times a minute with the epochs that each running job has done.

    Raises:
        RitornelloError: if a job fails; the others are stopped, and all go on where they were when
            run again.
    """
    done = threading.Event()
    teller = threading.Thread(target=_tell, args=(jobs, done, say), daemon=True)
    teller.start()
    found = {}
    try:
        answers = map_in_processes(
            train, jobs, workers=min(threads, len(jobs)), timeout_seconds=_LONGEST_JOB_SECONDS
        )
        for job, answer in zip(jobs, answers, strict=True):
            if isinstance(answer, Failure):
                raise RitornelloError(
                    f"The training of {job.name} failed: {answer.detail}",
                    next_step="Run it again; finished epochs are kept.",
                )
            found[job.name] = answer
    finally:
        done.set()
        teller.join()
    return found


def _tell(jobs: list[StemTraining], done: threading.Event, say: Callable[[str], None]) -> None:
    while not done.wait(_TELL_SECONDS):
        epochs = [(job, _epochs_done(job)) for job in jobs]
        running = [f"{job.name} {n}/{job.epochs}" for job, n in epochs if 0 < n < job.epochs]
        total = sum(job.epochs for job in jobs)
        share = sum(min(n, job.epochs) for job, n in epochs) / total
        say(f"{share:.0%} of the epochs of {len(jobs)} networks: {', '.join(running) or '...'}")


def _epochs_done(job: StemTraining) -> int:
    try:
        return len(json.loads(job.curves_file.read_text(encoding="utf-8"))["train"])
    except (OSError, ValueError):
        return 0


def train(job: StemTraining) -> Curves:
    """Train one network, or go on with it; the work of one process."""
    run = _StemRun(job)
    while len(run.curves["train"]) < job.epochs:
        run.epoch()
        run.save()
    return Curves(**run.curves)


class _StemRun:
    """A network in training: everything that must survive a kill."""

    def __init__(self, job: StemTraining) -> None:
        import torch

        from ritornello.papers.remix2023.model import bytes_kept

        torch.set_num_threads(1)
        self.job, self.torch = job, torch
        with np.load(job.chunks) as file:
            self.sounds = {name: torch.as_tensor(file[name]) for name in file.files}
        if job.part is not None:
            for side in ("train", "valid"):
                stems = self.sounds[f"{side}_stems"]
                self.sounds[f"{side}_stems"] = stems[..., job.part : job.part + 1]
        step_bytes = bytes_kept(_network(job), self.sounds["train_heard"][: job.batch])
        torch.manual_seed(job.seed)
        self.network = _network(job)
        self.adam = torch.optim.Adam(self.network.parameters(), lr=job.learning_rate)
        self.best: dict[str, Any] = {}
        self.curves: dict[str, Any] = {
            "train": [],
            "valid": [],
            "cpu_seconds": 0.0,
            "best_epoch": 0,
            "parameters": sum(weight.numel() for weight in self.network.parameters()),
            "step_bytes": step_bytes,
        }
        self._resume()

    def epoch(self) -> None:
        """All training chunks once in random order, then the validation."""
        began = time.process_time()
        heard, stems = self.sounds["train_heard"], self.sounds["train_stems"]
        total = np.zeros(stems.shape[-1])
        self.network.train()
        for rows in self.torch.randperm(len(heard)).split(self.job.batch):
            errors = (self.network(heard[rows]) - stems[rows]).square().mean((0, 1))
            self.adam.zero_grad()
            errors.mean().backward()
            self.adam.step()
            total += errors.detach().numpy() * len(rows)
        self.curves["train"].append((total / len(heard)).tolist())
        self.curves["valid"].append(self._validation())
        self.curves["cpu_seconds"] += time.process_time() - began

    def _validation(self) -> list[float]:
        stems = self.sounds["valid_stems"]
        self.network.eval()
        with self.torch.inference_mode():
            made = self.network(self.sounds["valid_heard"])
        result: list[float] = (made - stems).square().mean((0, 1)).tolist()
        return result

    def save(self) -> None:
        errors = [sum(parts) for parts in self.curves["valid"]]
        if errors[-1] == min(errors):
            self.curves["best_epoch"] = len(errors)
            self.best = {k: v.clone() for k, v in self.network.state_dict().items()}
        state = {
            "job": asdict(self.job),
            "network": self.network.state_dict(),
            "best": self.best,
            "adam": self.adam.state_dict(),
            "random": self.torch.get_rng_state(),
            "curves": self.curves,
        }
        with atomic_write(self.job.state_file, overwrite=True) as partial:
            self.torch.save(state, partial)
        with atomic_write(self.job.curves_file, overwrite=True) as partial:
            partial.write_text(json.dumps(self.curves), encoding="utf-8")

    def _resume(self) -> None:
        """Take over an earlier run of the same job; more epochs than then may be asked for."""
        if not self.job.state_file.exists():
            return
        state = self.torch.load(self.job.state_file, weights_only=True)
        free = {"epochs": 0, "chunks": ""}  # the folder may have moved; the fingerprint counts
        same = {**state["job"], **free} == {**asdict(self.job), **free}
        if not same or len(state["curves"]["train"]) > self.job.epochs:
            self.job.curves_file.unlink(missing_ok=True)
            return
        self.network.load_state_dict(state["network"])
        self.adam.load_state_dict(state["adam"])
        self.torch.set_rng_state(state["random"])
        self.best, self.curves = state["best"], state["curves"]


def predict(
    job: StemTraining, sounds: list[np.ndarray], rate_hz: int, seconds: float
) -> list[np.ndarray]:
    """What the best weights of a trained job make of sounds [samples]: [samples, parts] each."""
    import torch

    network = _network(job)
    network.load_state_dict(torch.load(job.state_file, weights_only=True)["best"])
    network.eval()
    made = []
    for sound in sounds:
        heard = encode(Waveform(_channels(sound), rate_hz), seconds=seconds)
        with torch.inference_mode():
            answer = network(torch.as_tensor(heard.samples)).numpy()
        made.append(decode(Chunks(answer, heard.length, rate_hz)).samples)
    return made


def _network(job: StemTraining) -> nn.Module:
    from ritornello.papers.remix2023.model import StemConfig, build

    return build(job.architecture, StemConfig(**job.sizes))  # type: ignore[arg-type]


def _channels(sound: np.ndarray) -> np.ndarray:
    """A sound with its axis of channels."""
    return sound if sound.ndim == 2 else sound[:, None]
