"""What files can hold of names, notes and tempi; shared by the formats of this package."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ritornello.music.piece import DEFAULT_TEMPO_BPM, Metre, Tempo

SLOWEST_BPM, FASTEST_BPM = 5.0, 1000.0
MOST_TRACKS = 512


class Remark(str):
    """A sentence of a reader that tells what a file has; nothing had to be mended for it."""

    __slots__ = ()


def clean_name(text: str) -> str:
    """One line without control characters: what a name can be in every format."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    elif "  " not in text:
        return text.strip(" ")
    return " ".join(text.split())


def tempos_of_score(
    changes: Iterable[tuple[int, float]], metres: tuple[Metre, ...], resolution: int
) -> tuple[Tempo, ...]:
    """Tempi of a score, (tick, bpm); the usual one is played before a first one that comes late.

    One within the first bar, or behind a pick-up, is that of the beginning.
    """
    tempos = tuple(Tempo(tick, bpm) for tick, bpm in changes)
    bar_ticks = (metres or (Metre(0, 4, 4),))[0].bar_ticks(resolution)
    if tempos and tempos[0].tick >= bar_ticks:
        return (Tempo(0, DEFAULT_TEMPO_BPM), *tempos)
    return tempos


def one_at_a_time(notes: np.ndarray) -> np.ndarray:
    """Notes of which no two of one pitch sound together, as on one string or one channel.

    A note ends where the next one of its pitch begins; of notes of one pitch and onset the
    longest stays.

    Args:
        notes: `NOTE_DTYPE` [notes], sorted as in a `Track`.

    Returns:
        `NOTE_DTYPE` [notes or fewer], sorted by (pitch, onset).
    """
    by_pitch = notes[np.argsort(notes["pitch"], kind="stable")]
    same_pitch = by_pitch["pitch"][1:] == by_pitch["pitch"][:-1]
    durations = by_pitch["duration"][:-1]
    until_next = np.where(same_pitch, np.diff(by_pitch["onset"]), durations)
    by_pitch["duration"][:-1] = np.minimum(durations, until_next)
    return by_pitch[by_pitch["duration"] > 0]
