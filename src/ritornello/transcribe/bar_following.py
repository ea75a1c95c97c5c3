"""A player whose tempo bends, followed anew by the bars.

Where notes begin on every part of a beat, all of them sound like beats, and a way to count that
slips by a third or a quarter of one where the player waits stays there, for nothing takes it back.
Bars do: first beats differ more from what lies between beats than other beats do. So the beats of
the likeliest way, and of others at other levels, are followed again by what speaks for a bar on
every second, third and fourth of them, and what is counted best with its bars is chosen, by two
logits that `experiments.listening.bar_choice` has learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ritornello.transcribe import tracking
from ritornello.transcribe.bars import COUNTS, answer_nats, bar_shares
from ritornello.transcribe.beat_candidates import Clues, Way, choice, describe
from ritornello.transcribe.spectra import FRAME_SECONDS

# Of levels and of bars; all but the last learned: clips are in three more often than what people
# record.
FEATURES = (
    "score", "bars", "notes tell the first beat", "sound tells the first beat", "in two or four",
)  # fmt: skip
_LEVEL_WEIGHTS = np.array([0.896, 0.058, 0.024, 0.173, 0.0])
_BAR_WEIGHTS = np.array([0.189, 0.068, 0.157, 0.211, 0.06])
_LEVELS, _SAME_OCTAVES, _AS_LIKELY_NATS = 3, 0.12, 1.6  # other levels that are asked
_KEPT_NATS = 0.3  # for a beat where it was
_NO_BAR_LOGIT, _MOST_LOGIT, _SHARES = -2.5, 4.0, (0.02, 0.98)
_NEAR_FRAMES, _NEAR_NOTES_FRAMES = 2, 3
_FEWEST_BEATS = 8


class Followed(NamedTuple):
    """Beats, and how many of them make a bar."""

    way: Way
    beats_per_bar: int


def follow(
    way: Way, every: Sequence[Way], clues: Clues, logits: np.ndarray, counts: Sequence[int] = COUNTS
) -> Followed | None:
    """A way that bends, and all others, to the beats that are counted best with their bars; None
    where notes or beats are too few to tell.

    Args:
        logits: of a beat and the beginning of a bar, [frames, 2]. counts: beats a bar to try.
    """
    if clues.told is None or len(way.beats_seconds) < _FEWEST_BEATS:
        return None
    found = [Candidate.of(one, clues, logits, counts) for one in levels(way, every, clues)]
    level = max(found, key=lambda one: one.nats(_LEVEL_WEIGHTS))
    again = [
        Candidate.of(one, clues, logits, [count])
        for count in counts
        if len((one := followed(level.way, clues, count)).beats_seconds) >= _FEWEST_BEATS
    ]
    best = max([level, *again], key=lambda one: one.nats(_BAR_WEIGHTS))
    return Followed(best.way, best.beats_per_bar)


class Candidate(NamedTuple):
    """A way, beats a bar, the first of them that begins one, and `FEATURES` of all that."""

    way: Way
    beats_per_bar: int
    first: int
    described: np.ndarray

    @classmethod
    def of(cls, way: Way, clues: Clues, logits: np.ndarray, counts: Sequence[int]) -> Candidate:
        """The likeliest bars of a way, of so many beats."""
        times = tracking.snap(way.beats_seconds, clues.notes["onset_seconds"])
        odds = tracking.bar_odds(bar_shares(logits, times))
        answers = [(count, first) for count in COUNTS for first in range(count)]
        assert clues.told is not None
        nats = answer_nats(times, odds, clues.notes, clues.told, answers)
        best = max(
            (n for n, (count, _) in enumerate(answers) if count in counts),
            key=lambda n: float(nats.total[n]),
        )
        count, first = answers[best]
        others = [n for n, answer in enumerate(answers) if answer[0] == count]
        score = float(describe(way, clues) @ choice().weights["weights"])
        apart = [float(one[best] - one[others].mean()) for one in (nats.network, nats.sound)]
        in_four = float(count % 2 == 0 and not nats.is_compound)
        return cls(way, count, first, np.array([score, nats.total[best], *apart, in_four]))

    def nats(self, weights: np.ndarray) -> float:
        return round(float(self.described @ weights), 6)


def levels(way: Way, every: Sequence[Way], clues: Clues) -> list[Way]:
    """A way and others that bend, of other tempi and nearly as likely, the likeliest first."""
    weights = choice().weights["weights"]
    scored = [(float(describe(one, clues) @ weights), one) for one in every if not one.is_steady]
    least = float(describe(way, clues) @ weights) - _AS_LIKELY_NATS
    found, octaves = [way], [_octave(way)]
    for score, one in sorted(scored, key=lambda pair: -pair[0]):
        away = min(abs(_octave(one) - known) for known in octaves)
        if len(found) < _LEVELS and score >= least and away >= _SAME_OCTAVES:
            found.append(one)
            octaves.append(_octave(one))
    return found


def _octave(way: Way) -> float:
    return -float(np.log2(np.median(np.diff(way.beats_seconds))))


def followed(way: Way, clues: Clues, beats_per_bar: int) -> Way:
    """The beats near the tempo of a way that fit sound, notes and bars of so many beats best."""
    beats = way.beats_seconds
    kept = tracking.bells(beats, len(clues.sound), FRAME_SECONDS)
    found = clues.sound + clues.notes_nats + _KEPT_NATS * kept
    tempo_bpm = 60 / float(np.median(np.diff(beats)))
    return Way(
        tracking.track(
            found, FRAME_SECONDS, tempo_bpm, clues.told, _begins(clues, beats), beats_per_bar
        )
    )


def _begins(clues: Clues, beats_seconds: np.ndarray) -> np.ndarray:
    """What sound and notes say of a bar that begins in each frame, less what they say of these
    beats in the mean; float64 [frames]."""
    frames = len(clues.bars)
    at = np.clip(np.rint(beats_seconds / FRAME_SECONDS).astype(int), 0, frames - 1)
    likely = np.clip(clues.bars, *_SHARES)
    by_sound = _largest_near(np.log(likely) - np.log(1 - likely), _NEAR_FRAMES)
    by_notes = np.full(frames, _NO_BAR_LOGIT)
    if clues.told is not None:
        events = np.clip(
            np.rint(clues.told.times_seconds / FRAME_SECONDS).astype(int), 0, frames - 1
        )
        struck = np.full(frames, -np.inf)
        np.maximum.at(struck, events, np.clip(clues.told.logits[:, 1], -_MOST_LOGIT, _MOST_LOGIT))
        struck = _largest_near(struck, _NEAR_NOTES_FRAMES)
        by_notes = np.where(np.isfinite(struck), struck, by_notes)
    by_sound = np.clip(by_sound - by_sound[at].mean(), -_MOST_LOGIT, _MOST_LOGIT)
    result: np.ndarray = by_sound + by_notes - by_notes[at].mean()
    return result


def _largest_near(values: np.ndarray, reach: int) -> np.ndarray:
    """The largest of the values within so many frames of each."""
    padded = np.pad(values, reach, constant_values=-np.inf)
    result: np.ndarray = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1)
    return result
