"""Chords of a player, if they explain what was heard well enough to be told to a band.

Who strums, plays chords or breaks them says which they are, and a band that writes its own clashes:
of its notes, .53 to .59 were in chords of the player under violin lines, .98 where they were told.
Where half of what is played belongs to no chord, the band harmonises on its own.
"""

from __future__ import annotations

import numpy as np

from ritornello.transcribe.transcription import Transcription

# Share of the playing time of notes that belongs to their chords. On real takes: strummed guitar
# .82, broken chords of a violin .78, a song .68, a violin's lines .59; a chromatic line .4.
_EXPLAINED = 0.55
_COUNTED_SECONDS = 0.5  # of a note; ends are heard less well than beginnings
_EARLY_SECONDS = 0.05  # a note so shortly before a chord is of it


def explained(transcription: Transcription) -> float:
    """Share of the time in which notes sound that are in the chord of their beat, 0 to 1."""
    notes, chords = transcription.notes, transcription.chords
    if not len(notes) or not chords:
        return 0.0
    onsets = notes["onset_seconds"]
    lasting = np.minimum(notes["end_seconds"] - onsets, _COUNTED_SECONDS)
    starts = [seconds for seconds, _ in chords]
    each = np.maximum(0, np.searchsorted(starts, onsets + _EARLY_SECONDS, side="right") - 1)
    tones = [frozenset(chord.pitch_classes) if chord else frozenset() for _, chord in chords]
    fits = [
        int(pitch) % 12 in tones[index] for index, pitch in zip(each, notes["pitch"], strict=True)
    ]
    return float((lasting * np.array(fits)).sum() / max(lasting.sum(), 1e-9))


def are_played(transcription: Transcription) -> bool:
    """Whether the chords that were heard are the player's."""
    return explained(transcription) >= _EXPLAINED
