"""Learning of `groovybee2018`: windows of velocity rolls, training by time, forecasts, generation.

A window is ``sequence`` ticks of one part; its target is the tick after them. The form that keeps
its state reads the windows of a part in order, many parts side by side; the other reads all
windows in random order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ritornello.json_values import JsonObject
from ritornello.papers.groovybee2018.model import FORMS, StackedLSTM, SteppedLSTM
from ritornello.rng import Rng
from ritornello.training.optimisation import constant
from ritornello.training.run_length import Length
from ritornello.training.run_state import TrainingState
from ritornello.training.trainer import Loss, Objective, Step, Trainer

BATCH = 32  # the report gives none
LOUDEST = 127
Network = StackedLSTM | SteppedLSTM


@dataclass(frozen=True)
class Windows:
    """Windows over many parts laid end to end.

    Attributes:
        rows: uint8 [ticks of all parts, 128].
        targets: int64 [windows], the row that follows each window, parts in order.
        fresh: bool [windows], whether the window is the first of its part.
        sequence: rows in a window.
    """

    rows: np.ndarray
    targets: np.ndarray
    fresh: np.ndarray
    sequence: int

    def __len__(self) -> int:
        return len(self.targets)

    def read(self, index: np.ndarray) -> Tensor:
        """Windows with their targets, float32 [sequence + 1, windows, 128] from 0 to 1."""
        ticks = self.targets[index] + np.arange(-self.sequence, 1)[:, None]
        return torch.as_tensor(self.rows[ticks]).float() / LOUDEST


def windows(
    rolls: Sequence[np.ndarray], sequence: int, step: int, first: int | None = None
) -> Windows:
    """The windows of parts, (length - sequence) / step of each.

    Args:
        rolls: uint8 [ticks, 128] each.
        sequence: rows in a window. step: rows from one window to the next.
        first: the first target of a part; by default ``sequence``. With one value for several
            sequences all have the same targets.
    """
    first = sequence if first is None else first
    targets, fresh, start = [], [], 0
    for roll in rolls:
        found = np.arange(first, len(roll), step)
        targets.append(start + found)
        fresh.append(found == first)
        start += len(roll)
    rows = np.concatenate([np.zeros((0, 128), np.uint8), *rolls])
    return Windows(
        rows,
        np.concatenate([np.zeros(0, np.int64), *targets]),
        np.concatenate([np.zeros(0, bool), *fresh]),
        sequence,
    )


def shuffled_batches(music: Windows, rng: Rng) -> Iterator[np.ndarray]:
    """Batches of all windows, each once, in random order."""
    order = rng.permutation(len(music))
    yield from (order[start : start + BATCH] for start in range(0, len(order), BATCH))


def side_by_side(music: Windows, batch: int, rng: Rng | None = None) -> Iterator[np.ndarray]:
    """Batches of all windows, each once: lane b of a batch goes on where it was in the last one.

    A lane holds whole parts, one after another. The longest lane comes first, so that a lane that
    has ended leaves the others in their places.

    Args:
        batch: lanes.
        rng: deals the parts out in random order, and lets each lane begin anywhere and come
            round, as a short training would else hear beginnings only. None: longest parts first.
    """
    starts = np.flatnonzero(music.fresh)
    parts = np.split(np.arange(len(music)), starts[1:]) if len(starts) else []
    if rng is None:
        parts.sort(key=len, reverse=True)
    else:
        parts = [parts[index] for index in rng.permutation(len(parts))]
    lanes: list[list[np.ndarray]] = [[] for _ in range(min(batch, len(parts)))]
    sizes = [0] * len(lanes)
    for part in parts:
        shortest = sizes.index(min(sizes))
        lanes[shortest].append(part)
        sizes[shortest] += len(part)
    whole = sorted((np.concatenate(lane) for lane in lanes), key=len, reverse=True)
    if rng is not None:
        whole = [np.roll(lane, rng.integers(len(lane))) for lane in whole]
    for at in range(max(sizes, default=0)):
        yield np.array([lane[at] for lane in whole if at < len(lane)])


def _carry_state(
    network: Network, state: tuple[Tensor, Tensor] | None, fresh: np.ndarray
) -> tuple[Tensor, Tensor]:
    """The state to begin a batch with: what was kept, zeros for fresh parts and where none is."""
    if state is None or not network.keeps_state:
        return network.initial_state(len(fresh))
    kept = torch.as_tensor(~fresh, dtype=torch.float32)[:, None]
    return (
        state[0][:, : len(fresh)].detach() * kept,
        state[1][:, : len(fresh)].detach() * kept,
    )


@dataclass(frozen=True)
class Run:
    """One network after training.

    Attributes:
        windows_read, seconds: in all. epochs: times the music was read through.
        curve: (minutes, mean squared error in squared velocities, in training) now and then.
    """

    form: str
    network: Network
    windows_read: int
    seconds: float
    epochs: float
    curve: list[tuple[float, float]]

    @property
    def seconds_per_epoch(self) -> float:
        return self.seconds / self.epochs if self.epochs else float("nan")


def train(
    form: str,
    music: Windows,
    settings: JsonObject,
    *,
    seconds: float,
    seed: int,
    keep: Path | None = None,
) -> Run:
    """Teach a network for a time.

    Args:
        form: a name in `FORMS`. music: to learn. settings: of the recipe.
        seconds: of training; the last batch begins within them.
        seed: of weights, order and dropout.
        keep: a file that gets the state, and from which a run that was stopped goes on.
    """
    torch.manual_seed(seed)
    network = FORMS[form](settings["hidden"], settings["layers"], settings["dropout"])
    objective = _Forecasting(network, music, seed)
    trainer = Trainer(
        objective,
        torch.optim.Adam(network.parameters(), settings["learning_rate"]),
        constant(settings["learning_rate"]),
        Length(seconds=max(seconds, 1e-9), with_validation=False),
        clip=None,
        keep=keep,
        stepped=lambda step: objective.stepped(step, trainer.spent.seconds, trainer.finished),
    )
    trainer.resume()
    trainer.run()
    windows_read = objective.windows_read
    return Run(
        form,
        network.eval(),
        windows_read,
        trainer.spent.seconds,
        windows_read / len(music),
        objective.curve,
    )


class _Forecasting(Objective[np.ndarray]):
    """The tick after a window; batches are indices of windows.

    Attributes:
        windows_read, curve: see `Run`.
    """

    network: Network

    def __init__(self, network: Network, music: Windows, seed: int) -> None:
        self.network, self._music, self._seed = network, music, seed
        self.windows_read = 0
        self.curve: list[tuple[float, float]] = []
        self._pass, self._place = 0, 0  # times through the music, and batches of this one
        self._batches = self._read_through()
        self._state: tuple[Tensor, Tensor] | None = None
        self._losses: list[float] = []

    def _read_through(self) -> Iterator[np.ndarray]:
        rng = np.random.default_rng([self._seed, self._pass])
        if self.network.keeps_state:
            return side_by_side(self._music, BATCH, rng)
        return shuffled_batches(self._music, rng)

    def batch(self, step: int) -> np.ndarray:
        batch = next(self._batches, None)
        if batch is None:
            self._pass, self._place, self._state = self._pass + 1, 0, None
            self._batches = self._read_through()
            batch = next(self._batches)
        self._place += 1
        self.windows_read += len(batch)
        return batch

    def loss(self, batch: np.ndarray) -> Loss:
        rows = self._music.read(batch)
        state = _carry_state(self.network, self._state, self._music.fresh[batch])
        forecast, self._state = self.network(rows[:-1], state)
        return Loss(F.mse_loss(forecast, rows[-1]))

    def stepped(self, step: Step, seconds: float, finished: bool) -> None:
        """Draw the curve on."""
        self._losses.append(step.loss * LOUDEST**2)
        if len(self._losses) == 50 or finished:
            self.curve.append((seconds / 60, float(np.mean(self._losses))))
            self._losses = []

    def state(self) -> TrainingState:
        state = None if self._state is None else [part.detach() for part in self._state]
        names = ("windows_read", "curve", "_pass", "_place", "_losses")
        return {"state": state, **{name: getattr(self, name) for name in names}}

    def restore(self, state: TrainingState) -> None:
        kept = state.pop("state")
        for name, value in state.items():
            setattr(self, name, value)
        self._state = None if kept is None else (kept[0], kept[1])
        self._batches = self._read_through()
        for _ in range(self._place):
            next(self._batches)


@torch.no_grad()
def forecasts(network: Network, music: Windows) -> np.ndarray:
    """The vector that a network expects after each window, float32 [windows, 128], 0 to 127."""
    found = np.zeros((len(music), music.rows.shape[1]), np.float32)
    state = None
    for batch in side_by_side(music, 8 * BATCH):
        rows = music.read(batch)
        forecast, state = network(rows[:-1], _carry_state(network, state, music.fresh[batch]))
        found[batch] = forecast.numpy() * LOUDEST
    return found.clip(0, LOUDEST)


@torch.no_grad()
def generate(network: Network, seeds: np.ndarray, ticks: int) -> np.ndarray:
    """Feed windows, then each forecast in its turn.

    Args:
        seeds: uint8 [sequence, parts, 128], a window of each part.
        ticks: to write.

    Returns:
        float32 [ticks, parts, 128], 0 to 127, without the windows.
    """
    rows = torch.as_tensor(seeds).float() / LOUDEST
    state = network.initial_state(rows.shape[1])
    written = []
    for _ in range(ticks):
        forecast, after = network(rows, state)
        forecast = forecast.clamp(0, 1)
        written.append(forecast)
        if network.keeps_state:
            rows, state = forecast[None], after
        else:
            rows = torch.cat([rows[1:], forecast[None]])
    return torch.stack(written).numpy() * LOUDEST
