"""Features of note candidates: activity around an onset peak and around a possible end.

Frames are joined stretches of activity with `PAST` frames before those in question and `AHEAD`
after them.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ritornello.transcribe.note_activity import LOWEST_DB, Activity
from ritornello.transcribe.note_network import KEYS, THIRDS

PAST, AHEAD = 8, 16
FIRST_FRAMES = 8  # of a note, about 93 ms
_PEAK_FRAMES = 3  # an onset is the highest of so many to either side
_FAINTEST_ONSET = 0.25
# Keys whose sound may be taken for a note: its octaves, overtones and neighbours, in semitones.
_RELATIVES = np.array(
    [-36, -34, -31, -28, -24, -19, -16, -12, -7, -5, -4, -3, -2, -1,
     1, 2, 3, 4, 5, 7, 12, 16, 19, 24, 28]
)  # fmt: skip
_NEAR_THIRDS = np.arange(-4, 5)  # of a semitone, around a key
_MARGIN = 36  # keys beyond either end of the piano, silent
_ONSET_ROWS = np.arange(-4, 7)
_SOUND_ROWS = np.arange(-PAST, AHEAD, 2)
_END_ROWS = np.arange(-6, AHEAD + 1, 2)
_ONSETS_AT_END, _OTHERS_AT_END = np.arange(-2, 5), np.arange(-3, 4)
# Which features of onsets are onset activity and which sounding activity, in their order.
_GROUPS = np.repeat(
    [0, 1, 2, 0, 1, 1, 2, 0, 1, 2, 2, 1],
    [
        len(_ONSET_ROWS),
        len(_SOUND_ROWS),
        len(_SOUND_ROWS),
        *[len(_RELATIVES)] * 4,
        1,
        1,
        1,
        1,
        2 * len(_NEAR_THIRDS),
    ],
)
ACTIVITIES = (_GROUPS == 0, _GROUPS == 1)


def find_peaks(onset: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and keys where notes may begin, among the ``count`` rows from `PAST` on.

    Args:
        onset: activity [frames, keys].
    """
    highest = sliding_window_view(onset, 2 * _PEAK_FRAMES + 1, axis=0).max(axis=-1)
    highest = highest[PAST - _PEAK_FRAMES : PAST - _PEAK_FRAMES + count]
    here, before = onset[PAST : PAST + count], onset[PAST - 1 : PAST - 1 + count]
    rows, keys = np.nonzero((here >= _FAINTEST_ONSET) & (here == highest) & (before < here))
    return rows + PAST, keys


def vertices(onset: np.ndarray, rows: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Where parabolas through the heights around peaks are highest, -0.5 to 0.5 frames away."""
    left, middle, right = (onset[rows + step, keys] for step in (-1, 0, 1))
    result: np.ndarray = 0.5 * (left - right) / np.minimum(left - 2 * middle + right, -1e-6)
    return result


def first_levels_db(frames: Activity, rows: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Highest level of notes that begin in these rows."""
    result: np.ndarray = frames.level_db[rows + np.arange(FIRST_FRAMES)[:, None], keys].max(axis=0)
    return result


def describe_onsets(frames: Activity, rows: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Features [peaks, features] of onset peaks, float32.

    Of the key itself onset activity, sounding activity and level (against its loudest) around the
    peak; of its relatives the highest onset activity, the mean sounding activity after and before,
    and how much louder they are; of all keys the highest onset activity, how many sound, and the
    loudest; which key it is; and where between the keys around it pitches lie, soon and later.
    Levels are in units of 20 dB.
    """
    pad = ((0, 0), (_MARGIN, _MARGIN))
    onset, sounding = (np.pad(part, pad) for part in (frames.onset, frames.sounding))
    level = np.pad(frames.level_db, pad, constant_values=LOWEST_DB)
    at, own_key, peaks = rows[:, None], keys[:, None] + _MARGIN, np.arange(len(rows))[:, None]
    relatives = (peaks, own_key + _RELATIVES)
    first = at + np.arange(FIRST_FRAMES)
    onsets = onset[at + np.arange(-3, 4)].max(axis=1)  # [peaks, keys], as the next three
    after = sounding[first].mean(axis=1)
    before = sounding[at + np.arange(-PAST, -3)].mean(axis=1)
    loudest = level[first].max(axis=1)
    own = loudest[peaks, own_key]
    contour = np.pad(frames.contour, ((0, 0), (len(_NEAR_THIRDS), len(_NEAR_THIRDS))))
    thirds = THIRDS * keys[:, None] + 1 + len(_NEAR_THIRDS) + _NEAR_THIRDS
    stretches = np.arange(FIRST_FRAMES), np.arange(FIRST_FRAMES, AHEAD)
    columns = [
        onset[at + _ONSET_ROWS, own_key],
        sounding[at + _SOUND_ROWS, own_key],
        np.clip((level[at + _SOUND_ROWS, own_key] - own) / 20, -2, 1),
        onsets[relatives],
        after[relatives],
        before[relatives],
        np.clip((loudest[relatives] - own) / 20, -2, 2),
        onsets.max(axis=1, keepdims=True),
        after.sum(axis=1, keepdims=True) / 5,
        np.clip((loudest.max(axis=1, keepdims=True) - own) / 20, 0, 3),
        (keys[:, None] - KEYS / 2) / 20,
        *(
            contour[at[..., None] + stretch, thirds[..., None]].mean(axis=-1)
            for stretch in stretches
        ),
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def describe_ends(
    frames: Activity,
    rows: np.ndarray,
    keys: np.ndarray,
    ages: np.ndarray,
    levels_db: np.ndarray,
) -> np.ndarray:
    """Features [moments, features] of moments at which notes may have ended, float32.

    Of the key around the moment sounding activity, level against the note's own, and onset
    activity; the highest onset activity of all keys; the age of the note and which key it is.

    Args:
        rows, keys: of each moment.
        ages: frames since the note began, at least 1. levels_db: see `first_levels_db`.
    """
    at, key = rows[:, None], keys[:, None]
    columns = [
        frames.sounding[at + _END_ROWS, key],
        np.clip((frames.level_db[at + _END_ROWS, key] - levels_db[:, None]) / 20, -3, 0.5),
        frames.onset[at + _ONSETS_AT_END, key],
        frames.onset.max(axis=1)[at + _OTHERS_AT_END].max(axis=1, keepdims=True),
        np.log2(ages[:, None] + 1) / 4 - 1,
        (key - KEYS / 2) / 20,
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)
