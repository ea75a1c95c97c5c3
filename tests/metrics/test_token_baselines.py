"""Trivial predictors, against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ritornello.metrics.token_baselines import token_baselines


def test_figures_worked_out_by_hand() -> None:
    found = token_baselines([np.array([0, 1, 0, 1, 0])], [np.array([0, 0, 1])], 2)
    zero, one = 3.5 / 6, 2.5 / 6  # counts 3 and 2, a half added to each
    assert found["uniform_nats"] == pytest.approx(math.log(2))
    assert found["unigram_nats"] == pytest.approx(-(math.log(zero) + math.log(one)) / 2)
    after_zero = (4 * zero / 6, (2 + 4 * one) / 6)  # a 1 followed twice; the unigram counts four
    assert found["bigram_nats"] == pytest.approx(-sum(map(math.log, after_zero)) / 2)
    assert found["most_frequent_accuracy"] == 0.5
    assert found["copy_accuracy"] == 0.5
    assert found["bigram_accuracy"] == 0.5


def test_each_distribution_sums_to_one() -> None:
    rng = np.random.default_rng(0)
    train = [rng.integers(5, size=40) for _ in range(3)]
    held_out = [np.array([2, token]) for token in range(5)]
    for name in ("unigram_nats", "bigram_nats"):
        nats = [token_baselines(train, [song], 5)[name] for song in held_out]
        assert sum(math.exp(-value) for value in nats) == pytest.approx(1)


def test_what_is_read_as_context_is_not_scored() -> None:
    train = [np.array([0, 1, 2, 3] * 10)]
    whole = np.array([3, 3, 3, 0, 1, 2, 3])
    assert token_baselines(train, [whole], 4, skip=3)["bigram_accuracy"] == 1
    assert token_baselines(train, [whole], 4)["bigram_accuracy"] < 1
    assert math.isnan(token_baselines(train, [whole], 4, skip=7)["unigram_nats"])
