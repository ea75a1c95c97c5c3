"""Settings of a training run, and what fits an amount of music."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from ritornello.errors import ConfigError
from ritornello.json_values import JsonObject


@dataclass(frozen=True)
class TrainConfig:
    """How to train. A run ends after ``minutes``, ``steps`` or ``notes``, whichever is given.

    Attributes:
        minutes: time for training, validation included. set_aside: seconds of them that go to what
            is before and after it.
        steps: of the optimiser.
        notes: that are composed, repeats counted.
        cell, layers, width, head_width, dropout: see `NoteModelConfig`.
        batch: rows of a batch. chunk: events a row and step. excerpt: notes that a row reads of a
            piece at most, before it goes on with another.
        learning_rate: the highest, reached after ``warmup`` of the run, then falling as a cosine.
        weight_decay: of matrices only. clip: largest norm of the gradient.
        average: how much of a moving average of the weights a step keeps; the average is what is
            validated and kept. None keeps the weights themselves.
        products: kind of matrix products, see `ritornello.training.products`; the fastest where
            "auto". Which that is depends on what else a machine does when a run begins: name a
            kind for two runs to be the same to the last bit.
        plan: whether the network is told the plan of each piece, in part and at random; see
            `ritornello.note_model.encoding.bar_plan`.
        tasks: whether notes are given now and then, so that the model also learns to continue, fill
            and arrange; see `ritornello.note_model.encoding.tasks`.
        vary_drums: whether drums change for others of their kind in half of what is read, see
            `ritornello.corpus.augment.vary_drums`; it helps where there is little drumming.
        shares: share of the notes from each collection; by size where None.
        validate_every: steps between validations.
        patience: validations without a gain before stopping early; 0 never stops early.
        threads: of torch; None leaves the choice to torch.
        seed: of everything random.
    """

    minutes: float | None = None
    set_aside: float | None = None
    steps: int | None = None
    notes: int | None = None
    cell: str = "qrnn"
    layers: int = 3
    width: int = 384
    head_width: int = 256
    dropout: float = 0.1
    batch: int = 16
    chunk: int = 256
    excerpt: int = 2048
    learning_rate: float = 2e-3
    warmup: float = 0.02
    weight_decay: float = 0.02
    clip: float = 1.0
    average: float | None = None
    products: str = "auto"
    open_probability: float = 0.15
    plan: bool = False
    tasks: bool = True
    vary_drums: bool = False
    shares: dict[str, float] | None = None
    validate_every: int = 200
    validation_events: int = 40_000
    patience: int = 0
    threads: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        lengths = [each for each in (self.minutes, self.steps, self.notes) if each is not None]
        if len(lengths) != 1:
            raise ConfigError("A run needs a length: either minutes or steps or notes.")
        if not 0 < lengths[0] < math.inf:
            raise ConfigError(f"A run's length is positive and ends; found {lengths[0]}.")
        if min(self.batch, self.chunk, self.excerpt, self.validate_every) < 1:
            raise ConfigError(
                "Batch, chunk, excerpt and the distance of validations are at least 1."
            )
        if not 0 < self.learning_rate < 1:
            raise ConfigError(
                f"A learning rate is between 0 and 1, such as 0.001; found {self.learning_rate:g}."
            )
        if not 0 <= self.dropout < 1:
            raise ConfigError(
                f"Dropout is a share, from 0 to below 1, such as 0.2; found {self.dropout:g}."
            )


class NetworkSize(NamedTuple):
    """A network, and batches to train it with, that fit an amount of music."""

    up_to_notes: float
    layers: int
    width: int
    head_width: int
    dropout: float
    batch: int
    chunk: int


# The more notes there are to learn from, the larger the network may be before it learns them by
# heart, and the less it must be held back by dropout. Little music is learned best in many small
# steps: on 40,000 notes of hymns 90 seconds of one processor reached 2.50 nats a note with batches
# of 8 x 128 events, 2.65 with 16 x 128 and 3.73 with 16 x 256.
NETWORK_SIZES = (
    NetworkSize(30_000, layers=2, width=128, head_width=96, dropout=0.35, batch=8, chunk=128),
    NetworkSize(150_000, layers=2, width=192, head_width=128, dropout=0.3, batch=8, chunk=128),
    NetworkSize(600_000, layers=3, width=256, head_width=192, dropout=0.2, batch=16, chunk=128),
    NetworkSize(5_000_000, layers=3, width=384, head_width=256, dropout=0.1, batch=16, chunk=128),
    NetworkSize(
        float("inf"), layers=3, width=512, head_width=320, dropout=0.05, batch=16, chunk=256
    ),
)


# What two laptop cores read of a small network's music in a minute is some 300,000 notes. A network
# that sees each note less than three times is better smaller, and trained in more steps.
_NOTES_A_MINUTE = 100_000


def network_size(notes: int, minutes: float | None = None) -> NetworkSize:
    """The row of `NETWORK_SIZES` for an amount of music and the time to learn it.

    Args:
        notes: to learn from; they decide on the dropout.
        minutes: of learning; None where there is time enough.
    """

    def row(notes: float) -> NetworkSize:
        return next(size for size in NETWORK_SIZES if notes <= size.up_to_notes)

    heard = notes if minutes is None else min(notes, minutes * _NOTES_A_MINUTE)
    return row(heard)._replace(dropout=row(notes).dropout)


def network_settings(notes: int, minutes: float | None = None) -> JsonObject:
    """The settings of `TrainConfig` that suit an amount of music and the time to learn it."""
    settings = network_size(notes, minutes)._asdict()
    del settings["up_to_notes"]
    return settings
