"""Pieces on the corpus grid: 24 ticks a quarter, one note a pitch, part and tick, as they sound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ritornello.music.controls import PEDAL_DOWN, SUSTAIN
from ritornello.music.lateness import in_time
from ritornello.music.piece import Metre, Piece, Track

CORPUS_RESOLUTION = 24
_LONGEST_HELD_BEATS = 8  # by a pedal, after the key: a string has died away then


def on_grid(piece: Piece) -> tuple[Piece, int]:
    """The piece at `CORPUS_RESOLUTION` without parts that have no notes.

    Notes of one part and pitch that fall on one tick become one note, as long and as loud as
    the longest and the loudest of them. Notes last as long as the sustain pedal lets them sound,
    and stand on the sixteenths where all of them lie beside these alike. Bars are whole where a
    repeat cut them.

    Returns:
        The piece, and how many notes were merged into another.
    """
    pedalled = tuple(_pedalled(track, piece) for track in piece.tracks)
    piece = in_time(replace(piece, tracks=pedalled)).at_resolution(CORPUS_RESOLUTION)
    tracks, merged = [], 0
    for track in piece.tracks:
        clean = _without_doubles(track)
        merged += len(track) - len(clean)
        if len(clean):
            tracks.append(clean)
    metres = _of_whole_bars(piece.metres, CORPUS_RESOLUTION)
    return replace(piece, tracks=tuple(tracks), metres=metres), merged


def _of_whole_bars(metres: tuple[Metre, ...], resolution: int) -> tuple[Metre, ...]:
    """Metres without the bar lines of repeats that cut a bar in two.

    Scores end a strain with what its upbeat leaves of a bar, and state their metre at each of both:
    played out, the upbeat fills the bar, and strains of eight bars come every eight.
    """
    kept = list(metres[:1])
    for index, here in enumerate(metres[1:], 1):
        cut = (here.tick - kept[-1].tick) % here.bar_ticks(resolution)
        left = here.bar_ticks(resolution) - cut
        around = (kept[-1], here, *metres[index + 1 : index + 2])
        fills = len(around) == 3 and around[2].tick - here.tick == left
        says_nothing = not cut and here[1:] == kept[-1][1:]
        if not says_nothing and not (fills and len({metre[1:] for metre in around}) == 1):
            kept.append(here)
    return tuple(kept)


def _pedalled(track: Track, piece: Piece) -> Track:
    """A part whose notes end where the pedal is lifted, or the same key is struck again."""
    presses = track.controls[track.controls["number"] == SUSTAIN]
    is_down = presses["value"] >= PEDAL_DOWN
    if track.is_drum or not len(track) or not is_down.any():
        return track
    notes = track.notes.copy()
    onsets, keys = notes["onset"].astype(np.int64), notes["pitch"].astype(np.int64)
    ends = onsets + notes["duration"]
    # Pedal down at the end of a note: it sounds on to where the pedal is lifted.
    change = np.searchsorted(presses["tick"], ends, side="right") - 1
    held = (change >= 0) & is_down[change]
    lifted = np.append(presses["tick"][~is_down].astype(np.int64), np.iinfo(np.int64).max)
    until = lifted[np.searchsorted(lifted, ends, side="right")]
    longest = np.minimum(ends + _LONGEST_HELD_BEATS * piece.resolution, piece.length_ticks)
    until = np.minimum(until, longest)
    by_key = np.lexsort((onsets, keys))
    again = np.full(len(notes), np.iinfo(np.int64).max)
    same = (np.diff(keys[by_key]) == 0) & (np.diff(onsets[by_key]) > 0)
    again[by_key[:-1][same]] = onsets[by_key[1:]][same]
    longer = np.maximum(ends, np.minimum(until, again))
    notes["duration"] = np.where(held, longer, ends) - onsets
    return replace(track, notes=notes)


def _without_doubles(track: Track) -> Track:
    # Notes are sorted by onset, then pitch: doubles are neighbours.
    notes = track.notes
    same = (np.diff(notes["onset"]) == 0) & (np.diff(notes["pitch"]) == 0)
    if not same.any():
        return track
    first = np.flatnonzero(np.concatenate([[True], ~same]))
    kept = notes[first]
    for field in ("duration", "velocity"):
        kept[field] = np.maximum.reduceat(notes[field], first)
    return replace(track, notes=kept)
