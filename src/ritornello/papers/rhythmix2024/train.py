"""Teaching the stacked LSTM of `rhythmix2024`, scoring it, and letting it go on from a primer.

Figures are nats a note in two parts that any model of single lines can be asked for: ``pitch``,
of the notes; and ``time``, of durations and of whether a rest comes. The pitch output of the
network chooses a rest as one of its classes, so its nats are split exactly:
-log p(class) = -log p(rest or note) - log p(pitch | note).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import nn

from ritornello.papers.rhythmix2024.encoding import DURATIONS, NONE, PITCHES, REST
from ritornello.papers.rhythmix2024.model import EventLSTM, EventLSTMConfig
from ritornello.rng import Rng
from ritornello.training.optimisation import constant
from ritornello.training.run_length import Every
from ritornello.training.run_length import Length as Minutes
from ritornello.training.trainer import Loss, Objective, Standing, Trainer

PARTS = ("pitch", "time")
VALIDATIONS = 8
_VALIDATION_EVENTS = 10_000
_LONGEST_VALIDATED = 250
_CHUNK = 256
_CLIP = 1.0
_BIGRAM_WEIGHT = 4.0  # of the unigram, in counts, where a context is rare


@dataclass(frozen=True)
class Length:
    """How long to train: minutes of a clock, which counts seconds."""

    minutes: float
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class Trained:
    """A model with the weights that were best on validation.

    Attributes:
        model: of `EventLSTM`, for playing.
        nats_per_note: on validation.
        steps, events: that it learned from, repeats counted.
        curve: seconds since the start, and nats a note on validation.
    """

    model: EventLSTM
    nats_per_note: float
    steps: int
    events: int
    curve: tuple[list[float], list[float]]


def train(
    lines: Sequence[np.ndarray],
    valid: Sequence[np.ndarray],
    config: EventLSTMConfig,
    *,
    learning_rate: float,
    batch: int,
    window: int,
    length: Length,
    seed: int,
    report: Callable[[int, float], None] = lambda number, nats_per_note: None,
) -> Trained:
    """Train with Adam at a constant learning rate on windows drawn at random.

    Args:
        lines, valid: events of lines to learn from, and to choose the best weights by.
        batch: windows a step. window: events of each.
        report: called after each of the validations; may raise to end the training.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    objective = _Lines(EventLSTM(config), windows(lines, batch, window, rng), batch, valid)
    trainer = Trainer(
        objective,
        torch.optim.Adam(objective.network.parameters(), learning_rate),
        constant(learning_rate),
        Minutes(seconds=60 * length.minutes, clock=length.clock),
        clip=_CLIP,
        validation=Every(share=1 / VALIDATIONS),
        validated=lambda found: report(trainer.validations, found.score),
    )
    trainer.run()
    objective.network.load_state_dict(trainer.kept)
    steps = trainer.spent.steps
    return Trained(
        objective.network.eval(),
        trainer.best_score,
        steps,
        steps * batch * window,
        objective.curve,
    )


class _Lines(Objective[tuple[torch.Tensor, torch.Tensor]]):
    """Nats a note of windows of lines.

    Attributes:
        curve: see `Trained`.
    """

    network: EventLSTM

    def __init__(
        self,
        network: EventLSTM,
        draw: Iterator[tuple[torch.Tensor, torch.Tensor]],
        batch: int,
        valid: Sequence[np.ndarray],
    ) -> None:
        self.network, self._draw, self._batch = network, draw, batch
        self._valid = _beginnings(valid)
        self.curve: tuple[list[float], list[float]] = ([], [])

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        return next(self._draw)

    def loss(self, batch: tuple[torch.Tensor, torch.Tensor]) -> Loss:
        nats, _ = self.network.nats(*batch, self.network.initial_state(self._batch))
        return Loss(nats.sum(-1).mean())

    def validate(self, network: nn.Module, standing: Standing) -> float:
        found = float(nats_per_note(cast(EventLSTM, network), self._valid).sum())
        self.curve[0].append(standing.spent.seconds)
        self.curve[1].append(found)
        return found


