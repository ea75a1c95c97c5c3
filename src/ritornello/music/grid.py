"""Pieces on the corpus grid: 24 ticks a quarter, one note a pitch, part and tick."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ritornello.music.piece import Piece, Track

CORPUS_RESOLUTION = 24


def on_grid(piece: Piece) -> tuple[Piece, int]:
    """The piece at `CORPUS_RESOLUTION` without parts that have no notes.

    Notes of one part and pitch that fall on one tick become one note, as long and as loud as
    the longest and the loudest of them.

    Returns:
        The piece, and how many notes were merged into another.
    """
    piece = piece.at_resolution(CORPUS_RESOLUTION)
    tracks, merged = [], 0
    for track in piece.tracks:
        clean = _without_doubles(track)
        merged += len(track) - len(clean)
        if len(clean):
            tracks.append(clean)
    return replace(piece, tracks=tuple(tracks)), merged


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
