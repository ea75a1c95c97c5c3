"""The recording that a band plays with, block by block: looped, cut to length, without a click.

Blocks are float32 [samples, 2].
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ritornello.errors import ConfigError, InputError
from ritornello.music.piece import Track

EDGE_SECONDS = 0.05
_START_SECONDS = 0.003
_JOIN_SECONDS = 0.02
_SILENCE = 1 << 16


@dataclass(frozen=True)
class Solo:
    """The recording that is accompanied, as blocks of samples: looped and cut to length.

    Attributes:
        blocks: at the rate of the mix, from the first sample of the recording on; read once.
        notes: what was heard in it, in ticks of the band; None if that is not to be written.
    """

    blocks: Iterable[np.ndarray]
    notes: Track | None = None


def fit_to_length(
    blocks: Iterable[np.ndarray], total: int, *, fade_seconds: float, rate_hz: int
) -> Iterator[np.ndarray]:
    """A recording made ``total`` samples long; each sample stays where it was.

    A longer one fades out over its last ``fade_seconds``, a shorter one over its last 50 ms, and
    silence follows. The first 3 ms fade in, as a recording may begin in the middle of a sound.

    Raises:
        InputError: if a block is not float32 [samples, 2].
    """
    fade, done, length = round(fade_seconds * rate_hz), 0, round(EDGE_SECONDS * rate_hz)
    held = np.zeros((0, 2), np.float32)
    for block in _from_silence(blocks, round(_START_SECONDS * rate_hz)):
        held = np.concatenate([held, block])
        if done + len(held) > total:
            held, length = held[: total - done], fade
            break
        ready = max(0, len(held) - max(fade, length))
        yield held[:ready]
        held, done = held[ready:], done + ready
    length = min(length, len(held))
    held[len(held) - length :] *= equal_power_fade(length)[:, None]
    yield held
    for start in range(done + len(held), total, _SILENCE):
        yield np.zeros((min(_SILENCE, total - start), 2), np.float32)


def loop_blocks(
    play: Callable[[], Iterable[np.ndarray]], first: int, last: int, *, rate_hz: int
) -> Iterator[np.ndarray]:
    """A recording up to a sample, and then for ever the excerpt from ``first`` to ``last``.

    The music meets on the sample: ``first`` sounds where ``last`` would have. In the 20 ms before,
    the end of one round goes over into what comes before the beginning of the next.

    Args:
        play: gives the blocks from the beginning, anew for each round.
        first, last: samples, such as two bar lines.

    Raises:
        ConfigError: if the excerpt is shorter than two such joins.
    """
    join = round(_JOIN_SECONDS * rate_hz)
    if first < 0 or last - first < 2 * join:
        raise ConfigError(f"No loop leads from sample {first} to {last}.")
    start, ending = 0, np.zeros((0, 2), np.float32)
    while True:
        held = np.zeros((0, 2), np.float32)
        for block in _excerpt(play(), start, last):
            held = np.concatenate([held, block])
            if len(held) <= join:
                continue
            if len(ending):
                held[:join] = (
                    held[:join] * equal_power_fade(join)[::-1, None]
                    + ending * equal_power_fade(join)[:, None]
                )
                ending = ending[:0]
            yield held[:-join]
            held = held[-join:]
        ending, start = held, first - join


def equal_power_fade(count: int) -> np.ndarray:
    """An equal-power fade from one to zero, float32 [count]; backwards it fades in."""
    return np.cos(np.pi / 2 * np.linspace(0, 1, count)).astype(np.float32)


def _from_silence(blocks: Iterable[np.ndarray], rise: int) -> Iterator[np.ndarray]:
    """The blocks, checked, with their first samples faded in."""
    rising, done = equal_power_fade(rise)[::-1, None], 0
    for block in blocks:
        if block.ndim != 2 or block.shape[1] != 2 or block.dtype != np.float32:
            raise InputError(
                f"A block of the recording is float32 [samples, 2]; found {block.dtype} of shape "
                f"{list(block.shape)}."
            )
        first = rising[done : done + len(block)]
        yield np.concatenate([block[: len(first)] * first, block[len(first) :]])
        done += len(block)


def _excerpt(blocks: Iterable[np.ndarray], start: int, end: int) -> Iterator[np.ndarray]:
    """The samples from ``start`` to ``end``; silence where the recording has none."""
    if start < 0:
        yield np.zeros((-start, 2), np.float32)
    done = 0
    for block in blocks:
        yield block[max(0, start - done) : max(0, end - done)]
        done += len(block)
        if done >= end:
            return
    yield np.zeros((end - max(done, start, 0), 2), np.float32)