def windows(
    lines: Sequence[np.ndarray], batch: int, window: int, rng: Rng
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches without end: the events before, and the events, int64 [window, batch, 2] each.

    A line is drawn by its length. The first window of a line has `NONE` before it; short lines
    are filled up with `NONE`.
    """
    padded = [np.concatenate([[NONE], line]) for line in lines]
    sizes = np.array([len(line) for line in lines])
    chances = sizes / sizes.sum()
    while True:
        chosen = rng.choice(len(lines), batch, p=chances)
        starts = rng.integers(np.maximum(1, sizes[chosen] - window + 1))
        rows = np.tile(np.array(NONE), (window + 1, batch, 1))
        for column, (line, start) in enumerate(zip(chosen, starts, strict=True)):
            part = padded[line][start : start + window + 1]
            rows[: len(part), column] = part
        yield torch.as_tensor(rows[:-1]), torch.as_tensor(rows[1:])


def _beginnings(lines: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The beginnings of lines spread evenly, about `_VALIDATION_EVENTS` in all."""
    wanted = max(1, _VALIDATION_EVENTS // _LONGEST_VALIDATED)
    return [line[:_LONGEST_VALIDATED] for line in lines[:: max(1, len(lines) // wanted)]]


# --- figures -----------------------------------------------------------------------------------


@torch.no_grad()
def nats_per_note(model: EventLSTM, lines: Sequence[np.ndarray]) -> np.ndarray:
    """Exact nats a note of whole lines, teacher forced, the state new with each; [pitch, time]."""
    was_training = model.training
    model.eval()
    total = np.zeros(len(PARTS))
    ordered = sorted(lines, key=len)
    for first in range(0, len(ordered), 64):
        rows = ordered[first : first + 64]
        table = np.tile(np.array(NONE), (len(rows[-1]) + 1, len(rows), 1))
        for column, row in enumerate(rows):
            table[1 : len(row) + 1, column] = row
        state = model.initial_state(len(rows))
        for start in range(0, len(rows[-1]), _CHUNK):
            part = torch.as_tensor(table[start : start + _CHUNK + 1])
            pitch, duration, state = model(part[:-1], state)
            events = part[1:].numpy()
            here = events[..., 0] < PITCHES
            logs = [scores.log_softmax(-1).double().numpy()[here] for scores in (pitch, duration)]
            total += _parts(logs[0], logs[1], events[here])
    model.train(was_training)
    return total / _note_count(lines)


def _parts(pitch_logs: np.ndarray, duration_logs: np.ndarray, events: np.ndarray) -> np.ndarray:
    """Nats of events [pitch, time], from log probabilities [events, classes]."""
    row = np.arange(len(events))
    whole = -pitch_logs[row, events[:, 0]].sum()
    rests = events[:, 0] == REST
    log_rest = pitch_logs[:, REST]
    choice = -np.where(rests, log_rest, np.log1p(-np.exp(np.minimum(log_rest, -1e-12)))).sum()
    return np.array([whole - choice, choice - duration_logs[row, events[:, 1]].sum()])


def ngram_nats_per_note(
    taught: Sequence[np.ndarray], lines: Sequence[np.ndarray]
) -> dict[str, np.ndarray]:
    """Counts of events as a baseline: {"unigram": [pitch, time], "bigram": [pitch, time]}.

    The bigram predicts pitch from the pitch before and duration from the duration before. Counts
    are smoothed by a half.
    """
    tables: dict[str, list[np.ndarray]] = {"unigram": [], "bigram": []}
    before = np.concatenate([np.concatenate([[NONE], line[:-1]]) for line in lines])
    events = np.concatenate(lines)
    for column, size in enumerate((PITCHES, DURATIONS)):
        counts = np.zeros((size + 1, size))
        for line in taught:
            np.add.at(counts, (np.append(NONE[column], line[:-1, column]), line[:, column]), 1)
        single = counts.sum(axis=0) + 0.5
        single /= single.sum()
        pair = counts + _BIGRAM_WEIGHT * single
        pair /= pair.sum(axis=1, keepdims=True)
        tables["unigram"].append(np.log(np.broadcast_to(single, (len(events), size))))
        tables["bigram"].append(np.log(pair)[before[:, column]])
    notes = _note_count(lines)
    return {name: _parts(logs[0], logs[1], events) / notes for name, logs in tables.items()}


def _note_count(lines: Sequence[np.ndarray]) -> int:
    return sum(int((line[:, 0] != REST).sum()) for line in lines)


# --- going on from a primer --------------------------------------------------------------------


@torch.no_grad()
def continue_primers(
    model: EventLSTM,
    primers: Sequence[np.ndarray],
    events: int,
    *,
    seed: int,
    temperature: float = 1.0,
) -> list[np.ndarray]:
    """Go on from each primer; all have the same number of events.

    Returns:
        the new events of each, int64 [events, 2], without the primer.
    """
    rng = torch.Generator().manual_seed(seed)
    rows = torch.as_tensor(np.stack(primers, axis=1))
    first = torch.tensor(NONE).expand(1, len(primers), 2)
    _, _, state = model(torch.cat([first, rows[:-1]]), model.initial_state(len(primers)))
    event, made = rows[-1], []
    for _ in range(events):
        *logits, state = model.step(event, state)
        drawn = [
            torch.multinomial((scores / temperature).softmax(-1), 1, generator=rng)
            for scores in logits
        ]
        event = torch.cat(drawn, dim=-1)
        made.append(event)
    return [*torch.stack(made, dim=1).numpy()]
