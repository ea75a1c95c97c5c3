"""Feel: which grid the notes of a bar stand on, and how far it swings.

Each of `FEELS` is a guess at where in a quarter (24 ticks) notes begin: at the points of its grid,
each as likely, some played a little early or late, a few anywhere. The fewer points a grid has, the
more likely it makes notes that stand on them; so the coarsest grid that fits is the likeliest. Of
all rows of feels the likeliest is taken in which a change costs something: a bar of quarters in a
swung passage is swung.

The swing ratio is how long the first half of a beat is as a multiple of the second: 1 is straight,
2 a triplet.
"""

from __future__ import annotations

import numpy as np

from ritornello.plan.bar_strokes import Strokes
from ritornello.plan.best_path import best_path

FEELS = ("quarters", "eighths", "swung", "triplets", "sixteenths", "free")
QUARTERS, EIGHTHS, SWUNG, TRIPLETS, SIXTEENTHS, FREE = range(len(FEELS))
_QUARTER = 24
# Points of each grid; the swung off-beat lies anywhere from 3:2 to 3:1.
_POINTS: tuple[tuple[int, ...], ...] = (
    (0,),
    (0, 12),
    (0, 16),
    (0, 8, 16),
    (0, 6, 12, 18),
    tuple(range(_QUARTER)),
)
_PLAYED_TICKS = 1.2  # standard deviation of what is played from its point
_ANYWHERE = 0.05  # share of the notes that stand anywhere
_CHANGE_NATS = 4.0
_OFF_BEAT_TICKS = (10, 18)  # first and last of what may be an off-beat, straight or swung


def _log_chances(points: tuple[int, ...]) -> np.ndarray:
    """How likely a note begins at each tick of a quarter, float64 [24]."""
    apart = np.abs(np.arange(_QUARTER)[:, None] - np.array(points))
    apart = np.minimum(apart, _QUARTER - apart)
    near = np.exp(-0.5 * (apart / _PLAYED_TICKS) ** 2)
    chances = (near / near.sum(axis=0)).mean(axis=1)
    result: np.ndarray = np.log((1 - _ANYWHERE) * chances + _ANYWHERE / _QUARTER)
    return result


_CHANCES = np.stack([_log_chances(points) for points in _POINTS], axis=1)


def feels(strokes: Strokes) -> np.ndarray:
    """The feel of each bar, int64 [bars]."""
    bar, place = _moments(strokes)
    counts = np.bincount(bar * _QUARTER + place, minlength=strokes.bars * _QUARTER)
    scores = counts.reshape(-1, _QUARTER) @ _CHANCES
    return best_path(scores[:, None], _CHANGE_NATS)[:, 0]


def swing_ratios(strokes: Strokes, feel: np.ndarray) -> np.ndarray:
    """The swing ratio of each bar, float64 [bars]; nan where it has no off-beat.

    From the mean place of its off-beats; sixteenths stand there too, so bars with those have none.

    Args:
        feel: of each bar, see `feels`.
    """
    bar, place = _moments(strokes)
    counted = (place >= _OFF_BEAT_TICKS[0]) & (place <= _OFF_BEAT_TICKS[1])
    counted &= np.isin(feel[bar], (EIGHTHS, SWUNG, TRIPLETS))
    count = np.bincount(bar[counted], minlength=strokes.bars)
    total = np.bincount(bar[counted], place[counted], minlength=strokes.bars)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    result: np.ndarray = mean / (_QUARTER - mean)
    return result


def _moments(strokes: Strokes) -> tuple[np.ndarray, np.ndarray]:
    """Bar and place in the quarter of each moment at which something begins."""
    length = max(1, int(strokes.bar_lengths.max(initial=1)))
    bar, tick = np.divmod(np.unique(strokes.bar * length + strokes.tick), length)
    return bar, tick % _QUARTER
