"""Trivial models of piano-roll frames, to stand beside any figure: what no network must miss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_SMOOTHING = 0.5


def coins(train: Sequence[np.ndarray], test: Sequence[np.ndarray]) -> float:
    """Nats a frame if each of the 88 keys were an independent coin (a one-gram).

    Args:
        train, test: rolls, bool [frames, 1, 88]; the first frame of a test piece is not scored.
    """
    frames = np.concatenate([piece[:, 0] for piece in train])
    chance = (frames.sum(0) + _SMOOTHING) / (len(frames) + 2 * _SMOOTHING)
    scored = np.concatenate([piece[1:, 0] for piece in test])
    return float(-np.where(scored, np.log(chance), np.log1p(-chance)).sum(1).mean())


def key_chains(train: Sequence[np.ndarray], test: Sequence[np.ndarray]) -> float:
    """Nats a frame if each key were a Markov chain of its own, sounding or not.

    Args:
        train, test: as for `coins`.
    """
    before, after = _pairs(train)
    on = np.stack([(after & (before == was)).sum(0) for was in (False, True)])
    seen = np.stack([(before == was).sum(0) for was in (False, True)])
    chance = (on + _SMOOTHING) / (seen + 2 * _SMOOTHING)
    before, after = _pairs(test)
    given = np.where(before, chance[1], chance[0])
    return float(-np.where(after, np.log(given), np.log1p(-given)).sum(1).mean())


def voice_chains(train: Sequence[np.ndarray], test: Sequence[np.ndarray]) -> float:
    """Nats a note if each voice were a Markov chain of pitches.

    Args:
        train, test: rolls of parts, bool [frames, voices, 88].
    """
    rest = train[0].shape[-1]

    def pitches(pieces: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [np.where(piece.any(-1), piece.argmax(-1), rest) for piece in pieces]

    voices = train[0].shape[1]
    counts = np.full((voices, rest + 1, rest + 1), _SMOOTHING / (rest + 1))
    voice = np.arange(voices)
    for piece in pitches(train):
        np.add.at(counts, (voice, piece[:-1], piece[1:]), 1)
    chance = counts / counts.sum(-1, keepdims=True)
    nats = [-np.log(chance[voice, piece[:-1], piece[1:]]) for piece in pitches(test)]
    return float(np.concatenate(nats).mean())


def _pairs(pieces: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Each frame but the last of its piece, and the one after it, [pairs, 88]."""
    before = np.concatenate([piece[:-1, 0] for piece in pieces])
    return before, np.concatenate([piece[1:, 0] for piece in pieces])
