"""The engines give the numbers of the model that was trained, from a state that is a value."""

from __future__ import annotations

import dataclasses
from ctypes import CDLL

import numpy as np
import pytest
import torch

from ritornello.errors import CheckpointError
from ritornello.generation.rules import Rules
from ritornello.note_model.cells import CELLS
from ritornello.note_model.encoding.batch import Batch, head_inputs
from ritornello.note_model.encoding.notes import FIELDS
from ritornello.note_model.engine.compiled import CompiledEngine
from ritornello.note_model.engine.reference import Engine
from ritornello.note_model.network import to_tensors
from tests.generation.written import compose

from .conftest import make_model


def play(engine: Engine, batch: Batch[np.ndarray], rows: slice = slice(None)) -> list[np.ndarray]:
    """Step through some rows of a batch; the logits of each head [rows, time, classes]."""
    condition = engine.condition(batch.controls[rows], batch.instruments[rows])
    state = engine.initial_state(len(condition))
    logits: list[list[np.ndarray]] = [[] for _ in FIELDS]
    for time in range(len(batch.fields)):
        now = condition
        if batch.plays is not None:
            now = condition + engine.playing(batch.plays[time, rows])
        hidden, state = engine.step(batch.context[time, rows], now, state)
        for head in range(len(FIELDS)):
            columns = head_inputs(head, lambda name, time=time: batch.table(name)[time, rows])  # type: ignore[misc]
            logits[head].append(engine.head_logits(head, hidden, columns))
    return [np.stack(steps, axis=1) for steps in logits]


@pytest.mark.parametrize("cell", [*CELLS, "qrnn told plans"])
def test_stepping_gives_the_logits_of_the_full_pass_in_torch(
    cell: str, batch: Batch[np.ndarray], planned_batch: Batch[np.ndarray]
) -> None:
    cell, *plan = cell.split(" ", 1)
    model, checkpoint = make_model(cell, plan=bool(plan))
    read = planned_batch if plan else batch
    with torch.no_grad():
        events = to_tensors(read)
        state = model.initial_state(read.fields.shape[1])
        hidden, _ = model.trunk(
            events.context, events.controls, events.instruments, state, events.plays
        )
        expected = [model.head_logits(head, hidden, events) for head in range(len(FIELDS))]
    for ours, theirs in zip(play(Engine(checkpoint), read), expected, strict=True):
        judged = theirs.transpose(0, 1).numpy()
        legal = np.isfinite(judged)
        assert legal.any(axis=-1).all()
        np.testing.assert_allclose(ours[legal], judged[legal], atol=1e-4)


@pytest.mark.parametrize("cell", CELLS)
def test_whole_numbers_stay_close_to_float32(cell: str, batch: Batch[np.ndarray]) -> None:
    checkpoint = make_model(cell)[1]
    pairs = zip(
        play(Engine(checkpoint, int8=True), batch), play(Engine(checkpoint), batch), strict=True
    )
    for whole, exact in pairs:
        gaps = np.abs(whole - exact)
        # One in a thousand may be larger: what mlstm reads is normed, however little it found.
        assert np.quantile(gaps, 0.999) < 0.06
        assert gaps.mean() < 0.01


@pytest.mark.parametrize("plan", [False, True])
def test_the_kernel_gives_the_numbers_of_numpy(
    batch: Batch[np.ndarray], planned_batch: Batch[np.ndarray], library: CDLL, plan: bool
) -> None:
    checkpoint, read = make_model(plan=plan)[1], planned_batch if plan else batch
    pairs = zip(
        play(CompiledEngine(checkpoint, library), read),
        play(Engine(checkpoint, int8=True), read),
        strict=True,
    )
    for ours, judge in pairs:
        # A last bit may round to the next of the 127 whole numbers; most values agree fully.
        assert np.abs(ours - judge).max() < 0.02
        assert np.median(np.abs(ours - judge)) < 1e-5


def test_a_piece_has_the_same_bits_in_every_batch(
    int8_engine: Engine, batch: Batch[np.ndarray]
) -> None:
    together = play(int8_engine, batch)
    for rows in (slice(0, 1), slice(3, 6), slice(2, 35)):
        for whole, part in zip(together, play(int8_engine, batch, rows), strict=True):
            np.testing.assert_array_equal(whole[rows], part)


def test_a_state_is_a_value(int8_engine: Engine, batch: Batch[np.ndarray]) -> None:
    condition = int8_engine.condition(batch.controls, batch.instruments)
    start = int8_engine.initial_state(len(condition))
    _, saved = int8_engine.step(batch.context[0], condition, start)
    kept = saved.copy()
    first = int8_engine.step(batch.context[1], condition, saved)
    int8_engine.step(batch.context[2], condition, saved)  # another branch
    again = int8_engine.step(batch.context[1], condition, saved)
    np.testing.assert_array_equal(saved, kept)
    assert not start.any()
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    _, picked = int8_engine.step(batch.context[1, [4, 2]], condition[[4, 2]], saved[[4, 2]])
    np.testing.assert_array_equal(picked, first[1][[4, 2]])


def test_a_seed_gives_the_same_piece_alone_and_among_others(int8_engine: Engine) -> None:
    rules = Rules(bars=2, parts=("piano", "bass", "drums"))
    together = compose(int8_engine, rules, seeds=range(34))
    assert compose(int8_engine, rules, seeds=[33]) == together[33:]
    assert compose(int8_engine, rules, seeds=[3, 1]) == [together[3], together[1]]


def test_a_model_that_cannot_be_played_says_why() -> None:
    checkpoint = make_model()[1]
    unknown = dataclasses.replace(checkpoint, network={**checkpoint.network, "cell": "kazoo"})
    with pytest.raises(CheckpointError, match="kazoo"):
        Engine(unknown)
    weights = {k: w for k, w in checkpoint.weights.items() if k != "blocks.1.norm.weight"}
    with pytest.raises(CheckpointError, match=r"blocks\.1\.norm\.weight"):
        Engine(dataclasses.replace(checkpoint, weights=weights))
