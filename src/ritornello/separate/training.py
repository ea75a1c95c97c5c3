"""Training of the separator, to be read from top to bottom.

The stems to learn from are drawn at random, such as by a `StemMixer`, and summed. The error is a
power of the distance between complex spectra: shares cannot turn a phase, but those that are best
for this distance allow for phases. The weights that are kept are a moving average of those of
training, from the validation that was best.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ritornello.atomic import atomic_write
from ritornello.dsp.short_time import sound, spectra, window_size
from ritornello.errors import ConfigError
from ritornello.json_values import JsonObject
from ritornello.note_model.weights_file import WeightsFile
from ritornello.note_model.weights_file import save as save_weights
from ritornello.rng import Rng
from ritornello.separate.mixing import LEVELS_DB
from ritornello.separate.model import Separator, SeparatorConfig
from ritornello.training.fine_tuning import take_weights
from ritornello.training.optimisation import cosine
from ritornello.training.run_length import Every, Length
from ritornello.training.run_state import TrainingState
from ritornello.training.trainer import Judgement, Loss, Objective, Standing, Trainer

SEPARATOR_FILE = "separator.safetensors"
STATE_FILE = "state.pt"
CURVES_FILE = "curves.json"
# Of distances. At 1 a bin goes to the part that most often has it: of a SoundFont that the network
# had not heard it took pianos for something else. One minute of training with 1.5 brought songs of
# that font from 5.2 to 5.8 dB over the mix.
_POWER = 1.5
_LEAST_LEVEL = 1e-4

Draw = Callable[[Rng], np.ndarray]
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


@dataclass(frozen=True)
class SeparatorValidation:
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

    def for_json(self) -> JsonObject:
        """As plain values; what is not a number is null."""

        def plain(value: Any) -> Any:
            if isinstance(value, tuple):
                return [plain(each) for each in value]
            return None if value != value else value

        return {name: plain(value) for name, value in asdict(self).items()}


@dataclass
class SeparatorProgress:
    """Where a run is.

    Attributes:
        steps, minutes: so far, of all sittings. done: share of the run, 0 to 1.
        loss: a recent mean. curve: the validations.
    """

    steps: int = 0
    minutes: float = 0.0
    done: float = 0.0
    loss: float = math.nan
    curve: list[SeparatorValidation] = field(default_factory=list)

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
    provenance: JsonObject | None = None,
    clock: Callable[[], float] = time.process_time,
    watch: Callable[[SeparatorProgress], None] = lambda progress: None,
) -> tuple[WeightsFile, list[SeparatorValidation]]:
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
    torch.manual_seed(training.seed)
    objective = _Separation(draw, valid, training, judge, network, start)
    run = _SeparatorRun(objective, folder, provenance or {}, clock)
    run.trainer.resume()
    run.trainer.run(lambda step: watch(run.progress))
    return run.best_file(), objective.curve


def network_config(file: WeightsFile) -> SeparatorConfig:
    """Sizes of the network in a file."""
    return SeparatorConfig.from_settings(file.settings)


class _Separation(Objective[np.ndarray]):
    """Spectra of random stems, and how well their mixes are separated.

    Attributes:
        curve: the validations. best: the one whose weights are kept.
    """

    network: Separator

    def __init__(
        self,
        draw: Draw,
        songs: Sequence[np.ndarray],
        training: SeparatorTraining,
        judge: Judge,
        sizes: SeparatorConfig | None,
        start: WeightsFile | None,
    ) -> None:
        self._draw, self._songs, self._judge, self.training = draw, songs, judge, training
        self.network = Separator(network_config(start) if start else sizes or SeparatorConfig())
        if start:
            take_weights(self.network, start.weights)
        self._size = window_size(training.rate_hz, self.network.config.split.window_seconds)
        self.curve: list[SeparatorValidation] = []
        self.best: SeparatorValidation | None = None

    def batch(self, step: int) -> np.ndarray:
        rng = np.random.default_rng([self.training.seed, step])
        stems = [self._spectra(self._draw(rng), rng) for _ in range(self.training.batch)]
        return np.stack(stems)

    def _spectra(self, stems: np.ndarray, rng: Rng) -> np.ndarray:
        """Spectra of stems whose mix has about the level that a whole song is brought to."""
        by_part = np.ascontiguousarray(stems.T)
        level = _level(by_part.sum(axis=0)) * 10 ** (rng.uniform(-LEVELS_DB, LEVELS_DB) / 20)
        return spectra(by_part / np.float32(level), self._size)

    def loss(self, batch: np.ndarray) -> Loss:
        return Loss(_loss(self.network, batch))

    def validate(self, network: nn.Module, standing: Standing) -> float:
        assert isinstance(network, Separator)
        judged, gained = [], []
        for stems in self._songs:
            mix = stems.sum(axis=1)
            made = separated(network, mix, self._size)
            judged.append([self._judge(*pair) for pair in zip(stems.T, made, strict=True)])
            untouched = [self._judge(stem, mix) for stem in stems.T]
            gained.append(np.subtract(judged[-1], untouched))
        found = SeparatorValidation(
            round(standing.spent.seconds / 60, 3),
            standing.spent.steps,
            standing.mean_loss,
            _means(judged),
            _means(gained),
        )
        self.curve.append(found)
        return -found.mean_gained_db

    def validated(self, judgement: Judgement) -> None:
        """Remember which validation the weights that are kept come from."""
        if judgement.is_best:
            self.best = self.curve[-1]

    def state(self) -> TrainingState:
        best = self.curve.index(self.best) if self.best else None
        return {"curve": [astuple(each) for each in self.curve], "best": best}

    def restore(self, state: TrainingState) -> None:
        self.curve = [SeparatorValidation(*row) for row in state["curve"]]
        self.best = None if state["best"] is None else self.curve[state["best"]]


class _SeparatorRun:
    """A run in its folder: the trainer, and what it writes for people."""

    def __init__(
        self,
        objective: _Separation,
        folder: Path | None,
        provenance: JsonObject,
        clock: Callable[[], float],
    ) -> None:
        self.objective, self.folder, self.provenance = objective, folder, provenance
        training = objective.training
        identity = {**asdict(training), **objective.network.config.settings()}
        del identity["minutes"], identity["validate_minutes"]  # they may change
        self.trainer = Trainer(
            objective,
            torch.optim.AdamW(objective.network.parameters(), betas=(0.9, 0.98)),
            cosine(training.learning_rate, warmup_steps=20),
            Length(seconds=60 * training.minutes, clock=clock, with_validation=False),
            average=training.average,
            validation=Every(seconds=60 * training.validate_minutes),
            keep=folder / STATE_FILE if folder else None,
            identity=identity,
            validated=objective.validated,
            saved=self._saved,
        )

    @property
    def progress(self) -> SeparatorProgress:
        """For a watcher."""
        spent = self.trainer.spent
        return SeparatorProgress(
            spent.steps,
            spent.seconds / 60,
            self.trainer.done,
            self.trainer.running,
            self.objective.curve,
        )

    def best_file(self) -> WeightsFile:
        weights = {name: tensor.numpy() for name, tensor in self.trainer.kept.items()}
        facts = {**self.provenance, "training": asdict(self.objective.training)}
        if self.objective.best:
            facts["validation"] = self.objective.best.for_json()
        settings = self.objective.network.config.settings()
        return WeightsFile("separator", weights, settings, facts)

    def _saved(self) -> None:
        """Beside the state: the curve for people, and the best weights so far."""
        assert self.folder is not None
        curve = [validation.for_json() for validation in self.objective.curve]
        with atomic_write(self.folder / CURVES_FILE, overwrite=True) as temporary:
            temporary.write_text(json.dumps(curve, indent=1), encoding="utf-8")
        save_weights(self.best_file(), self.folder / SEPARATOR_FILE)


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
    """The stems that a network makes of a whole mix [samples]: float32 [parts, samples]."""
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
