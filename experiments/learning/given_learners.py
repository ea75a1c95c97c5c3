"""Learners that differ in how they hear the given notes: on one music, with the same tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from experiments.learning.given_models import Blindfolded, Listener
from experiments.learning.given_streams import (
    GivenBatch,
    GivenExcerpt,
    GivenNotes,
    composed_only,
    cut,
    draw,
    merged,
    stacked_given,
    with_given,
)
from experiments.learning.learners import Learner
from ritornello.corpus.augment import augment
from ritornello.music.piece import Piece
from ritornello.note_model.cells.cell import State
from ritornello.note_model.encoding.notes import FIELDS
from ritornello.note_model.encoding.tasks import TASKS
from ritornello.note_model.network import NoteModel, NoteModelConfig, to_tensors
from ritornello.rng import Rng
from ritornello.training.batches import Rows
from ritornello.training.reading_order import Excerpt

LONGEST_EVENTS = 1024  # of a validation piece
_BATCH, _CHUNK = 16, 128  # of validation


@dataclass(frozen=True)
class Way:
    """A way of hearing given notes.

    Attributes:
        network: makes the composer.
        merged: whether they are events of its stream.
        look_ahead: whether it has inputs computed from those to come.
        encoder: whether it has encoders, which read them as a sequence of their own.
    """

    network: Callable[[NoteModelConfig], NoteModel] = NoteModel
    merged: bool = False
    look_ahead: bool = False
    encoder: bool = False


def _listener(*, forward: bool, backward: bool) -> Callable[[NoteModelConfig], NoteModel]:
    return lambda config: Listener(config, forward=forward, backward=backward)


WAYS = {
    "nothing": Way(),
    "merged": Way(Blindfolded, merged=True),
    "causal encoder": Way(_listener(forward=True, backward=False), encoder=True),
    "bidirectional encoder": Way(_listener(forward=True, backward=True), encoder=True),
    "merged + look-ahead": Way(merged=True, look_ahead=True),
    "merged + look-ahead + backward encoder": Way(
        _listener(forward=False, backward=True), merged=True, look_ahead=True, encoder=True
    ),
}
SHIPPED = "merged + look-ahead"


def excerpt(
    way: Way,
    piece: Piece,
    collection: int,
    collections: int,
    rng: Rng,
    *,
    longest: int,
    task: str | None = None,
    open_probability: float = 0.0,
    anywhere: bool = False,
) -> GivenExcerpt:
    """A piece or the span of its first so many events, as a way of hearing has it.

    The span is that of the piece with all its notes, so that it is the same for every way.

    Args:
        anywhere: the span is drawn as in training, and not the first.
    """
    drawn = draw(piece, collection, collections, rng, task=task, open_probability=open_probability)
    if way.merged:
        stream, onsets = merged(drawn, look_ahead=way.look_ahead)
    else:
        stream, onsets = composed_only(drawn)
    spare = len(drawn.encoded.fields) - longest
    start = 0
    if anywhere and spare > 0:  # beginnings and endings more often, as `Rows` has it
        places = np.array([0, spare, rng.integers(spare + 1)])
        start = int(rng.choice(places, p=[0.3, 0.2, 0.5]))
    return cut(with_given(drawn, stream, onsets), onsets, drawn.ticks_of(start, longest))


class GivenRows(Rows):
    """Rows that read the same music in the same order, each as its way of hearing has it."""

    way: Way

    def _stacked(self, chunks: list[Any]) -> GivenBatch:  # type: ignore[override]
        return stacked_given(chunks)

    def _read(self, chosen: Excerpt, rng: Rng) -> GivenExcerpt:  # type: ignore[override]
        known = self.music.collections
        return excerpt(
            self.way, augment(self.music.piece(chosen.piece), rng),
            known.index(self.music.collection_of(chosen.piece)), len(known), rng,
            longest=self.excerpt, open_probability=self.open_probability, anywhere=True,
        )  # fmt: skip


@dataclass
class GivenLearner(Learner):
    """A learner that hears given notes in one of `WAYS`."""

    way: str = SHIPPED

    def __post_init__(self) -> None:
        super().__post_init__()
        self.trainer.identity["way"] = self.way

    def rows(self) -> Rows:
        rows = GivenRows(**self.walk())
        rows.way = WAYS[self.way]
        return rows

    def nats(self, batch: GivenBatch, state: list[State]) -> tuple[Tensor, list[State]]:  # type: ignore[override]
        events = to_tensors(batch.events)
        if WAYS[self.way].encoder:
            given = GivenNotes(*map(torch.as_tensor, batch.given))
            result: tuple[Tensor, list[State]] = self.model(events, state, given)
        else:
            result = self.model(events, state)
        return result

    def validate(self) -> None:
        """Score every task; its time is not counted."""
        found = {task: self._score(task) for task in TASKS}
        whole = {key: sum(one[key] for one in found.values()) for key in ("nats", "notes")}
        self.validations.append(
            {
                "cpu_seconds": round(self.cpu_seconds, 1),
                "nats_per_note": float(whole["nats"].sum() / whole["notes"]),
                "fields": _by_field(whole),
                "tasks": {
                    task: {
                        "nats_per_note": round(float(one["nats"].sum() / one["notes"]), 4),
                        "fields": _by_field(one),
                        "notes": one["notes"],
                    }
                    for task, one in found.items()
                },
            }
        )

    @torch.no_grad()
    def _score(self, task: str) -> dict[str, Any]:
        """Nats of each field over all composed notes of a task, [5], and how many these are."""
        self.model.eval()
        pieces = sorted(self._held_out(task), key=len)
        nats, count = np.zeros(len(FIELDS)), 0
        for first in range(0, len(pieces), _BATCH):
            part = pieces[first : first + _BATCH]
            state = self.model.initial_state(len(part))
            for start in range(0, max(map(len, part)), _CHUNK):
                batch = stacked_given([piece.chunk(start, _CHUNK) for piece in part])
                losses, state = self.nats(batch, state)
                nats += losses.double().sum((0, 1)).numpy()
                count += int(batch.composed_notes().sum())
        return {"nats": nats, "notes": count}

    def _held_out(self, task: str) -> Iterator[GivenExcerpt]:
        """The beginnings of validation pieces, spread evenly over each collection."""
        music, known = self.music, self.music.collections
        indices = np.asarray(music.indices("valid"))
        owners = np.array([music.collection_of(index) for index in indices])
        for name in known:
            mine = indices[owners == name]
            length = np.minimum(music.note_counts[mine], LONGEST_EVENTS).mean()
            wanted = round(self.config.validation_events / len(known) / length)
            picked = np.linspace(0, len(mine) - 1, min(len(mine), max(1, wanted)))
            for index in mine[np.unique(picked.round().astype(int))]:
                yield excerpt(
                    WAYS[self.way], music.piece(index), known.index(name), len(known),
                    np.random.default_rng(index), longest=LONGEST_EVENTS, task=task,
                )  # fmt: skip


def _by_field(sums: dict[str, Any]) -> dict[str, float]:
    return dict(zip(FIELDS, (sums["nats"] / sums["notes"]).round(4).tolist(), strict=True))
