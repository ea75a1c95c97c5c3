"""Exact likelihood of real music under a model, beside a unigram and a bigram.

Nats are summed over all fields of all events of a piece, the end included, and divided by its
notes or by its quarter notes. Teacher forced; the state starts anew with each piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np

from ritornello.errors import CheckpointError, InputError
from ritornello.music.piece import Piece
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.encoding import ngrams, notes, tasks
from ritornello.note_model.encoding.bar_plan import BarPlan
from ritornello.note_model.encoding.batch import (
    Batch,
    append_columns,
    head_inputs,
    legal_classes,
    select_events,
    stack,
    tell_no_plan,
)
from ritornello.note_model.encoding.notes import FIELDS, SHIFT, SIZES
from ritornello.note_model.encoding.sequences import Sequences, sequences
from ritornello.note_model.engine.reference import Engine
from ritornello.plan.analysis import analyse

_BATCH = 32
_CHUNK = 64


class SetLikelihood(TypedDict):
    """How well a model predicts some music.

    ``nats_per_note`` and ``nats_per_beat`` sum all ``fields`` (nats a note of each) of all events;
    the baselines are scored on the same notes.
    """

    pieces: int
    notes: int
    nats_per_note: float
    nats_per_beat: float
    fields: dict[str, float]
    unigram_nats_per_note: float
    bigram_nats_per_note: float


class Likelihood(SetLikelihood):
    """The same of all music that was asked for, and of each collection in it."""

    controls: str
    collections: dict[str, SetLikelihood]


@dataclass
class _Sums:
    """Nats of each field and what they are divided by."""

    notes: float = 0.0
    beats: float = 0.0
    pieces: int = 0
    model: np.ndarray = field(default_factory=lambda: np.zeros(len(FIELDS)))
    unigram: np.ndarray = field(default_factory=lambda: np.zeros(len(FIELDS)))
    bigram: np.ndarray = field(default_factory=lambda: np.zeros(len(FIELDS)))

    def figures(self) -> SetLikelihood:
        per_note = self.model / self.notes
        return {
            "pieces": self.pieces,
            "notes": int(self.notes),
            "nats_per_note": round(float(per_note.sum()), 4),
            "nats_per_beat": round(float(self.model.sum() / self.beats), 4),
            "fields": dict(zip(FIELDS, per_note.round(4).tolist(), strict=True)),
            "unigram_nats_per_note": round(float(self.unigram.sum() / self.notes), 4),
            "bigram_nats_per_note": round(float(self.bigram.sum() / self.notes), 4),
        }


def evaluate(
    checkpoint: Checkpoint,
    pieces: Iterable[tuple[str, Piece]],
    *,
    controls: str = "open",
    task: str = "compose",
    chords: bool = False,
    plan: bool = False,
    longest: int | None = None,
    watch: Callable[[int], None] = lambda done: None,
) -> Likelihood:
    """Score pieces.

    Args:
        checkpoint: the model.
        pieces: with the name of the collection each belongs to.
        controls: "open" is unconditional (the figure to compare with other models); "given"
            conditions the model on collection, key, density, instruments and the number of bars.
        task: what is given, one of `note_model.encoding.tasks.TASKS`, drawn with a seed of the
            piece's number; nats are those of what is composed, a note that is composed.
        chords: whether the model is conditioned on the chords detected in the piece.
        plan: whether a model that reads plans is told that of each piece; its chords with it.
        longest: only the first so many events of each piece count; None for all.
        watch: called with the number of pieces done.

    Raises:
        InputError: if there is no piece. CheckpointError: if the model lacks its baselines.
    """
    if not checkpoint.baseline:
        raise CheckpointError(
            "The model holds no counts of its training music, so its baselines are unknown.",
            next_step="Train it again with this version.",
        )
    engine, known = Engine(checkpoint), checkpoint.collections
    sums: dict[str, _Sums] = {}
    batch: list[tuple[str, Sequences]] = []
    done = 0
    for number, (name, piece) in enumerate(pieces):
        rows = sequences(
            piece,
            known.index(name) if name in known else None,
            len(known),
            rng=np.random.default_rng(number),
            open_probability=1.0 if controls == "open" else 0.0,
            task=task,
            chord_probability=float(chords),
            told=BarPlan.of(analyse(piece)) if plan and engine.plan else None,
        )
        batch.append((name, rows if longest is None else rows.part(0, longest)))
        if len(batch) == _BATCH:
            _add(engine, checkpoint.baseline, batch, sums)
            done, batch = done + len(batch), []
            watch(done)
    if batch:
        _add(engine, checkpoint.baseline, batch, sums)
    if not sums:
        raise InputError("There is no piece to evaluate on.")
    whole = _Sums()
    for part in sums.values():
        for name in ("notes", "beats", "pieces", "model", "unigram", "bigram"):
            setattr(whole, name, getattr(whole, name) + getattr(part, name))
    return {
        "controls": controls,
        **whole.figures(),
        "collections": {name: part.figures() for name, part in sorted(sums.items())},
    }


def _add(
    engine: Engine,
    baseline: ngrams.Counts,
    batch: Sequence[tuple[str, Sequences]],
    sums: dict[str, _Sums],
) -> None:
    nats = score(engine, [rows for _, rows in batch])
    for (name, rows), model in zip(batch, nats, strict=True):
        total = sums.setdefault(name, _Sums())
        unigram, bigram = ngrams.nats(baseline, rows.fields, rows.counted_fields)
        total.notes += rows.composed_notes
        total.beats += float(rows.fields[:, SHIFT].sum()) / notes.RESOLUTION
        total.pieces += 1
        total.model += model
        total.unigram += unigram
        total.bigram += bigram


def score(engine: Engine, rows: Sequence[Sequences]) -> np.ndarray:
    """Nats of each field, summed over the events of each piece; float64 [pieces, 5]."""
    conditions = engine.condition(
        np.array([row.controls for row in rows]), np.array([row.instruments for row in rows])
    )
    state = engine.initial_state(len(rows))
    nats = np.zeros((len(rows), len(FIELDS)))
    for start in range(0, max(map(len, rows)), _CHUNK):
        batch = stack([row.chunk(start, _CHUNK) for row in rows])
        if engine.plan:
            batch = tell_no_plan(batch, append_columns)
        hidden = []
        for time, row in enumerate(batch.context):
            now = conditions
            if batch.plays is not None:
                now = conditions + engine.playing(batch.plays[time])
            out, state = engine.step(row, now, state)
            hidden.append(out)
        nats += _field_nats(engine, np.array(hidden), batch).sum(axis=0)
    return nats


def _field_nats(engine: Engine, hidden: np.ndarray, batch: Batch[np.ndarray]) -> np.ndarray:
    """Nats of each field, float64 [time, rows, 5]; 0 for fields that do not count.

    Args:
        hidden: float32 [time, rows, heads * head_width], of `Engine.step`.
    """
    found = np.zeros(batch.fields.shape)
    counted = tasks.counted_fields(batch.counts) & (batch.fields < SIZES)
    for head in range(len(FIELDS)):
        here = counted[..., head]
        if not here.any():
            continue
        events = select_events(batch, here)
        columns = head_inputs(head, events.table)
        logits = engine.head_logits(head, hidden[here], columns).astype(np.float64)
        legal = legal_classes(head, events.fields, events.context, events.closed, events.may_play)
        if legal is not None:
            logits = np.where(legal, logits, -np.inf)
        top = logits.max(axis=1)
        normaliser = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
        target = events.fields[:, head]
        found[here, head] = normaliser - logits[np.arange(len(target)), target]
    return found
