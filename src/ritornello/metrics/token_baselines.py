"""Unigram and bigram baselines of token sequences: exact nats and accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_SMOOTHING = 0.5
_BACK_OFF = 4.0  # a rare context leans on the unigram, which weighs as much as a few counts


def token_baselines(
    train: Sequence[np.ndarray], held_out: Sequence[np.ndarray], tokens: int, *, skip: int = 0
) -> dict[str, float]:
    """Nats and accuracy of the baselines on held-out songs.

    Args:
        train: ids of each training song, int [length]. held_out: of each song to score.
        tokens: how many ids there are.
        skip: the first so many tokens of each song are not scored (they are known as context).

    Returns:
        Nats per token ``uniform_nats``, ``unigram_nats`` and ``bigram_nats``; the share of tokens
        guessed right as ``most_frequent_accuracy`` (always the commonest token of the training
        songs), ``copy_accuracy`` (the last token again) and ``bigram_accuracy`` (what followed the
        last token most often). NaN if there is nothing to score.
    """
    pairs = np.zeros((tokens, tokens))
    for song in train:
        np.add.at(pairs, (song[:-1], song[1:]), 1)
    single = np.bincount(np.concatenate(train), minlength=tokens) + _SMOOTHING
    single = single / single.sum()
    chances = (pairs + _BACK_OFF * single) / (pairs.sum(axis=1, keepdims=True) + _BACK_OFF)
    first = max(skip, 1)
    now = np.concatenate([song[first:] for song in held_out])
    before = np.concatenate([song[first - 1 : -1][: len(song[first:])] for song in held_out])
    if not len(now):
        return dict.fromkeys(_NAMES, float("nan"))
    values = (
        np.log(tokens),
        -np.log(single[now]).mean(),
        -np.log(chances[before, now]).mean(),
        (now == single.argmax()).mean(),
        (now == before).mean(),
        (now == chances.argmax(axis=1)[before]).mean(),
    )
    return {name: float(value) for name, value in zip(_NAMES, values, strict=True)}


_NAMES = (
    "uniform_nats",
    "unigram_nats",
    "bigram_nats",
    "most_frequent_accuracy",
    "copy_accuracy",
    "bigram_accuracy",
)
