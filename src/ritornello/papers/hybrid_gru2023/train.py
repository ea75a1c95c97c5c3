"""The networks of `hybrid-gru2023` at work: training, foreseeing real notes, writing new ones."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from ritornello.json_values import JsonObject
from ritornello.papers.hybrid_gru2023.encoding import PITCH, STEP
from ritornello.papers.hybrid_gru2023.model import PsdConfig, PsdRnn, State, losses
from ritornello.training.optimisation import constant
from ritornello.training.run_length import Every, Length
from ritornello.training.trainer import Loss, Objective, Standing, Trainer

_NO_NOTE = np.zeros(3)  # what stands before the first note
_WATCH_EVERY = 50  # updates


@dataclass(frozen=True)
class Trained:
    """A network after training.

    Attributes:
        curve: (updates done, validation loss, validation pitch accuracy), now and then.
    """

    model: PsdRnn
    seconds: float
    updates: int
    epochs: float
    curve: list[tuple[int, float, float]]

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())


@dataclass(frozen=True)
class Foreseen:
    """What a network foresaw of each note but the first of some pieces.

    Attributes:
        true: the notes, float64 [notes, 3].
        pitch_nats: [notes]. likeliest: its pitch [notes].
        step, duration: predicted, in beats, never negative [notes].
        loss: the loss of each field, averaged over the notes.
    """

    true: np.ndarray
    pitch_nats: np.ndarray
    likeliest: np.ndarray
    step: np.ndarray
    duration: np.ndarray
    loss: dict[str, float]


class Streams:
    """The rows of a batch, each reading one random piece after another, a window at a time.

    A row keeps its state from window to window, and starts anew with each piece. Of a piece's last
    window only its own notes count.
    """

    def __init__(self, pieces: Sequence[np.ndarray], batch: int, window: int, seed: int) -> None:
        self.window = window
        self._pieces = [np.concatenate([[_NO_NOTE], piece]) for piece in pieces]
        self._random = np.random.default_rng(seed)
        self._piece = np.zeros(batch, np.int64)
        self._at = np.full(batch, -1)  # notes read; -1: draw a piece

    def next(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Notes float32 [window + 1, batch, 3], of which the last ``window`` are to be foreseen;
        bool [window, batch], where there is one; bool [batch], where a piece starts."""
        batch = len(self._at)
        notes = np.zeros((self.window + 1, batch, 3), np.float32)
        present = np.zeros((self.window, batch), bool)
        starts = self._at < 0
        self._piece[starts] = self._random.integers(len(self._pieces), size=int(starts.sum()))
        self._at[starts] = 0
        for row in range(batch):
            piece = self._pieces[self._piece[row]]
            part = piece[self._at[row] : self._at[row] + self.window + 1]
            notes[: len(part), row] = part
            present[: len(part) - 1, row] = True
            self._at[row] += self.window
            if self._at[row] >= len(piece) - 1:
                self._at[row] = -1
        return notes, present, starts


def train_net(
    config: PsdConfig,
    taught: Sequence[np.ndarray],
    watched: Sequence[np.ndarray],
    settings: JsonObject,
    seed: int,
    watch: Callable[[float], None] = lambda done: None,
) -> Trained:
    """Train until the epochs or the seconds are over, whichever comes first.

    Seconds are of processor time, so that a busy machine does not cut the training short. An epoch
    is as many notes as the training pieces have. The loss is the weighted sum of the
    fields' losses, averaged over the notes of a batch.

    Args:
        taught, watched: pieces as rows of (pitch, step, duration).
        settings: of the recipe: batch, window, learning_rate, epochs, seconds_each, loss_weights.
        watch: called after each update with the share of the training that is done.
    """
    torch.manual_seed(seed)
    objective = _Notes(PsdRnn(config), taught, watched, settings, seed)
    model, epoch = objective.network, sum(map(len, taught))
    trainer = Trainer(
        objective,
        torch.optim.Adam(model.parameters(), lr=settings["learning_rate"]),
        constant(settings["learning_rate"]),
        Length(
            count=settings["epochs"] * epoch,
            seconds=settings["seconds_each"],
            clock=time.process_time,
            with_validation=False,
        ),
        clip=None,
        validation=Every(steps=_WATCH_EVERY),
        stepped=lambda step: watch(trainer.done),
    )
    trainer.run()
    spent = trainer.spent
    return Trained(model.eval(), spent.seconds, spent.steps, spent.count / epoch, objective.curve)


