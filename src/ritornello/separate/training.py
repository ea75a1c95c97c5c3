"""Training of the separator, to be read from top to bottom.

The stems to learn from are drawn at random, such as by a `StemMixer`, and summed. The error is a
power of the distance between complex spectra: shares cannot turn a phase, but those that are best
for this distance allow for phases. The weights that are kept are a moving average of those of
training, from the validation that was best.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ritornello.atomic import atomic_write
from ritornello.dsp.short_time import sound, spectra, window_size
from ritornello.errors import CheckpointError, ConfigError
from ritornello.note_model.weights_file import WeightsFile
from ritornello.note_model.weights_file import save as save_weights
from ritornello.separate.mixing import LEVELS_DB
from ritornello.separate.model import Separator, SeparatorConfig

SEPARATOR_FILE = "separator.safetensors"
STATE_FILE = "state.pt"
CURVES_FILE = "curves.json"
# Of distances. At 1 a bin goes to the part that most often has it: of a SoundFont that the network
# had not heard it took pianos for something else. One minute of training with 1.5 brought songs of
# that font from 5.2 to 5.8 dB over the mix.
_POWER = 1.5
_LEAST_LEVEL = 1e-4
_SAVE_SECONDS = 60.0

Draw = Callable[[np.random.Generator], np.ndarray]
"""Random stems, float32 [samples, parts], always of one shape."""
Judge = Callable[[np.ndarray, np.ndarray], float]
"""Decibels of a true and a made sound [samples], such as SI-SDR; nan where it has no meaning."""


@dataclass(frozen=True)
class SeparatorTraining:
    """Settings of a run.

    Attributes:
        minutes: of ``clock``, drawing and learning but not validation.
        rate_hz: of all sounds.
        batch: mixes a step. learning_rate: the highest.
        average: how much of the moving average of the weights a step keeps.
        validate_minutes: between validations.
        seed: of weights and mixes.
    """

    minutes: float
    rate_hz: int = 44_100
    batch: int = 4
    learning_rate: float = 8e-3
    average: float = 0.99
    validate_minutes: float = 5.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.minutes > 0:
            raise ConfigError(f"A run's length is positive; found {self.minutes} minutes.")
        if min(self.batch, self.rate_hz) < 1 or not self.validate_minutes > 0:
            raise ConfigError("Batch, rate and the distance of validations are positive.")

    def learning_rate_at(self, step: int, done: float) -> float:
        """A short warm-up, then half a cosine down to a fiftieth."""
        fall = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))
        return self.learning_rate * min(1.0, (step + 1) / 20) * fall


@dataclass(frozen=True)
class Validation:
    """How well the network separates songs it does not learn from.

    Attributes:
        minutes, steps: of training before it. loss: mean of training since the last one.
        judged_db: of each part, mean over songs; nan where no song could be judged.
        gained_db: the same less what the mix itself gets.
    """

    minutes: float
    steps: int
    loss: float
    judged_db: tuple[float, ...]
    gained_db: tuple[float, ...]

    @property
    def mean_gained_db(self) -> float:
        """Over the parts that could be judged; nan if none could."""
        return float(np.mean([gain for gain in self.gained_db if gain == gain] or np.nan))

    def for_json(self) -> dict[str, Any]:
        """As plain values; what is not a number is null."""

        def plain(value: Any) -> Any:
            if isinstance(value, tuple):
                return [plain(each) for each in value]
            return None if value != value else value

        return {name: plain(value) for name, value in asdict(self).items()}


@dataclass
class Progress:
    """Where a run is.

    Attributes:
        steps, minutes: so far, of all sittings. done: share of the run, 0 to 1.
        loss: a recent mean. curve: the validations.
    """

    steps: int = 0
    minutes: float = 0.0
    done: float = 0.0
    loss: float = math.nan
    curve: list[Validation] = field(default_factory=list)

    @property
    def seconds_left(self) -> float:
        """Of training; infinite before the first step."""
        return 60 * self.minutes * (1 / self.done - 1) if self.done else math.inf


def train_separator(
    draw: Draw,
    valid: Sequence[np.ndarray],
    training: SeparatorTraining,
    *,
    judge: Judge,
    network: SeparatorConfig | None = None,
    start: WeightsFile | None = None,
    folder: Path | None = None,
    provenance: dict[str, Any] | None = None,
    clock: Callable[[], float] = time.process_time,
    watch: Callable[[Progress], None] = lambda progress: None,
) -> tuple[WeightsFile, list[Validation]]:
    """Train a separator for a number of minutes.

    Args:
        draw: stems to learn from. valid: songs, float32 [samples, parts], to choose weights by.
        judge: decibels, such as `ritornello.separate.scores.si_sdr_db`.
        network: sizes; those of ``start`` if that is given.
        start: weights to begin with.
        folder: where the run saves itself every minute and goes on from, with the best weights so
            far as `SEPARATOR_FILE`; None saves nothing.
        provenance: free facts for that file; the validation of its weights is added.
        clock: seconds, of this process by default; `time.monotonic` for minutes of a wall clock.
        watch: called after each step.

    Returns:
        The weights that were best in validation, and all validations.

    Raises:
        ConfigError: if ``folder`` holds a run with other sizes or settings.
        CheckpointError: if the run in it is damaged.
        KeyboardInterrupt: passed on, after the run is saved.
    """
    run = _SeparatorRun(training, network, start, folder, provenance or {})
    progress, began = run.progress, clock()
    began -= 60 * progress.minutes
    saved = time.monotonic()
    try:
        while progress.done < 1:
            run.step(draw)
            progress.minutes = (clock() - began) / 60
            progress.done = min(1.0, progress.minutes / training.minutes)
            validations = progress.minutes // training.validate_minutes
            if progress.done == 1 or validations > len(progress.curve):
                paused = clock()
                run.validate(valid, judge)
                began += clock() - paused
            if time.monotonic() - saved > _SAVE_SECONDS:
                run.save()
                saved = time.monotonic()
            watch(progress)
    finally:
        run.save()
    return run.best_file(), progress.curve


def network_config(file: WeightsFile) -> SeparatorConfig:
    """Sizes of the network in a file."""
    return SeparatorConfig.from_settings(file.settings)


class _SeparatorRun:
    """The changing side of a run, begun anew or taken up from its folder."""

    def __init__(
        self,
        training: SeparatorTraining,
        network: SeparatorConfig | None,
        start: WeightsFile | None,
        folder: Path | None,
        provenance: dict[str, Any],
    ) -> None:
        torch.manual_seed(training.seed)
        self.training, self.folder, self.provenance = training, folder, provenance
        self.config = network_config(start) if start else network or SeparatorConfig()
        self.model = Separator(self.config)
        if start:
            tensors = {name: torch.as_tensor(array) for name, array in start.weights.items()}
            self.model.load_state_dict(tensors)
        self.average = copy.deepcopy(self.model).eval()
        self.best = copy.deepcopy(self.model.state_dict())
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=training.learning_rate, betas=(0.9, 0.98)
        )
        self.size = window_size(training.rate_hz, self.config.split.window_seconds)
        self.losses: list[float] = []
        self.progress = Progress()
        self._resume()

    def step(self, draw: Draw) -> None:
        """Draw a batch and learn from it."""
        training, progress = self.training, self.progress
        random = np.random.default_rng([training.seed, progress.steps])
        stems = [self._spectra(draw(random), random) for _ in range(training.batch)]
        loss = _loss(self.model, np.stack(stems))
        for group in self.optimiser.param_groups:
            group["lr"] = training.learning_rate_at(progress.steps, progress.done)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        progress.steps += 1
        keep = min(training.average, progress.steps / (progress.steps + 10))
        with torch.no_grad():
            for old, new in zip(self.average.parameters(), self.model.parameters(), strict=True):
                old.lerp_(new, 1 - keep)
        self.losses.append(loss.item())
        progress.loss = float(np.mean(self.losses[-50:]))

    def _spectra(self, stems: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Spectra of stems whose mix has about the level that a whole song is brought to."""
        by_part = np.ascontiguousarray(stems.T)
        level = _level(by_part.sum(axis=0)) * 10 ** (random.uniform(-LEVELS_DB, LEVELS_DB) / 20)
        return spectra(by_part / np.float32(level), self.size)

    def validate(self, songs: Sequence[np.ndarray], judge: Judge) -> None:
        judged, gained = [], []
        for stems in songs:
            mix = stems.sum(axis=1)
            made = separated(self.average, mix, self.size)
            judged.append([judge(*pair) for pair in zip(stems.T, made, strict=True)])
            untouched = [judge(stem, mix) for stem in stems.T]
            gained.append(np.subtract(judged[-1], untouched))
        curve = self.progress.curve
        curve.append(
            Validation(
                round(self.progress.minutes, 3),
                self.progress.steps,
                float(np.mean(self.losses)),
                _means(judged),
                _means(gained),
            )
        )
        self.losses = self.losses[-50:]
        if _best(curve) is curve[-1]:
            self.best = copy.deepcopy(self.average.state_dict())

    def best_file(self) -> WeightsFile:
        weights = {name: tensor.numpy() for name, tensor in self.best.items()}
        facts = {**self.provenance, "training": asdict(self.training)}
        if self.progress.curve:
            facts["validation"] = _best(self.progress.curve).for_json()
        return WeightsFile("separator", weights, self.config.settings(), facts)

    def save(self) -> None:
        """Save all that the run needs to go on, and its curve for people."""
        if self.folder is None:
            return
        state = {
            "settings": self._identity(),
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "best": self.best,
            "optimiser": self.optimiser.state_dict(),
            "losses": self.losses,
            "steps": self.progress.steps,
            "minutes": self.progress.minutes,
            "curve": [astuple(validation) for validation in self.progress.curve],
        }
        with atomic_write(self.folder / STATE_FILE, overwrite=True) as temporary:
            torch.save(state, temporary)
        curve = [validation.for_json() for validation in self.progress.curve]
        with atomic_write(self.folder / CURVES_FILE, overwrite=True) as temporary:
            temporary.write_text(json.dumps(curve, indent=1), encoding="utf-8")
        save_weights(self.best_file(), self.folder / SEPARATOR_FILE)

    def _resume(self) -> None:
        path = self.folder / STATE_FILE if self.folder else None
        if path is None or not path.exists():
            return
        try:
            state = torch.load(path, weights_only=True)
        except (RuntimeError, OSError, ValueError, EOFError, UnpicklingError) as error:
            raise CheckpointError(
                f"The run cannot be read ({error}).",
                where=str(path),
                next_step="Choose another folder to begin anew.",
            ) from error
        if state["settings"] != self._identity():
            raise ConfigError(
                "The run in this folder has other settings: "
                f"found {state['settings']}, expected {self._identity()}.",
                where=str(self.folder),
                next_step="Choose another folder, or give the settings it began with.",
            )
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.best = state["best"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.losses = state["losses"]
        curve = [Validation(*row) for row in state["curve"]]
        done = min(1.0, state["minutes"] / self.training.minutes)
        self.progress = Progress(
            state["steps"], state["minutes"], done, float(np.mean(self.losses[-50:])), curve
        )

    def _identity(self) -> dict[str, Any]:
        """What must not change while a run goes on; its length may."""
        settings = asdict(self.training)
        del settings["minutes"], settings["validate_minutes"]
        return {**settings, **self.config.settings()}


def _best(curve: Sequence[Validation]) -> Validation:
    """The validation whose weights are kept: the last that was not worse than those before it.

    What nothing can be said of (nan) is not worse.
    """
    best = curve[0]
    for at, each in enumerate(curve):
        if not any(each.mean_gained_db < seen.mean_gained_db for seen in curve[:at]):
            best = each
    return best


def _loss(model: Separator, truth: np.ndarray) -> Tensor:
    """Of made and true spectra [batch, parts, frames, bins]: powers of distances, summed over bins.

    The rest is averaged.
    """
    mix = truth.sum(axis=1).transpose(1, 0, 2)
    truth = truth.transpose(2, 0, 1, 3)
    heard = model.config.split.heard(np.abs(mix))
    shares = model(torch.as_tensor(heard))[..., : mix.shape[-1]]
    bins = shares.shape[-1]
    squares = [
        (shares * torch.as_tensor(whole[:, :, None, :bins]) - torch.as_tensor(part[..., :bins]))
        ** 2
        for whole, part in ((mix.real, truth.real), (mix.imag, truth.imag))
    ]
    result: Tensor = (squares[0] + squares[1] + 1e-8).pow(_POWER / 2).sum(-1).mean()
    return result


@torch.no_grad()
def separated(model: Separator, mix: np.ndarray, size: int) -> np.ndarray:
    """What a network makes of a mix [samples], heard as a whole: float32 [parts, samples]."""
    mixed = spectra(mix, size)
    heard = model.config.split.heard(np.abs(mixed) * np.float32(1 / _level(mix)))
    shares = model(torch.as_tensor(heard)[:, None])[:, 0].transpose(0, 1).numpy()
    return sound(mixed * model.config.split.fitted(shares, mixed.shape[-1]), size, len(mix))


def _level(mix: np.ndarray) -> float:
    return max(_LEAST_LEVEL, float(np.sqrt(np.square(mix).mean())))


def _means(rows: list[Any]) -> tuple[float, ...]:
    """Mean of each column over rows that have a number there; nan where none has."""
    table = np.array(rows, float)
    counted = np.isfinite(table)
    sums = np.where(counted, table, 0).sum(axis=0)
    means = np.divide(
        sums, counted.sum(axis=0), out=np.full(len(sums), np.nan), where=counted.any(axis=0)
    )
    return tuple(means.round(3).tolist())
