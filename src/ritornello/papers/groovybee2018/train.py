"""Learning of `groovybee2018`: windows of velocity rolls, training by time, forecasts, generation.

A window is ``sequence`` ticks of one part; its target is the tick after them. The form that keeps
its state reads the windows of a part in order, many parts side by side; the other reads all
windows in random order.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ritornello.papers.groovybee2018.model import FORMS, StackedLSTM, SteppedLSTM

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


def shuffled_batches(music: Windows, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Batches of all windows, each once, in random order."""
    order = random.permutation(len(music))
    yield from (order[start : start + BATCH] for start in range(0, len(order), BATCH))


def side_by_side(
    music: Windows, batch: int, random: np.random.Generator | None = None
) -> Iterator[np.ndarray]:
    """Batches of all windows, each once: lane b of a batch goes on where it was in the last one.

    A lane holds whole parts, one after another. The longest lane comes first, so that a lane that
    has ended leaves the others in their places.

    Args:
        batch: lanes.
        random: deals the parts out in random order, and lets each lane begin anywhere and come
            round, as a short training would else hear beginnings only. None: longest parts first.
    """
    starts = np.flatnonzero(music.fresh)
    parts = np.split(np.arange(len(music)), starts[1:]) if len(starts) else []
    if random is None:
        parts.sort(key=len, reverse=True)
    else:
        parts = [parts[index] for index in random.permutation(len(parts))]
    lanes: list[list[np.ndarray]] = [[] for _ in range(min(batch, len(parts)))]
    sizes = [0] * len(lanes)
    for part in parts:
        shortest = sizes.index(min(sizes))
        lanes[shortest].append(part)
        sizes[shortest] += len(part)
    whole = sorted((np.concatenate(lane) for lane in lanes), key=len, reverse=True)
    if random is not None:
        whole = [np.roll(lane, random.integers(len(lane))) for lane in whole]
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


@dataclass
class Run:
    """One network in training.

    Attributes:
        windows_read, seconds: so far. epochs: times the music was read through.
        curve: (minutes, mean squared error in squared velocities, in training) now and then.
    """

    form: str
    network: Network
    optimiser: torch.optim.Optimizer
    windows_read: int = 0
    seconds: float = 0.0
    epochs: float = 0.0
    curve: list[tuple[float, float]] = field(default_factory=list)

    @property
    def seconds_per_epoch(self) -> float:
        return self.seconds / self.epochs if self.epochs else float("nan")


def train(
    form: str,
    music: Windows,
    settings: dict[str, Any],
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
        keep: a file that gets the state after each time through the music, and from which a run
            that was stopped goes on.
    """
    torch.manual_seed(seed)
    network = FORMS[form](settings["hidden"], settings["layers"], settings["dropout"])
    run = Run(form, network, torch.optim.Adam(network.parameters(), settings["learning_rate"]))
    if keep is not None and keep.is_file():
        _resume(run, keep)
    passes = round(run.epochs)
    while run.seconds < seconds:
        before = run.windows_read
        random = np.random.default_rng([seed, passes])
        _read_through(run, music, random, seconds)
        passes += 1
        run.epochs += (run.windows_read - before) / len(music)
        if keep is not None and run.seconds < seconds:
            _save(run, keep)
    network.eval()
    return run


def _read_through(
    run: Run, music: Windows, random: np.random.Generator, until_seconds: float
) -> None:
    """One time through the music, or until the time is up."""
    started, before = time.monotonic(), run.seconds
    network, state = run.network.train(), None
    keeps = network.keeps_state
    losses: list[float] = []
    for batch in side_by_side(music, BATCH, random) if keeps else shuffled_batches(music, random):
        rows = music.read(batch)
        forecast, state = network(rows[:-1], _carry_state(network, state, music.fresh[batch]))
        loss = F.mse_loss(forecast, rows[-1])
        run.optimiser.zero_grad()
        loss.backward()
        run.optimiser.step()
        run.windows_read += len(batch)
        run.seconds = before + time.monotonic() - started
        losses.append(loss.item() * LOUDEST**2)
        done = run.seconds >= until_seconds
        if len(losses) == 50 or done:
            run.curve.append((run.seconds / 60, float(np.mean(losses))))
            losses = []
        if done:
            return


def _save(run: Run, path: Path) -> None:
    partial = path.with_suffix(".partial")
    facts = {name: getattr(run, name) for name in ("windows_read", "seconds", "epochs", "curve")}
    weights = {"network": run.network.state_dict(), "optimiser": run.optimiser.state_dict()}
    torch.save({**weights, **facts}, partial)
    partial.replace(path)


def _resume(run: Run, path: Path) -> None:
    kept = torch.load(path, weights_only=True)
    run.network.load_state_dict(kept.pop("network"))
    run.optimiser.load_state_dict(kept.pop("optimiser"))
    for name, value in kept.items():
        setattr(run, name, value)


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
