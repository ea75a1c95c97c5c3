"""Augmentation: a piece in another key and tempo, its drums on other keys of their kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ritornello.errors import ConfigError
from ritornello.music.piece import Piece
from ritornello.rng import Rng

LOWEST_SEMITONES, HIGHEST_SEMITONES = -6, 5
_SLOWEST_BPM, _FASTEST_BPM = 1.0, 10_000.0
_TEMPO_SHARE = 0.1
# General MIDI percussion keys that play the same role in a beat.
_LIKE_DRUMS = ((42, 51), (49, 57), (35, 36), (38, 40), (41, 43, 45, 47, 48, 50))
_VARIED_SHARE = 0.5  # of the pieces; and of each kind in these


def transposition_range(piece: Piece) -> tuple[int, int]:
    """The lowest and highest transposition, within -6 to +5, that keeps all pitches in 0-127.

    >>> from ritornello.music.piece import Piece, Track
    >>> transposition_range(Piece((Track([(0, 480, 3, 80)]),)))
    (-3, 5)
    """
    low, high = LOWEST_SEMITONES, HIGHEST_SEMITONES
    for track in piece.tracks:
        if not track.is_drum and len(track):
            low = max(low, -int(track.notes["pitch"].min()))
            high = min(high, 127 - int(track.notes["pitch"].max()))
    return min(low, 0), max(high, 0)


def augment(piece: Piece, rng: Rng) -> Piece:
    """The piece in a key drawn evenly from `transposition_range`, up to 10% slower or faster."""
    return augment_and_shift(piece, rng)[0]


def augment_and_shift(piece: Piece, rng: Rng) -> tuple[Piece, int]:
    """The piece that `augment` makes of a piece, and the semitones it is transposed by."""
    low, high = transposition_range(piece)
    semitones = int(rng.integers(low, high + 1))
    factor = (1 + _TEMPO_SHARE) ** rng.uniform(-1, 1)
    return scale_tempo(piece.transposed(semitones) if semitones else piece, factor), semitones


def vary_drums(piece: Piece, rng: Rng) -> Piece:
    """The piece with drums changed for others of their kind, in half of the pieces.

    Closed hi-hat and ride, two crashes, kicks and snares change places; toms go round. Each key
    goes to one key, so that a beat stays the beat that it was.
    """
    if rng.random() >= _VARIED_SHARE:
        return piece
    keys = np.arange(128)
    for kind in _LIKE_DRUMS:
        if rng.random() < _VARIED_SHARE:
            keys[list(kind)] = np.roll(kind, int(rng.integers(1, len(kind))))
    tracks = []
    for track in piece.tracks:
        if track.is_drum:
            notes = track.notes.copy()
            notes["pitch"] = keys[notes["pitch"]]
            track = replace(track, notes=notes)
        tracks.append(track)
    return replace(piece, tracks=tuple(tracks))


def scale_tempo(piece: Piece, factor: float) -> Piece:
    """The same notes, ``factor`` times as fast; tempi stay within what a `Piece` allows.

    Raises:
        ConfigError: if the factor is not above 0.
    """
    if not 0 < factor < float("inf"):
        raise ConfigError(
            f"A tempo factor is above 0; found {factor:g}.", next_step="1 keeps the tempo."
        )
    tempos = tuple(
        tempo._replace(bpm=min(max(tempo.bpm * factor, _SLOWEST_BPM), _FASTEST_BPM))
        for tempo in piece.tempos
    )
    return replace(piece, tempos=tempos)