class _Notes(Objective[tuple[np.ndarray, np.ndarray, np.ndarray]]):
    """The weighted sum of the fields' losses; batches are those of `Streams`.

    Attributes:
        curve: see `Trained`.
    """

    network: PsdRnn

    def __init__(
        self,
        network: PsdRnn,
        taught: Sequence[np.ndarray],
        watched: Sequence[np.ndarray],
        settings: JsonObject,
        seed: int,
    ) -> None:
        self.network, self._watched, self._settings = network, watched, settings
        self._streams = Streams(taught, settings["batch"], settings["window"], seed)
        self._state = network.initial_state(settings["batch"])
        self.curve: list[tuple[int, float, float]] = []

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self._streams.next()

    def loss(self, batch: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Loss:
        notes, present, starts = batch
        rows, keep = torch.as_tensor(notes), torch.as_tensor(~starts)[None, :, None]
        state = [tuple(part.detach() * keep for part in layer) for layer in self._state]
        prediction, self._state = self.network(rows[:-1], state)
        here = torch.as_tensor(present)
        sums = {name: loss[here].sum() for name, loss in losses(prediction, rows[1:]).items()}
        return Loss(_weighted_loss(sums, self._settings), int(present.sum()))

    def validate(self, network: nn.Module, standing: Standing) -> float:
        now = foresee(cast(PsdRnn, network), self._watched)
        hits = float((now.likeliest == now.true[:, PITCH]).mean())
        loss = float(_weighted_loss(now.loss, self._settings))
        self.curve.append((standing.spent.steps, loss, hits))
        return loss


def _weighted_loss(loss: JsonObject, settings: JsonObject) -> Any:
    return sum(weight * loss[name] for name, weight in settings["loss_weights"].items())


@torch.no_grad()
def foresee(model: PsdRnn, pieces: Sequence[np.ndarray]) -> Foreseen:
    """Read whole pieces, state new for each, and predict each note but the first from its past."""
    longest = max(map(len, pieces))
    notes = np.zeros((longest + 1, len(pieces), 3), np.float32)
    present = np.zeros((longest, len(pieces)), bool)
    for row, piece in enumerate(pieces):
        notes[1 : len(piece) + 1, row] = piece
        present[1 : len(piece), row] = True
    rows, here = torch.as_tensor(notes), torch.as_tensor(present)
    prediction, _ = model(rows[:-1], model.initial_state(len(pieces)))
    found = {name: loss[here] for name, loss in losses(prediction, rows[1:]).items()}
    return Foreseen(
        rows[1:][here].double().numpy(),
        found["pitch"].double().numpy(),
        prediction.pitch.argmax(-1)[here].numpy(),
        prediction.step[here].clamp(min=0).double().numpy(),
        prediction.duration[here].clamp(min=0).double().numpy(),
        {name: float(loss.mean()) for name, loss in found.items()},
    )


@torch.no_grad()
def write_notes(
    model: PsdRnn,
    primers: Sequence[np.ndarray],
    *,
    beats: float = math.inf,
    most_notes: int = 400,
    sampled: bool = True,
    seed: int = 0,
) -> list[np.ndarray]:
    """Continue primers, note by note, until so many beats or notes are written.

    Args:
        primers: first notes, [notes, 3] each, all of one length; they are not part of the result.
        beats: from the last note of the primer to the last note written.
        sampled: draw the pitch from its distribution; otherwise take the likeliest.

    Returns:
        For each primer rows [notes, 3], one at least; the first step is from the end of the primer.
    """
    rng = torch.Generator().manual_seed(seed)
    start = np.concatenate([np.zeros((len(primers), 1, 3)), np.stack(primers)], axis=1)
    rows = torch.as_tensor(start.swapaxes(0, 1), dtype=torch.float32)
    state: State = model.initial_state(len(primers))
    predictions, state = model(rows, state)
    prediction = type(predictions)(*(part[-1] for part in predictions))
    written: list[torch.Tensor] = []
    passed = torch.zeros(len(primers))
    while len(written) < most_notes and bool((passed < beats).any()):
        if sampled:
            chances = prediction.pitch.softmax(-1)
            pitch = torch.multinomial(chances, 1, generator=rng)[:, 0]
        else:
            pitch = prediction.pitch.argmax(-1)
        step, duration = prediction.step.clamp(min=0), prediction.duration.clamp(min=0)
        note = torch.stack([pitch.float(), step, duration], dim=-1)
        written.append(note)
        passed = passed + step
        prediction, state = model.step(note, state)
    table = torch.stack(written, dim=1).double().numpy()
    inside = np.cumsum(table[..., STEP], axis=1) < beats
    inside[:, 0] = True
    return [notes[keep] for notes, keep in zip(table, inside, strict=True)]
