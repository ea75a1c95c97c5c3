"""The two networks of `lakh-lstm`: ids as real numbers, as published, and an embedding for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ritornello.papers.lakh_lstm.data import Songs
from ritornello.papers.lakh_lstm.encoding import warning
from ritornello.papers.shared.study import Study

if TYPE_CHECKING:
    from ritornello.papers.lakh_lstm.train import TokenRecord

INPUTS = {"ids": "ids as real numbers (published)", "embedding": "an embedding for each token"}
_VALID_WINDOWS = 5000  # validation chooses an epoch and draws a curve; the test scores everything


@dataclass(frozen=True)
class Network:
    """One of the two after its run.

    Attributes:
        record: how it learned. parameters: how many.
        nats, accuracy: means over the tokens of the test songs.
        likeliest, drawn: tokens it wrote from the same random windows, always the likeliest one
            (as published) or drawn from the softmax.
        continued: a primer that it does not fully know, and what it drew after it.
        replaced: unknown tokens of that primer -> the known ones that stand for them.
    """

    record: TokenRecord
    parameters: int
    nats: float
    accuracy: float
    likeliest: list[list[str]]
    drawn: list[list[str]]
    continued: list[str]
    replaced: dict[str, str]


def run_network(study: Study, songs: Songs, inputs: str) -> Network:
    """Teach a network, score it on the test songs and let it write.

    Args:
        inputs: a key of `INPUTS`.
    """
    from ritornello.papers.lakh_lstm.model import TokenLSTMConfig
    from ritornello.papers.lakh_lstm.train import (
        TokenTraining,
        generate_tokens,
        score_tokens,
        train_tokens,
    )

    settings, vocabulary = study.settings, songs.vocabulary
    training = TokenTraining(
        window=settings["window"],
        batch=settings["batch"],
        epochs=settings["epochs"],
        epoch_windows=settings.get("epoch_windows"),
        valid_windows=_VALID_WINDOWS,
        learning_rate=settings["learning_rate"],
        seed=study.seed,
        threads=1,  # its matrices are so small that more of them mostly wait for each other
    )
    config = TokenLSTMConfig(
        len(vocabulary), settings["hidden"], settings["dropout"], inputs=inputs
    )
    model, record = train_tokens(
        config,
        songs.ids("train"),
        songs.ids("valid"),
        study.folder / f"{inputs}.pt",
        training,
        say=lambda sentence: study.say(f"{INPUTS[inputs]}: {sentence}"),
    )
    nats, hits = score_tokens(model, songs.ids("test"), training.window)
    starts = _random_windows(songs, training.window, settings["generated"], study.seed)
    primer, replaced = vocabulary.replaced(_strange_primer(songs, training.window))
    study.say(warning(replaced) or "every token of the primer is known")
    length, seed = settings["generated_tokens"], study.seed + 1
    after = generate_tokens(model, primer[None], length, seed=seed)[0]
    return Network(
        record,
        sum(parameter.numel() for parameter in model.parameters()),
        float(nats.mean()),
        float(hits.mean()),
        [vocabulary.spelt(row) for row in generate_tokens(model, starts, length)],
        [vocabulary.spelt(row) for row in generate_tokens(model, starts, length, seed=seed)],
        vocabulary.spelt(np.concatenate([primer, after])),
        replaced,
    )


def _random_windows(songs: Songs, window: int, count: int, seed: int) -> np.ndarray:
    """Ids of windows from anywhere in the training songs, int64 [count, window]."""
    rng = np.random.default_rng(seed)
    long = [ids for ids in songs.ids("train") if len(ids) >= window]
    chosen = [long[index] for index in rng.integers(len(long), size=count)]
    starts = [int(rng.integers(len(ids) - window + 1)) for ids in chosen]
    rows = [ids[start : start + window] for ids, start in zip(chosen, starts, strict=True)]
    return np.stack(rows)


def _strange_primer(songs: Songs, window: int) -> list[str]:
    """The opening of a test song with the most tokens that the training songs do not hold."""
    openings = [song.tokens[:window] for song in songs.test]
    known = songs.vocabulary.ids
    return max(openings, key=lambda opening: sum(token not in known for token in opening))
