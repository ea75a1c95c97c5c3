"""The Transformer beside the note model is causal, and loses nothing between chunks."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ritornello.music.piece import Piece
from tests.examples import MemoryCorpus, band

pytest.importorskip("torch", reason="networks need the extra train")

import torch

from experiments.learning.learners import Learner, teach_in_turns
from experiments.learning.transformer import WINDOW_EVENTS, Transformer
from ritornello.note_model.encoding.batch import Batch, stack
from ritornello.note_model.encoding.sequences import sequences
from ritornello.note_model.network import NoteModel, NoteModelConfig, to_tensors
from ritornello.training.config import TrainConfig

CONFIG = NoteModelConfig(layers=2, width=64, head_width=16, dropout=0.0)


@pytest.fixture(scope="module")
def model() -> Transformer:
    torch.manual_seed(0)
    return Transformer(CONFIG).eval()


def _events(pieces: list[Piece], start: int, length: int) -> Batch[torch.Tensor]:
    chunks = [sequences(piece, 0, 1).chunk(start, length) for piece in pieces]
    return to_tensors(stack(chunks))


def test_chunks_give_the_same_nats_as_the_whole(model: Transformer) -> None:
    pieces = [band(1, bars=32), band(2, bars=20)]  # the longer one is longer than the window
    length = 360
    assert length > WINDOW_EVENTS
    with torch.no_grad():
        whole, _ = model(_events(pieces, 0, length), model.initial_state(2))
        state, parts = model.initial_state(2), []
        for start in range(0, length, 90):
            nats, state = model(_events(pieces, start, 90), state)
            parts.append(nats)
    np.testing.assert_allclose(torch.cat(parts), whole, atol=1e-4)


def test_the_future_does_not_matter(model: Transformer) -> None:
    events = _events([band(1)], 0, 60)
    changed = events.context.clone()
    changed[40:] = changed[:20]
    with torch.no_grad():
        first, _ = model(events, model.initial_state(1))
        second, _ = model(replace(events, context=changed), model.initial_state(1))
    np.testing.assert_allclose(first[:40], second[:40], atol=1e-5)
    assert not np.allclose(first[40:], second[40:])


def test_both_learn_in_turns_and_use_the_same_time() -> None:
    music = MemoryCorpus([band(seed) for seed in range(6)])
    config = TrainConfig(minutes=1, batch=2, chunk=32, validation_events=200)
    budget = 0.3
    learners = [
        Learner(kind.__name__, kind(CONFIG), config, music) for kind in (NoteModel, Transformer)
    ]
    teach_in_turns(learners, budget, validations=2)
    for learner in learners:
        figures = learner.figures()
        assert figures["cpu_seconds"] >= budget
        assert len(figures["curve"]) == 2
        assert 0 < figures["nats_per_note"] < math.inf
        assert figures["curve"][-1][1] <= figures["curve"][0][1] + 1
