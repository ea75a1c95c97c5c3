"""Whether somebody speaks in a recording, by its measures and by how little of it is notes.

Speech changes its level as fast as syllables come, as many a player does; but its vowels glide, and
hardly any of them is heard as a note, and none is clear. Who sings or plays is heard as notes, for
most of the time or clearly.
"""

from __future__ import annotations

import numpy as np

from ritornello.transcribe.sound_measures import Measures

# Of synthetic speech notes cover .03 to .29, with a mean confidence of .49 to .82; of 8 real solos
# .47 and more; strums that are damped come near .3, with a confidence of .85 and more.
_MOST_NOTES, _LEAST_CLEAR = 0.3, 0.83
_STEPS_A_SECOND = 100


def is_spoken(measures: Measures, notes: np.ndarray) -> bool:
    """Measures of a recording and its notes to whether it is speech.

    Args:
        notes: `HEARD_NOTE_DTYPE` by onset; may be empty.
    """
    return (
        measures.is_like_syllables
        and note_share(notes, measures.sounding_seconds) < _MOST_NOTES
        and not (len(notes) and notes["confidence"].mean() > _LEAST_CLEAR)
    )


def note_share(notes: np.ndarray, span_seconds: tuple[float, float]) -> float:
    """The share of a span of time in which any note sounds, 0 to 1."""
    first, last = span_seconds
    steps = max(1, round((last - first) * _STEPS_A_SECOND))
    sounds = np.zeros(steps + 1, int)
    for name, change in (("onset_seconds", 1), ("end_seconds", -1)):
        at = np.rint((notes[name] - first) * _STEPS_A_SECOND).astype(int)
        np.add.at(sounds, np.clip(at, 0, steps), change)
    return float((np.cumsum(sounds)[:-1] > 0).mean())
