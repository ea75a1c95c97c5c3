"""Separators that learn from the same examples for the same CPU time: ours, and three published.

The published ones are the networks of `remix2023` with the settings of its recipe: one-second
chunks of samples in batches of two, Adam at 1e-4, mean squared error, the weights of the best
validation loss. One2Four split is four networks; each gets a quarter of the time. Ours is
`ritornello.separate.training` as it is. A run saves itself and goes on later.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ritornello.dsp.effects import other_stems
from ritornello.dsp.waveform import Waveform
from ritornello.note_model.weights_file import load
from ritornello.papers.remix2023.encoding import Chunks, decode, encode
from ritornello.papers.remix2023.model import StemConfig, build
from ritornello.papers.shared.recipe import load_recipe
from ritornello.separate.mixing import MIX_SECONDS, StemMixer
from ritornello.separate.overlapping_chunks import separate_blocks
from ritornello.separate.runtime import KIND, SeparatorNetwork
from ritornello.separate.scores import si_sdr_db
from ritornello.separate.stem_examples import StemExamples
from ritornello.separate.stem_folders import PARTS
from ritornello.separate.training import (
    SEPARATOR_FILE,
    SeparatorProgress,
    SeparatorTraining,
    train_separator,
)
from ritornello.training.optimisation import constant
from ritornello.training.run_length import Length
from ritornello.training.trainer import Loss, Objective, Standing, Trainer

PUBLISHED = ("one2one", "combined", "split")
OURS = "ours"
SYSTEMS = (*PUBLISHED, OURS)
_SAVE_CPU_SECONDS = 30.0
_BATCH = 2
_SETTINGS = load_recipe("remix2023").published
CHUNK_SECONDS = float(_SETTINGS["chunk_seconds"])


@dataclass(frozen=True)
class Point:
    """A validation: minutes of training before it, and the gain over the mix of each part, dB."""

    minutes: float
    gained_db: list[float | None]


@dataclass
class Curve:
    """How a system learned.

    Attributes:
        points: validations. minutes: of CPU time in all. steps: updates. parameters: of all its
            networks.
    """

    points: list[Point] = field(default_factory=list)
    minutes: float = 0.0
    steps: int = 0
    parameters: int = 0


def gained_db(made: Sequence[np.ndarray], real: Sequence[np.ndarray]) -> list[float | None]:
    """SI-SDR of each part over that of the mix, mean over the examples that have the part.

    Args:
        made, real: [samples, parts] of each example.
    """
    rows = []
    for one, stems in zip(made, real, strict=True):
        mix = stems.sum(axis=1)
        rows.append(
            [
                si_sdr_db(stem, part) - si_sdr_db(stem, mix)
                for stem, part in zip(stems.T, one.T, strict=True)
            ]
        )
    table = np.array(rows)
    return [
        float(np.mean(column[np.isfinite(column)])) if np.isfinite(column).any() else None
        for column in table.T
    ]


# --- published ------------------------------------------------------------------------------------


class PublishedRun:
    """One network of `remix2023` in training.

    Args:
        architecture: one of `PUBLISHED`. part: what a network of "split" writes.
        folder: where it saves itself and goes on from.
    """

    def __init__(
        self,
        architecture: str,
        part: int | None,
        examples: StemExamples,
        valid: list[np.ndarray],
        folder: Path,
        seed: int = 0,
    ) -> None:
        self.part, self.examples, self.seed = part, examples, seed
        self.chunk = round(CHUNK_SECONDS * examples.rate_hz)
        self.valid = valid
        name = architecture if part is None else f"{architecture}-{PARTS[part]}"
        self.file = folder / f"{name}.pt"
        torch.manual_seed(seed)
        self.network = build(architecture, StemConfig(parts=len(PARTS)))  # type: ignore[arg-type]
        rate = _SETTINGS["learning_rate"]
        self.trainer = Trainer(
            _Chunks(self),
            torch.optim.Adam(self.network.parameters(), lr=rate),
            constant(rate),
            Length(seconds=math.inf, clock=time.process_time, with_validation=False),
            clip=None,
            keep=self.file,
        )
        self.points: list[Point] = []
        self.trainer.resume()

    @property
    def cpu_seconds(self) -> float:
        return self.trainer.spent.seconds

    @property
    def steps(self) -> int:
        return self.trainer.spent.steps

    @property
    def parameters(self) -> int:
        return sum(weight.numel() for weight in self.network.parameters())

    def step(self) -> None:
        """Draw a batch of chunks and learn from it."""
        self.trainer.step()

    def batch(self, step: int) -> torch.Tensor:
        """Stems of random chunks [batch, samples, parts]."""
        rng = np.random.default_rng([self.seed, step])
        torch.manual_seed(self.seed + step)
        stems = []
        for _ in range(_BATCH):
            start = int(rng.integers(self.examples.stems.shape[1] - self.chunk + 1))
            stems.append(
                self.examples.read(int(rng.integers(len(self.examples))), start, self.chunk)
            )
        return torch.as_tensor(np.stack(stems))

    def loss(self, truth: torch.Tensor) -> torch.Tensor:
        """Mean squared error of what the network makes of the sum of stems."""
        made = self.network(truth.sum(dim=-1, keepdim=True))
        mean: torch.Tensor = (made - self._own(truth)).square().mean()
        return mean

    def _own(self, stems: torch.Tensor) -> torch.Tensor:
        return stems if self.part is None else stems[..., self.part : self.part + 1]

    def validate(self) -> None:
        """Score the validation examples; its time is not counted."""
        self.trainer.validate()

    def score(self) -> float:
        """Loss of the validation examples; its gains are another of `points`."""
        made = [self.predict(stems.sum(axis=1), self.examples.rate_hz) for stems in self.valid]
        real = [stems if self.part is None else stems[:, [self.part]] for stems in self.valid]
        errors = [np.square(one - other).mean() for one, other in zip(made, real, strict=True)]
        whole = made if self.part is None else [self._among(one) for one in made]
        self.points.append(Point(self.cpu_seconds / 60, gained_db(whole, self.valid)))
        return float(np.mean(errors))

    def _among(self, made: np.ndarray) -> np.ndarray:
        """One part [samples, 1] in its place among all; the others are silent."""
        parts = np.zeros((len(made), len(PARTS)), np.float32)
        parts[:, self.part] = made[:, 0]
        return parts

    def predict(self, mix: np.ndarray, rate_hz: int) -> np.ndarray:
        """What the network makes of a mix [samples], chunk by chunk: [samples, parts it writes]."""
        heard = encode(Waveform(mix[:, None], rate_hz), seconds=CHUNK_SECONDS)
        self.network.eval()
        with torch.inference_mode():
            answer = self.network(torch.as_tensor(heard.samples)).numpy()
        return decode(Chunks(answer, heard.length, rate_hz)).samples

    def save(self) -> None:
        self.trainer.save()


class _Chunks(Objective[torch.Tensor]):
    """A published run as what is learned."""

    def __init__(self, run: PublishedRun) -> None:
        self.network, self._run = run.network, run

    def batch(self, step: int) -> torch.Tensor:
        return self._run.batch(step)

    def loss(self, batch: torch.Tensor) -> Loss:
        return Loss(self._run.loss(batch))

    def validate(self, network: nn.Module, standing: Standing) -> float:
        return self._run.score()

    def state(self) -> dict[str, Any]:
        return {"points": [asdict(point) for point in self._run.points]}

    def restore(self, state: dict[str, Any]) -> None:
        self._run.points = [Point(**point) for point in state["points"]]


def published_runs(
    architecture: str, examples: StemExamples, valid: list[np.ndarray], folder: Path
) -> list[PublishedRun]:
    """The network of an architecture, or the four of "split"."""
    parts: Sequence[int | None] = range(len(PARTS)) if architecture == "split" else [None]
    return [PublishedRun(architecture, part, examples, valid, folder) for part in parts]


def teach_published(
    runs: Sequence[PublishedRun], minutes: float, validations: int, say: Callable[[str], None]
) -> Curve:
    """Train networks, in turns, for so many CPU minutes together; longer than before if asked."""
    each = 60 * minutes / len(runs)
    saved = sum(run.cpu_seconds for run in runs)
    while going := [run for run in runs if run.cpu_seconds < each]:
        run = min(going, key=lambda one: one.cpu_seconds)
        run.step()
        validated = 60 * run.points[-1].minutes if run.points else 0.0
        if run.cpu_seconds >= min(each, validated + each / validations):
            run.validate()
            say(f"{run.file.stem}: {run.cpu_seconds:.0f} CPU s, {run.points[-1].gained_db}")
        used = sum(run.cpu_seconds for run in runs)
        if used - saved > _SAVE_CPU_SECONDS:
            saved = used
            for run in runs:
                run.save()
    for run in runs:
        run.save()
    # Networks of one part each: their validations at the same share of the time make one point.
    points = [
        Point(
            sum(point.minutes for point in together),
            [
                together[-1 if len(runs) == 1 else part].gained_db[part]
                for part in range(len(PARTS))
            ],
        )
        for together in zip(*(run.points for run in runs), strict=False)
    ]
    used_minutes = sum(run.cpu_seconds for run in runs) / 60
    steps, parameters = sum(run.steps for run in runs), sum(run.parameters for run in runs)
    return Curve(points, used_minutes, steps, parameters)


def published_stems(runs: Sequence[PublishedRun], mix: np.ndarray, rate_hz: int) -> np.ndarray:
    """The stems [samples, parts] that the best weights make of a mix [samples]."""
    for run in runs:
        run.network.load_state_dict(run.trainer.kept)
    return np.concatenate([run.predict(mix, rate_hz) for run in runs], axis=1)


# --- ours -----------------------------------------------------------------------------------------


def teach_ours(
    examples: StemExamples,
    valid: list[np.ndarray],
    folder: Path,
    minutes: float,
    validations: int,
    say: Callable[[str], None],
) -> Curve:
    """Train our separator for so many CPU minutes."""
    training = SeparatorTraining(
        minutes, rate_hz=examples.rate_hz, validate_minutes=minutes / validations
    )
    samples = min(examples.stems.shape[1], round(MIX_SECONDS * examples.rate_hz))
    draw = StemMixer(
        list(examples.stems),
        samples,
        effect=lambda stems, rng: other_stems(stems, examples.rate_hz, rng),
    )
    told = 0

    def watch(progress: SeparatorProgress) -> None:
        nonlocal told
        if len(progress.curve) > told:
            told = len(progress.curve)
            say(f"ours: {60 * progress.minutes:.0f} CPU s, {progress.curve[-1].gained_db}")

    file, curve = train_separator(
        draw,
        valid,
        training,
        judge=si_sdr_db,
        folder=folder,
        watch=watch,
    )
    points = [Point(each.minutes, list(each.gained_db)) for each in curve]
    parameters = sum(weight.size for weight in file.weights.values())
    return Curve(points, curve[-1].minutes, curve[-1].steps, parameters)


def our_network(folder: Path) -> SeparatorNetwork:
    return SeparatorNetwork(load(folder / SEPARATOR_FILE, KIND))


def our_stems(
    network: SeparatorNetwork, mix: np.ndarray, rate_hz: int, **chunks: float
) -> np.ndarray:
    """The stems [samples, parts] that our separator makes of a mix [samples], without torch.

    Args:
        chunks: ``chunk_seconds`` and ``overlap_seconds`` of `separate_blocks`.
    """
    level = float(np.sqrt(np.square(mix).mean()))
    parts = separate_blocks([mix[:, None]], rate_hz, network, level=level, **chunks)
    return np.concatenate(list(parts), axis=1)[:, :, 0].T
