"""Whether enough happens in a recording to tell a beat: notes, or strokes without pitch.

Two or three notes always fit some beat, and what has learned from music hears one in them. So a few
notes tell a beat only if they follow each other evenly, or if something is struck beside them.
"""

from __future__ import annotations

import numpy as np

from ritornello.transcribe.note_beats import begin_events
from ritornello.transcribe.spectra import FRAME_SECONDS, SHORT_BANDS

_ENOUGH_NOTES, _ENOUGH_STROKES, _ENOUGH_EVEN = 8, 4, 5
_EVEN_SHARE, _SLOWEST_SECONDS = 0.08, 1.5
# A stroke raises many bands at once by 10 dB and more, a note those of its partials.
_RISE, _BANDS_SHARE, _SOFT = 0.5, 0.4, 2.5  # in log10 of the amplitude; below the loudest
_REACH_FRAMES, _APART_FRAMES = 2, 4
_RISES_FRAMES, _BEGUN = 5, 0.5
_OF_A_NOTE_SECONDS = 0.08


def tell_a_beat(spectra: np.ndarray, notes: np.ndarray) -> bool:
    """Log bands [frames, bands] and notes to whether a beat can be told by them.

    Args:
        notes: `HEARD_NOTE_DTYPE` by onset, from the first frame on.
    """
    if len(notes) >= _ENOUGH_NOTES:
        return True
    onsets = notes["onset_seconds"]
    moments = onsets[begin_events(onsets)]
    return are_even(moments) or len(strokes_seconds(spectra, moments)) >= _ENOUGH_STROKES


def are_even(moments_seconds: np.ndarray) -> bool:
    """Whether some moments, a few at least, follow each other as evenly and fast as beats do."""
    if len(moments_seconds) < _ENOUGH_EVEN:
        return False
    lengths = np.diff(moments_seconds)
    usual = float(np.median(lengths))
    steps = lengths / usual
    whole = np.clip(np.rint(steps), 1, 2)  # one that was missed lies between two
    return usual <= _SLOWEST_SECONDS and bool((abs(steps - whole) < _EVEN_SHARE).all())


def strokes_seconds(spectra: np.ndarray, moments_seconds: np.ndarray) -> np.ndarray:
    """When something is struck that is none of the notes that begin at some moments, float64."""
    bands = spectra[:, :SHORT_BANDS].astype(np.float64)
    if len(bands) <= _REACH_FRAMES:
        return np.zeros(0)
    louder = bands[_REACH_FRAMES:] - bands[:-_REACH_FRAMES] > _RISE
    rising = (louder & (bands[_REACH_FRAMES:] > bands.max() - _SOFT)).mean(axis=1)
    frames = np.flatnonzero(rising > _BANDS_SHARE)
    frames = frames[np.diff(frames, prepend=-_APART_FRAMES - 1) > _APART_FRAMES]
    times = np.array([_begins(bands, int(frame)) for frame in frames]) * FRAME_SECONDS
    if not len(moments_seconds):
        return times
    away = np.abs(times[:, None] - moments_seconds).min(axis=1)
    result: np.ndarray = times[away > _OF_A_NOTE_SECONDS]
    return result


def _begins(bands: np.ndarray, frame: int) -> float:
    """When what rises from a frame on begins, in frames: windows reach to both sides of it."""
    amplitude = (10 ** bands[frame : frame + _RISES_FRAMES]).sum(axis=1)
    top = int(amplitude.argmax())
    rising = np.maximum.accumulate(amplitude[: top + 1])
    wanted = rising[0] + _BEGUN * (rising[-1] - rising[0])
    return frame + float(np.interp(wanted, rising, np.arange(top + 1)))
