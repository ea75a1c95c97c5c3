"""Figures of a piece for voices, such as a harmonised hymn, on each beat of it.

A voice is a pitched part. What sounds on a beat is a complete chord if it has the root, the third
and the fifth of a triad.
"""

from __future__ import annotations

import numpy as np

from ritornello.metrics.endings import closing_key
from ritornello.music import harmony
from ritornello.music.keys import KeyName
from ritornello.music.piece import Piece
from ritornello.plan.bar_strokes import RESOLUTION

_MINOR_STEPS = 9, 2  # semitones above the tonic of a major key
_TRIADS = ((0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 4, 8))


def measure_choir(piece: Piece) -> dict[str, float]:
    """Measure a piece; its beats are those from its first note to its last.

    Returns:
        By name, nan where there is nothing to measure: whether the last chord is part of the
        tonic's and has its root; whether its lowest note is the tonic (where a major key is stated
        and the highest voice ends on the sixth or second step of it, that step is the tonic: files
        state major keys for music in minor and in Dorian); the shares of the beats with
        a complete chord and with a silent voice; the share of the beats with the bass (the lowest
        voice) in which it strikes the note that it struck last.
    """
    piece = piece.at_resolution(RESOLUTION)
    voices = [track.notes for track in piece.tracks if len(track) and not track.is_drum]
    if not voices:
        return dict.fromkeys(NAMES, np.nan)
    notes = np.concatenate(voices)
    highest = max(voices, key=lambda voice: float(voice["pitch"].mean()))
    key = _key_sung(closing_key(piece), int(highest["pitch"][-1]))
    last = int(notes["onset"].max())
    final = notes["pitch"][(notes["onset"] <= last) & (notes["onset"] + notes["duration"] > last)]
    tonic = np.nan if key is None else _is_tonic(final, key.tonic)
    on_bass = np.nan if key is None else float(int(final.min()) % 12 == key.tonic)
    beats = harmony.segments(piece.metres, piece.length_ticks, RESOLUTION).starts_ticks
    beats = beats[(beats >= notes["onset"].min()) & (beats <= last)]
    complete, silent = [], []
    for beat in beats:
        sounding = [
            voice["pitch"][(voice["onset"] <= beat) & (voice["onset"] + voice["duration"] > beat)]
            for voice in voices
        ]
        classes = {int(pitch) % 12 for pitches in sounding for pitch in pitches}
        complete.append(_has_triad(classes))
        silent.append(any(not len(pitches) for pitches in sounding))
    bass = min(voices, key=lambda voice: float(voice["pitch"].mean()))["pitch"]
    return dict(
        zip(
            NAMES,
            (tonic, on_bass, _mean(complete), _mean(silent), _mean(bass[1:] == bass[:-1])),
            strict=True,
        )
    )


NAMES = (
    "last chord the tonic",
    "its bass the tonic",
    "complete chords on beats",
    "beats with a silent voice",
    "the bass repeats its note",
)


def _key_sung(stated: KeyName | None, last_pitch: int) -> KeyName | None:
    """The minor key on a step of a stated major one where the highest voice ends on its tonic."""
    if stated is None or stated.is_minor or (last_pitch - stated.tonic) % 12 not in _MINOR_STEPS:
        return stated
    return KeyName(last_pitch % 12, "minor")


def _is_tonic(pitches: np.ndarray, tonic: int) -> float:
    steps = {(int(pitch) - tonic) % 12 for pitch in pitches}
    return float(0 in steps and any(steps <= set(triad) for triad in _TRIADS[:2]))


def _has_triad(classes: set[int]) -> bool:
    return any(
        all((root + step) % 12 in classes for step in triad)
        for root in classes
        for triad in _TRIADS
    )


def _mean(found: list[bool] | np.ndarray) -> float:
    return float(np.mean(found)) if len(found) else np.nan
