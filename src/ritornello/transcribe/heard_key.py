"""The key of notes that were heard, and how sure it is.

A major key and its relative minor have the same notes; they differ in how much each weighs. The
profiles of Temperley, "Music and Probability" (2007), p. 86, count how often pitch classes occur in
minor and in major, and tell relatives apart; those of "The Cognition of Basic Musical Structures"
(2001), which `music.keys` uses, find the diatonic set better. Their sum found more keys of hymns,
scores and real recordings than either, or than those of Albrecht and Shanahan (2013). Whether the
last chord is that of the tonic did not help: takes end anywhere.
"""

from __future__ import annotations

import numpy as np

from ritornello.music.keys import MAJOR_PROFILE, MINOR_PROFILE, KeyName, pitch_class_weights

_OCCURRING = (
    (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
    (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
)
_COUNTED_SECONDS = 0.5  # of a note; ends are heard less well than beginnings
_TEMPERATURE = 0.08  # makes chances of correlations


def heard_key(notes: np.ndarray) -> tuple[KeyName | None, float]:
    """The most likely key of notes and its probability; None and 0 where they tell none.

    Args:
        notes: `HEARD_NOTE_DTYPE`.
    """
    lasting = np.minimum(notes["end_seconds"] - notes["onset_seconds"], _COUNTED_SECONDS)
    weights = pitch_class_weights(notes["pitch"], lasting)
    if weights.sum() <= 0 or not np.ptp(weights):
        return None, 0.0
    # Rounded, so that ties go to the first key on every machine.
    scores = np.round(_profiles() @ ((weights - weights.mean()) / np.std(weights)) / 12, 9)
    chances = np.exp((scores - scores.max()) / _TEMPERATURE)
    scale, tonic = divmod(int(scores.argmax()), 12)
    return KeyName(tonic, ("major", "minor")[scale]), float(chances.max() / chances.sum())


def _profiles() -> np.ndarray:
    """C major to B major and C minor to B minor, each with mean 0 and deviation 1, [24, 12]."""
    joined = [
        _standard(one) + _standard(np.array(other))
        for one, other in zip((MAJOR_PROFILE, MINOR_PROFILE), _OCCURRING, strict=True)
    ]
    return np.array(
        [np.roll(_standard(profile), tonic) for profile in joined for tonic in range(12)]
    )


def _standard(profile: np.ndarray) -> np.ndarray:
    result: np.ndarray = (profile - profile.mean()) / np.std(profile)
    return result
