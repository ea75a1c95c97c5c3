"""Likelihoods: playing engine and training network agree, baselines are counted right."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ritornello.errors import InputError
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.encoding import ngrams, notes
from ritornello.note_model.encoding.sequences import sequences
from ritornello.note_model.engine.reference import Engine
from ritornello.note_model.likelihood import evaluate, score
from ritornello.note_model.network import NoteModel, NoteModelConfig
from ritornello.training import validate
from tests.examples import band


@pytest.fixture(scope="module")
def model() -> NoteModel:
    torch.manual_seed(2)
    return NoteModel(NoteModelConfig(layers=2, width=24, head_width=16, dropout=0.0)).eval()


@pytest.fixture(scope="module")
def checkpoint(model: NoteModel) -> Checkpoint:
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    baseline = ngrams.count(notes.encode(band(seed)).fields for seed in range(4))
    return Checkpoint(weights, model.settings(), collections=("band",), baseline=baseline)


def test_the_engine_scores_like_the_network(model: NoteModel, checkpoint: Checkpoint) -> None:
    rows = [sequences(band(seed, bars=4 + seed), 0, 1) for seed in range(3)]
    with torch.no_grad():
        expected, _ = validate.score(model, rows)
    np.testing.assert_allclose(score(Engine(checkpoint), rows), expected, rtol=1e-4)


def test_a_piece_scores_the_same_alone_and_in_company(checkpoint: Checkpoint) -> None:
    one = [("band", band(1, bars=3))]
    many = [*one, ("band", band(2, bars=9)), ("jazz", band(3))]
    alone = evaluate(checkpoint, one)
    both = evaluate(checkpoint, many)
    assert both["collections"]["band"]["pieces"] == 2
    rest = evaluate(checkpoint, many[1:])
    total = alone["nats_per_note"] * alone["notes"] + rest["nats_per_note"] * rest["notes"]
    assert both["nats_per_note"] == pytest.approx(total / both["notes"], rel=1e-3)


def test_beats_are_quarter_notes(checkpoint: Checkpoint) -> None:
    figures = evaluate(checkpoint, [("band", band(0, bars=8))])
    per_beat = figures["nats_per_note"] * figures["notes"] / 32
    assert figures["nats_per_beat"] == pytest.approx(per_beat, rel=1e-3)


def test_the_unigram_is_the_entropy_of_its_own_counts() -> None:
    fields = notes.encode(band(0, bars=200)).fields
    counts = ngrams.count([fields])
    unigram, bigram = ngrams.nats(counts, fields)
    shares = np.bincount(fields[:, 0]) / len(fields)
    entropy = -(shares[shares > 0] * np.log(shares[shares > 0])).sum()
    assert unigram[0] / len(fields) == pytest.approx(entropy, rel=0.1)
    assert (bigram <= unigram * 1.01).all()


def test_nothing_to_evaluate_is_said(checkpoint: Checkpoint) -> None:
    with pytest.raises(InputError):
        evaluate(checkpoint, [])
