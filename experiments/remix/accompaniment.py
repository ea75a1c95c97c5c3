"""Whether a band goes with the solo that it was made for: in harmony, in key and in time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from experiments.remix.hearing import nearest_offsets
from experiments.remix.solos import Solo
from ritornello.metrics.consonance import agreement, by_chance
from ritornello.music.piece import Piece

_STEP_QUARTERS = 12  # notes are moved to the nearest twelfth of a quarter: 16ths and triplets
_ON_BEAT_SECONDS = 0.002
_AROUND_SECONDS = 0.2  # of the first and the last true beat


def going_along(solo: Solo, band: Piece) -> dict[str, Any]:
    """`Agreement` of the band with the true notes of the solo, and its share in the true key.

    Args:
        band: on the true grid, see `on_true_grid`.
    """
    pitches = [track.notes["pitch"] % 12 for track in band.tracks if not track.is_drum]
    classes = np.concatenate([np.zeros(0, np.int64), *pitches])
    if not len(classes):
        return {}
    in_key = np.isin(classes, sorted(solo.key.pitch_classes)).mean() if solo.key else np.nan
    return {
        **agreement(solo.given, band)._asdict(),
        "in_key": float(in_key),
        "in_chord_in_other_keys": by_chance(solo.given, band)["other keys"].notes_in_chord,
    }


def on_true_grid(solo: Solo, band: Piece) -> Piece:
    """The notes that a band plays during the solo, where they fall in the solo as written.

    Args:
        band: on any tempo map; it begins with the sound of the solo.
    """
    step = solo.piece.resolution // _STEP_QUARTERS
    length = solo.piece.length_ticks
    tracks = []
    for track in band.tracks:
        table = track.notes.copy()
        times = (table["onset"], table["onset"] + table["duration"])
        onsets, ends = (
            np.rint(solo.ticks_at(band.ticks_to_seconds(ticks)) / step).astype(np.int64) * step
            for ticks in times
        )
        table["onset"] = onsets
        table["duration"] = np.maximum(step, np.minimum(ends, length) - onsets)
        tracks.append(replace(track, notes=table[(onsets >= 0) & (onsets <= length - step)]))
    return replace(solo.piece, tracks=tuple(tracks))


def offsets_to_beats(
    solo: Solo, band: Piece, own_beats_seconds: np.ndarray, parts: int = 1
) -> np.ndarray:
    """Seconds from the true beat to each moment at which the band plays on its own beat.

    Args:
        parts: 2 for offsets to halves of beats too, which forgive a tempo twice the true one.
    """
    onsets = np.unique(np.concatenate([track.notes["onset"] for track in band.tracks]))
    seconds = band.ticks_to_seconds(onsets)
    seconds = seconds[np.abs(nearest_offsets(seconds, own_beats_seconds)) < _ON_BEAT_SECONDS]
    beats = solo.beats_seconds
    count = len(beats)
    beats = np.interp(np.arange(0, count - 1 + 0.5 / parts, 1 / parts), np.arange(count), beats)
    during = (seconds > beats[0] - _AROUND_SECONDS) & (seconds < beats[-1] + _AROUND_SECONDS)
    return nearest_offsets(seconds[during], beats)


def of_another(solo: Solo, other: Solo) -> Piece:
    """The real accompaniment of another solo, as far as it lasts, under this one."""
    resolution = solo.piece.resolution
    moved = other.accompaniment.at_resolution(resolution)
    length = solo.piece.length_ticks
    tracks = []
    for track in moved.tracks:
        table = track.notes[track.notes["onset"] < length].copy()
        table["duration"] = np.minimum(table["duration"], length - table["onset"])
        tracks.append(replace(track, notes=table))
    return replace(solo.piece, tracks=tuple(tracks))
