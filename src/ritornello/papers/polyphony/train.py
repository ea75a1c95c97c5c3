"""Training and scoring of the frame model, to be read from top to bottom.

Excerpts are drawn at random and transposed at random; the network is told by how much, so that
music in all keys teaches it and none of them blurs the one that it is asked for. The weights that
are scored are a moving average of those of training, from the validation that was best.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from ritornello.errors import ConfigError
from ritornello.note_model.cells.cell import State
from ritornello.papers.polyphony import encoding as frames
from ritornello.papers.polyphony.encoding import PITCHES, SHIFTS, Context
from ritornello.papers.polyphony.model import FrameBatch, FrameModel, FrameModelConfig
from ritornello.rng import Rng
from ritornello.training.optimisation import adamw, cosine
from ritornello.training.products import AUTO, chosen
from ritornello.training.run_length import Every, Length
from ritornello.training.trainer import Loss, Objective, Standing, Trainer

_CHUNK = 64  # frames at a time when scoring
_SCORED_TOGETHER = 32
_WATCHED_FRAMES = 8_000  # of validation, while training


@dataclass(frozen=True)
class FrameTraining:
    """Settings of a run. It ends after ``seconds`` or ``steps``, whichever is given.

    Attributes:
        seconds: of processor time, validation included; None to count steps.
        steps: optimiser steps; None to go by time.
        batch: excerpts a step. excerpt: frames of an excerpt.
        shift_share: share of the excerpts that are transposed.
        average: how much of the moving average of the weights a step keeps.
        validations: how many, evenly over the run.
        products: kind of matrix products, see `ritornello.training.products`. Which is fastest is
            measured at the start: name a kind where a run has to come out the same again.
    """

    seconds: float | None = None
    steps: int | None = None
    batch: int = 8
    excerpt: int = 64
    learning_rate: float = 4e-3
    weight_decay: float = 0.1
    shift_share: float = 0.75
    average: float = 0.998
    validations: int = 12
    products: str = AUTO
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.seconds is None) == (self.steps is None):
            raise ConfigError("A run needs a length: either seconds or steps.")
        _ = self.length  # refuses what is none

    @property
    def length(self) -> Length:
        """Of the run."""
        return Length(steps=self.steps, seconds=self.seconds, clock=time.process_time)


@dataclass(frozen=True)
class FramePiece:
    """A piece with what the past says before each of its frames but the first."""

    roll: np.ndarray
    context: Context

    @classmethod
    def of(cls, roll: np.ndarray, lags: tuple[int, ...]) -> FramePiece:
        return cls(roll, frames.context(roll, lags))

    def __len__(self) -> int:
        """Frames that are scored."""
        return len(self.roll) - 1


def transpose_roll(roll: np.ndarray, shift: int) -> np.ndarray:
    """A roll [frames, voices, 88] some semitones higher; what leaves the keyboard is lost."""
    moved = np.zeros_like(roll)
    if shift >= 0:
        moved[..., shift:] = roll[..., : PITCHES - shift]
    else:
        moved[..., :shift] = roll[..., -shift:]
    return moved


def batch_of(parts: Sequence[tuple[FramePiece, int, int, int]]) -> FrameBatch:
    """Excerpts side by side.

    Args:
        parts: piece, first scored frame counted from 0, number of frames, transposition of each.
    """
    time_steps = max(count for _, _, count, _ in parts)
    example = parts[0][0]
    voices = example.roll.shape[1]
    planes = example.context.sources.shape[1] * voices
    columns = example.context.scalars.shape[1]
    maps = np.zeros((time_steps, len(parts), planes, PITCHES), np.float32)
    scalars = np.zeros((time_steps, len(parts), columns), np.float32)
    spelled = []
    told: list[tuple[np.ndarray, np.ndarray]] = []
    for row, (piece, start, count, shift) in enumerate(parts):
        roll = transpose_roll(piece.roll, shift) if shift else piece.roll
        sources = piece.context.sources[start : start + count]
        seen = np.where(sources[..., None, None] >= 0, roll[sources], False)
        maps[:count, row] = seen.reshape(count, planes, PITCHES)
        scalars[:count, row] = piece.context.scalars[start : start + count]
        slots = frames.spell(roll[start + 1 : start + 1 + count])
        spelled.append(slots._replace(frame=slots.frame * len(parts) + row))
        if (clues := piece.context.clues) is not None:
            rows, tones = clues.rows[start : start + count], clues.tones[start : start + count]
            told.append((rows.reshape(count * voices, -1), tones.reshape(count * voices, -1)))
    joined = [np.concatenate(column) for column in zip(*spelled, strict=True)]
    order = np.argsort(joined[0], kind="stable")
    frame, voice, prefix, legal, target = (torch.as_tensor(column[order]) for column in joined)
    shifts = torch.tensor([shift - SHIFTS[0] for *_, shift in parts])
    return FrameBatch(
        maps=torch.as_tensor(maps),
        scalars=torch.as_tensor(scalars),
        shift=shifts,
        frame=frame,
        voice=voice,
        prefix=prefix.float(),
        legal=legal,
        target=target,
        clues=tuple(
            torch.as_tensor(np.concatenate(column)[order]) for column in zip(*told, strict=True)
        ),
    )


def train_frames(
    train: Sequence[FramePiece],
    valid: Sequence[FramePiece],
    network: FrameModelConfig,
    config: FrameTraining,
    *,
    watch: Callable[[float, float, float], None] = lambda done, train_nats, valid_nats: None,
) -> FrameModel:
    """Train a frame model on the processor time it is given.

    Args:
        watch: called after each validation with the share of the run that is done, and the nats a
            frame in training and in validation.

    Returns:
        The model with the averaged weights of the best validation, ready to score.
    """
    torch.manual_seed(config.seed)
    objective = _Frames(FrameModel(network), train, valid, config)
    trainer = Trainer(
        objective,
        adamw(objective.network, weight_decay=config.weight_decay),
        cosine(config.learning_rate, warmup_steps=100),
        config.length,
        average=config.average,
        products=chosen(config.products)[0],
        validation=Every(share=1 / config.validations),
        validated=lambda found: watch(trainer.done, found.standing.mean_loss, found.score),
    )
    trainer.run()
    objective.network.load_state_dict(trainer.kept)
    return objective.network.eval()


class _Frames(Objective[tuple[FrameBatch, int]]):
    """Nats a frame of random excerpts."""

    network: FrameModel

    def __init__(
        self,
        network: FrameModel,
        train: Sequence[FramePiece],
        valid: Sequence[FramePiece],
        config: FrameTraining,
    ) -> None:
        self.network, self._config = network, config
        self._batches, self._watched = _batches(train, config), _some(valid)

    def batch(self, step: int) -> tuple[FrameBatch, int]:
        return next(self._batches)

    def loss(self, batch: tuple[FrameBatch, int]) -> Loss:
        excerpts, count = batch
        state = self.network.initial_state(self._config.batch)
        return Loss(self.network(excerpts, state)[0].sum(), count)

    def validate(self, network: nn.Module, standing: Standing) -> float:
        return score(cast(FrameModel, network), self._watched)


def _some(pieces: Sequence[FramePiece]) -> Sequence[FramePiece]:
    """Pieces from all over a split, enough to choose weights by."""
    every = math.ceil(sum(map(len, pieces)) / _WATCHED_FRAMES)
    return sorted(pieces, key=len)[::every]


def _batches(
    pieces: Sequence[FramePiece], config: FrameTraining
) -> Iterator[tuple[FrameBatch, int]]:
    """Random excerpts for ever, and the number of frames in each batch."""
    rng = np.random.default_rng(config.seed)
    lengths = np.array([len(piece) for piece in pieces], float)
    while True:
        parts = []
        for index in rng.choice(len(pieces), config.batch, p=lengths / lengths.sum()):
            piece = pieces[index]
            count = min(len(piece), config.excerpt)
            # Beginnings are rare in long pieces, and every piece is scored from its beginning.
            start = 0 if rng.random() < 0.1 else int(rng.integers(len(piece) - count + 1))
            shift = _random_shift(piece.roll, rng) if rng.random() < config.shift_share else 0
            parts.append((piece, start, count, shift))
        yield batch_of(parts), sum(count for _, _, count, _ in parts)


def _random_shift(roll: np.ndarray, rng: Rng) -> int:
    """A transposition that keeps all notes on the keyboard."""
    used = np.flatnonzero(roll.any((0, 1)))
    if not len(used):
        return 0
    return int(rng.choice([s for s in SHIFTS if s >= -used[0] and s < PITCHES - used[-1]]))


def score(model: FrameModel, pieces: Sequence[FramePiece]) -> float:
    """Nats a frame over all frames but the first of each piece, in micro average."""
    return float(np.concatenate(frame_nats(model, pieces)).mean())


@torch.no_grad()
def frame_nats(model: FrameModel, pieces: Sequence[FramePiece]) -> list[np.ndarray]:
    """Nats of each scored frame of each piece [frames - 1], teacher forced from a fresh state."""
    model.eval()
    found = [np.zeros(len(piece)) for piece in pieces]
    order = sorted(range(len(pieces)), key=lambda index: len(pieces[index]))
    for first in range(0, len(order), _SCORED_TOGETHER):
        group = order[first : first + _SCORED_TOGETHER]
        state = model.initial_state(len(group))
        for start in range(0, len(pieces[group[-1]]), _CHUNK):
            rows = [row for row, index in enumerate(group) if len(pieces[index]) > start]
            parts = []
            for index in group[rows[0] :]:
                count = min(_CHUNK, len(pieces[index]) - start)
                parts.append((pieces[index], start, count, 0))
            group, state = group[rows[0] :], [_rows(old, rows) for old in state]
            batch = batch_of(parts)
            nats, state = model(batch, state)
            sums = _sums(nats, batch.frame, batch.maps.shape[0] * len(parts))
            sums = sums.reshape(-1, len(parts))
            for row, (index, (_, _, count, _)) in enumerate(zip(group, parts, strict=True)):
                found[index][start : start + count] = sums[:count, row]
    return found


def _rows(state: State, rows: list[int]) -> State:
    return tuple(tensor[rows] for tensor in state)


def _sums(nats: Tensor, frame: Tensor, count: int) -> np.ndarray:
    return torch.zeros(count).index_add_(0, frame, nats).double().numpy()
