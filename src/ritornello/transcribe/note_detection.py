"""A recording to its notes: which, when, how loud, and how sure."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ritornello.errors import ConfigError
from ritornello.transcribe.note_activity import FRAME_SAMPLES, LOWEST_KEY, RATE_HZ, activities
from ritornello.transcribe.note_decoding import NoteDecoder
from ritornello.transcribe.note_network import KEYS
from ritornello.transcribe.values import HEARD_NOTE_DTYPE

LEAST_CONFIDENCE = 0.4
_TOGETHER_SECONDS = 0.05  # onsets this near are one stroke
_FAINTEST_DB = -45.0  # against the loud notes of a recording
_LOUD_PERCENTILE, _LOUD_VELOCITY = 90, 100
# Players of one voice overlap notes a little, and a room rings; chords are more than that.
_COMPANY_SHARE, _IN_COMPANY = 0.5, 0.12
_SHORTEST_SECONDS = 0.03


def find_notes(
    blocks: Iterable[np.ndarray],
    *,
    voices: int | None = None,
    lowest_pitch: int = LOWEST_KEY,
    highest_pitch: int = LOWEST_KEY + KEYS - 1,
    least_confidence: float = LEAST_CONFIDENCE,
) -> np.ndarray:
    """The notes of a recording of any length, in memory that grows only with their number.

    Drums and noise have few, but some may be heard. How the sound is cut into blocks makes no
    difference.

    Args:
        blocks: mono float32 at 22,050 Hz, of any sizes.
        voices: most notes that begin together; 1 for an instrument that plays one note at a time,
            each then ends where the next begins. None to find out whether it is such a one.
        lowest_pitch, highest_pitch: what is outside is not a note; MIDI, 21 to 108.
        least_confidence: 0.1 to 1; less finds more notes and more that are none.

    Returns:
        `HEARD_NOTE_DTYPE` by (onset, pitch). No two notes of one pitch overlap. Velocities are
        loudness against the loud notes of the recording, which have 100.

    Raises:
        ConfigError: if an argument is out of range.
    """
    if voices is not None and voices < 1:
        raise ConfigError(f"A player has at least one voice; found {voices}.")
    if not LOWEST_KEY <= lowest_pitch <= highest_pitch < LOWEST_KEY + KEYS:
        raise ConfigError(
            f"Pitches are transcribed from {LOWEST_KEY} to {LOWEST_KEY + KEYS - 1}; "
            f"found {lowest_pitch} to {highest_pitch}."
        )
    decoder = NoteDecoder()
    for activity in activities(blocks):
        decoder.read(activity)
    found = decoder.finish()
    pitch = found["key"] + LOWEST_KEY
    inside = (pitch >= lowest_pitch) & (pitch <= highest_pitch)
    found = _apart(found[inside & (found["probability"] >= least_confidence)])
    notes = _as_heard(found)
    return one_voice(notes) if (voices or estimated_voices(notes)) == 1 else _thinned(notes, voices)


def _apart(found: np.ndarray) -> np.ndarray:
    """Candidates without duplicates: onsets of one key too close to a stronger one."""
    together = _TOGETHER_SECONDS * RATE_HZ / FRAME_SAMPLES
    kept = _strongest(found["onset_frame"], found["probability"], found["key"], together, most=1)
    result: np.ndarray = found[kept]
    return result


def _strongest(
    onset: np.ndarray, strength: np.ndarray, group: np.ndarray, together: float, most: int
) -> np.ndarray:
    """Which onsets, of those of one group that are ``together``, are the strongest; ascending.

    Args:
        onset: ascending. strength, group: of each.
        together: most distance between onsets that count as one.
        most: how many are kept of them.
    """
    kept = np.zeros(len(onset), bool)
    for n in np.argsort(-strength, kind="stable"):
        first = np.searchsorted(onset, onset[n] - together, "right")
        last = np.searchsorted(onset, onset[n] + together, "left")
        near = slice(first, last)
        kept[n] = (kept[near] & (group[near] == group[n])).sum() < most
    return np.flatnonzero(kept)


def _as_heard(found: np.ndarray) -> np.ndarray:
    notes = np.zeros(len(found), HEARD_NOTE_DTYPE)
    if not len(found):
        return notes
    frame_seconds = FRAME_SAMPLES / RATE_HZ
    level = found["level_db"] - np.percentile(found["level_db"], _LOUD_PERCENTILE)
    notes["onset_seconds"] = np.maximum(0, found["onset_frame"] * frame_seconds)
    notes["end_seconds"] = found["end_frame"] * frame_seconds
    notes["pitch"] = found["key"] + LOWEST_KEY
    # General MIDI players square velocities: 40 dB for a factor of ten.
    notes["velocity"] = np.clip(np.rint(_LOUD_VELOCITY * 10 ** (level / 40)), 1, 127)
    notes["confidence"] = found["probability"]
    notes = notes[level >= _FAINTEST_DB]
    notes = notes[np.lexsort((notes["pitch"], notes["onset_seconds"]))]
    for pitch in np.unique(notes["pitch"]):
        _end_before_next(notes, np.flatnonzero(notes["pitch"] == pitch))
    result: np.ndarray = notes
    return result


def _end_before_next(notes: np.ndarray, which: np.ndarray) -> None:
    """Cut notes, given by ascending indices, where the next of them begins."""
    notes["end_seconds"][which[:-1]] = np.minimum(
        notes["end_seconds"][which[:-1]], notes["onset_seconds"][which[1:]]
    )
    shortest = notes["onset_seconds"][which] + _SHORTEST_SECONDS
    notes["end_seconds"][which] = np.maximum(notes["end_seconds"][which], shortest)


# --- voices ---------------------------------------------------------------------------------------


def estimated_voices(notes: np.ndarray) -> int:
    """Number of voices: 1 if few notes overlap, else the usual number that sound together.

    Company is a note that began before or with it and sounds together with it for at least half
    of the shorter of the two.

    Args:
        notes: `HEARD_NOTE_DTYPE` by onset; without notes there is 1 voice.
    """
    if not len(notes):
        return 1
    onset, end = notes["onset_seconds"], notes["end_seconds"]
    length = end - onset
    firsts = np.searchsorted(onset, onset - length.max())
    lasts = np.searchsorted(onset, onset + _TOGETHER_SECONDS, "right")
    sounding = np.empty(len(notes), np.int64)  # with each note, itself included
    for n, near in enumerate(map(slice, firsts, lasts)):
        overlap = np.minimum(end[near], end[n]) - np.maximum(onset[near], onset[n])
        company = overlap >= _COMPANY_SHARE * np.minimum(length[near], length[n])
        sounding[n] = company.sum()
    if (sounding > 1).mean() < _IN_COMPANY:
        return 1
    return max(2, int(np.bincount(sounding).argmax()))


def one_voice(notes: np.ndarray) -> np.ndarray:
    """A monophonic line: the most confident of notes that begin together, ended by the next.

    Args:
        notes: `HEARD_NOTE_DTYPE` by onset.
    """
    notes = _thinned(notes, 1)
    _end_before_next(notes, np.arange(len(notes)))
    return notes


def _thinned(notes: np.ndarray, voices: int | None) -> np.ndarray:
    """The ``voices`` most confident of the notes that begin together; all for None."""
    if voices is None:
        return notes
    everyone = np.zeros(len(notes), np.int64)
    onset, confidence = notes["onset_seconds"], notes["confidence"]
    result: np.ndarray = notes[
        _strongest(onset, confidence, everyone, _TOGETHER_SECONDS, voices)
    ].copy()
    return result
