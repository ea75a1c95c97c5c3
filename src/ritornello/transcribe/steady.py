"""Beats of a tempo that is known: one tempo all along, or one that is followed slowly.

`tracking.track` asks nobody where to begin and may slip by half a beat where offbeats are strong.
Who plays to a click (`steady_beats`), or has told the tempo and a bar line (`held_beats`), is
followed from what is known instead.
"""

from __future__ import annotations

import numpy as np

_STEP_BEATS = 0.25  # drift over the whole recording between two tempi that are tried
_PHASES = 48  # of a beat, that are tried
_ANCHOR_BEATS = 0.12  # how far from a beat that is told the beats may lie
_BLOCK_BEATS = 8  # of one tempo, when it is followed
_STRETCHES = np.linspace(-0.03, 0.03, 13)
_SHIFTS_BEATS = np.linspace(-0.1, 0.1, 11)
_STRETCH_SHARE, _SHIFT_BEATS = 0.008, 0.04  # standard deviations of what a player does


def steady_beats(
    found: np.ndarray,
    period: float,
    anchor: float | None = None,
    around: float = 0.04,
) -> np.ndarray:
    """The evenly spaced beats that explain the evidence best, float64 [beats], in frames.

    Args:
        found: log odds of a beat in each frame, see `tracking.evidence`.
        period: frames from beat to beat, about.
        anchor: a frame that is known to be a beat.
        around: how far the period may differ, as a share.
    """
    count = max(2.0, len(found) / period)
    steps = int(np.ceil(around * count / _STEP_BEATS))
    best, chosen = -np.inf, (period, 0.0)
    phases = np.arange(_PHASES) / _PHASES
    for longer in np.linspace(-around, around, 2 * steps + 1):
        length = period * (1 + longer)
        starts = phases * length
        if anchor is not None:
            away = np.abs((starts - anchor) / length - np.round((starts - anchor) / length))
            starts = starts[away <= _ANCHOR_BEATS]
        grid = np.arange(0, len(found), length)
        scores = _at(found, starts[:, None] + grid).sum(axis=1)
        if scores.max() > best:
            best, chosen = float(scores.max()), (length, float(starts[scores.argmax()]))
    length, start = chosen
    return np.arange(start, len(found), length)


def held_beats(found: np.ndarray, period: float, anchor: float) -> np.ndarray:
    """Beats followed from one that is known, both ways, float64 [beats], in frames.

    Eight beats at a time go on from those before: a little earlier or later, faster or slower, as
    the evidence asks; never by half a beat.

    Args:
        found: log odds of a beat in each frame. period: frames from beat to beat.
        anchor: the frame that is known to be a beat; it may lie outside.
    """
    # Where nothing is played on a beat that is no reason to leave it.
    found = np.maximum(found, 0)
    after = _followed(found, period, anchor)
    # Backwards in time all is the same.
    before = len(found) - 1 - _followed(found[::-1], period, len(found) - 1 - anchor)
    beats = np.concatenate([before[:0:-1], after])
    result: np.ndarray = beats[(beats > -0.5) & (beats < len(found))]
    return result


def _followed(found: np.ndarray, period: float, anchor: float) -> np.ndarray:
    """The beats from the anchor on."""
    beats, usual = [anchor], period
    places = np.arange(1, _BLOCK_BEATS + 1)
    shifts = _SHIFTS_BEATS[:, None, None]
    stretches = _STRETCHES[None, :, None]
    cost = 0.5 * (shifts / _SHIFT_BEATS) ** 2 + 0.5 * (stretches / _STRETCH_SHARE) ** 2
    while beats[-1] < len(found):
        # A shift is made good over the first beats of a block, not in one.
        eased = shifts * np.minimum(1, places / 2)
        grid = beats[-1] + usual * (places * (1 + stretches) + eased)
        scores = _at(found, grid).sum(axis=2) - cost[..., 0]
        shift, stretch = np.unravel_index(scores.argmax(), scores.shape)
        block = grid[shift, stretch]
        length = (block[-1] - block[1]) / (len(block) - 2)
        usual = float(np.clip(length, 0.9 * period, 1.1 * period))
        beats += block.tolist()
    return np.array(beats)


def _at(found: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Evidence between frames, 0 outside; of the shape of ``frames``."""
    inside = (frames >= 0) & (frames <= len(found) - 1)
    values: np.ndarray = np.interp(frames, np.arange(len(found)), found)
    return np.where(inside, values, 0.0)
