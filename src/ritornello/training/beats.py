"""Training of the network that hears beats, to be read from top to bottom.

Excerpts of clips are drawn at random, made louder or softer, buried in a little noise and
coloured, and the network says for each frame how near it is to a beat and to the beginning of a
bar. The weights that count are a moving average, from the validation that was best. A run that was
stopped goes on from its last validation.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ritornello.errors import ConfigError
from ritornello.io.atomic import atomic_write
from ritornello.models.beat_net import BeatNet, BeatNetConfig

RESUME_FILE = "resume.pt"
_VALIDATED_TOGETHER = 20


@dataclass(frozen=True, eq=False)
class BeatClips:
    """Recordings of one length.

    Attributes:
        spectra: float16 [clips, frames, bands], log10 of amplitudes.
        targets: float16 [clips, frames, 2], 0 to 1: nearness to a beat, to the beginning of a bar.
        knows_bars: bool [clips], whether the second is known.
    """

    spectra: np.ndarray
    targets: np.ndarray
    knows_bars: np.ndarray

    def __len__(self) -> int:
        return len(self.spectra)


@dataclass(frozen=True)
class BeatTraining:
    """Settings of a run.

    Attributes:
        seconds: of processor time in all, validations included.
        batch: excerpts a step. excerpt: frames of an excerpt.
        average: how much of the moving average of the weights a step keeps.
        validations: how many, evenly over the run.
    """

    seconds: float
    batch: int = 16
    excerpt: int = 800
    learning_rate: float = 4e-3
    weight_decay: float = 0.01
    average: float = 0.995
    validations: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seconds <= 0:
            raise ConfigError(f"A run's length is positive; found {self.seconds} seconds.")


@dataclass(frozen=True)
class BeatProgress:
    """What a watcher is told after each validation; losses in nats a frame."""

    steps: int
    seconds: float
    train_loss: float
    valid_loss: float
    best_loss: float


def train(
    train: BeatClips,
    valid: BeatClips,
    network: BeatNetConfig,
    folder: Path,
    config: BeatTraining,
    *,
    watch: Callable[[BeatProgress], None] = lambda progress: None,
) -> tuple[BeatNet, dict[str, float]]:
    """Train a network, or go on with the run that ``folder`` holds; see `best`."""
    torch.manual_seed(config.seed)
    run = _Run(BeatNet(network), config)
    run.resume(folder / RESUME_FILE)
    batches = _batches(train, config, run.steps)
    while run.done < 1:
        losses = []
        until = (math.floor(run.done * config.validations + 1e-9) + 1) / config.validations
        while run.done < until:
            losses.append(run.step(*next(batches)))
        valid_loss = score(run.average, valid)
        if valid_loss < run.best_loss:
            run.best, run.best_loss = copy.deepcopy(run.average.state_dict()), valid_loss
        run.save(folder / RESUME_FILE)
        mean = sum(losses) / len(losses)
        watch(BeatProgress(run.steps, run.seconds, mean, valid_loss, run.best_loss))
    return best(folder)


def best(folder: Path) -> tuple[BeatNet, dict[str, float]]:
    """The network of the best validation of a run so far, and ``steps``, ``seconds`` of processor
    time and ``best_loss`` of the run."""
    kept = torch.load(folder / RESUME_FILE, weights_only=True)
    network = BeatNet(BeatNetConfig(**kept["settings"]))
    network.load_state_dict(kept["best"])
    return network.eval(), {name: kept[name] for name in ("steps", "seconds", "best_loss")}


class _Run:
    """All that changes while a network learns."""

    def __init__(self, network: BeatNet, config: BeatTraining) -> None:
        self.network, self.config = network, config
        self.average = copy.deepcopy(network).eval()
        self.best, self.best_loss = copy.deepcopy(network.state_dict()), math.inf
        self.optimiser = torch.optim.AdamW(
            network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self.steps = 0
        self._before, self._began = 0.0, time.process_time()

    @property
    def seconds(self) -> float:
        """Of processor time, in all sessions."""
        return self._before + time.process_time() - self._began

    @property
    def done(self) -> float:
        return min(1.0, self.seconds / self.config.seconds)

    def step(self, spectra: Tensor, targets: Tensor, knows_bars: Tensor) -> float:
        """Learn from a batch; the loss."""
        # A short warm-up, then half a cosine.
        rate = min(1.0, (self.steps + 1) / 100)
        rate *= 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.done))
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * rate
        self.network.train()
        loss = _loss(self.network(spectra), targets, knows_bars)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.steps += 1
        keep = min(self.config.average, self.steps / (self.steps + 10))
        with torch.no_grad():
            both = zip(self.average.parameters(), self.network.parameters(), strict=True)
            for old, new in both:
                old.lerp_(new, 1 - keep)
        return loss.item()

    def save(self, path: Path) -> None:
        kept: dict[str, Any] = {"settings": self.network.config.settings()}
        for name in ("best", "best_loss", "steps", "seconds"):
            kept[name] = getattr(self, name)
        for name in ("network", "average", "optimiser"):
            kept[name] = getattr(self, name).state_dict()
        with atomic_write(path, overwrite=True) as temporary:
            torch.save(kept, temporary)

    def resume(self, path: Path) -> None:
        """Take up what a file holds, if there is one."""
        if not path.is_file():
            return
        kept: dict[str, Any] = torch.load(path, weights_only=True)
        for name in ("network", "average", "optimiser"):
            getattr(self, name).load_state_dict(kept[name])
        self.best, self.best_loss, self.steps = kept["best"], kept["best_loss"], kept["steps"]
        self._before = kept["seconds"]


def _loss(logits: Tensor, targets: Tensor, knows_bars: Tensor) -> Tensor:
    """Cross entropy in nats a frame; of bars where they are known."""
    nats = binary_cross_entropy_with_logits(logits, targets, reduction="none").mean(1)
    return nats[:, 0].mean() + (nats[:, 1] * knows_bars).sum() / knows_bars.sum().clamp(min=1)


@torch.no_grad()
def score(network: BeatNet, clips: BeatClips) -> float:
    """Loss over whole clips, nats a frame, of beats and bars together."""
    network.eval()
    found = []
    for first in range(0, len(clips), _VALIDATED_TOGETHER):
        rows = slice(first, first + _VALIDATED_TOGETHER)
        spectra, targets, knows_bars = (
            torch.from_numpy(part[rows].astype(np.float32))
            for part in (clips.spectra, clips.targets, clips.knows_bars)
        )
        found.append(_loss(network(spectra), targets, knows_bars).item() * len(spectra))
    return sum(found) / len(clips)


def _batches(
    clips: BeatClips, config: BeatTraining, start: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Random excerpts for ever, from a step on."""
    frames = clips.spectra.shape[1]
    length = min(frames, config.excerpt)
    for step in range(start, 2**62):
        rng = np.random.default_rng([config.seed, step])
        chosen = rng.integers(len(clips), size=config.batch)
        starts = rng.integers(frames - length + 1, size=config.batch)
        rows = [(clip, slice(at, at + length)) for clip, at in zip(chosen, starts, strict=True)]
        spectra = np.stack([clips.spectra[row] for row in rows]).astype(np.float32)
        targets = np.stack([clips.targets[row] for row in rows]).astype(np.float32)
        knows_bars = clips.knows_bars[chosen].astype(np.float32)
        spectra = _recorded_otherwise(spectra, rng)
        tensors = [torch.from_numpy(part) for part in (spectra, targets, knows_bars)]
        yield tensors[0], tensors[1], tensors[2]


def _recorded_otherwise(spectra: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The spectra at other levels, coloured, and above a floor of noise; [batch, frames, bands]."""
    batch, _, bands = spectra.shape
    gain = rng.uniform(-1.0, 0.5, (batch, 1, 1)).astype(np.float32)
    colour = rng.normal(0, 0.15, (batch, 1, bands)).astype(np.float32)
    noise = rng.uniform(-5.0, -2.5, (batch, 1, 1)).astype(np.float32)
    return np.maximum(spectra + (gain + colour), noise)
