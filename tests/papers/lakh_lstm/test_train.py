"""Teaching a token network: it learns, goes on after a stop, and is scored exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from ritornello.errors import InputError  # noqa: E402
from ritornello.papers.lakh_lstm.model import TokenLSTM, TokenLSTMConfig  # noqa: E402
from ritornello.papers.lakh_lstm.train import (  # noqa: E402
    TokenTraining,
    generate_tokens,
    score_tokens,
    train_tokens,
)

CONFIG = TokenLSTMConfig(4, hidden=16, dropout=0.1, inputs="embedding")
SETTINGS = TokenTraining(window=6, batch=8, epochs=4, epoch_windows=200, learning_rate=5e-3)
SONGS = [np.array([0, 1, 2, 3] * 12), np.array([1, 2, 3, 0] * 12)]


def test_a_rule_is_learned_and_played(tmp_path: Path) -> None:
    model, record = train_tokens(CONFIG, SONGS, SONGS[:1], tmp_path / "run.pt", SETTINGS)
    assert record.valid_loss[-1] < record.valid_loss[0]
    assert record.valid_accuracy[-1] == 1
    assert len(record.batch_loss) == len(record.batch_accuracy) == 4 * 11, (
        "84 windows, eight at a time"
    )
    assert set(record.weights) == {"start", "middle", "end"}
    assert record.weights["start"].keys() == model.layers().keys()
    written = generate_tokens(model, SONGS[0][None, :6], 8)
    assert written.tolist() == [[2, 3, 0, 1, 2, 3, 0, 1]]


def test_a_run_that_was_stopped_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole, record = train_tokens(CONFIG, SONGS, SONGS, tmp_path / "whole.pt", SETTINGS)

    def stop(sentence: str) -> None:
        if sentence.startswith("epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_tokens(CONFIG, SONGS, SONGS, tmp_path / "cut.pt", SETTINGS, say=stop)
    again, resumed = train_tokens(CONFIG, SONGS, SONGS, tmp_path / "cut.pt", SETTINGS)
    assert resumed.batch_loss == record.batch_loss
    assert resumed.weights.keys() == record.weights.keys()
    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_another_seed_begins_anew_in_the_same_file(tmp_path: Path) -> None:
    _, first = train_tokens(CONFIG, SONGS, SONGS, tmp_path / "run.pt", SETTINGS)
    _, second = train_tokens(CONFIG, SONGS, SONGS, tmp_path / "run.pt", replace(SETTINGS, seed=1))
    assert first.batch_loss != second.batch_loss


def test_the_best_epoch_is_kept(tmp_path: Path) -> None:
    model, record = train_tokens(CONFIG, SONGS, SONGS, tmp_path / "run.pt", SETTINGS)
    nats, hits = score_tokens(model, SONGS, SETTINGS.window)
    assert nats.mean() == pytest.approx(min(record.valid_loss))
    assert record.best_epoch == 1 + int(np.argmin(record.valid_loss))
    assert len(score_tokens(model, SONGS, SETTINGS.window, most=10)[0]) <= 10
    assert len(hits) == sum(len(song) - SETTINGS.window for song in SONGS)


def test_nats_are_those_of_a_distribution_counted_by_hand() -> None:
    model = TokenLSTM(CONFIG)
    with torch.no_grad():
        model.dense.weight.zero_()
        model.dense.bias.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4]).log())
    nats, hits = score_tokens(model, [np.array([0, 0, 1, 3])], 2)
    np.testing.assert_allclose(nats, -np.log([0.2, 0.4]), rtol=1e-6)
    assert hits.tolist() == [False, True]


def test_drawing_follows_the_softmax_and_the_seed() -> None:
    model = TokenLSTM(CONFIG)
    with torch.no_grad():
        model.dense.weight.zero_()
        model.dense.bias.copy_(torch.tensor([1e-9, 0.5, 0.5, 1e-9]).log())
    starts = np.zeros((4, 6), np.int64)
    drawn = generate_tokens(model, starts, 50, seed=3)
    assert set(drawn.flat) == {1, 2}
    assert np.array_equal(drawn, generate_tokens(model, starts, 50, seed=3))
    assert 60 < (drawn == 1).sum() < 140


def test_songs_must_be_longer_than_a_window(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="more than 6 tokens"):
        train_tokens(CONFIG, [np.arange(4)], SONGS, tmp_path / "run.pt", SETTINGS)
