"""A drum kit laid out over several tracks: which of them each drum key belongs to."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from ritornello.music.piece import Piece

# Drum keys of General MIDI that are played by one hand or foot on one kind of drum.
_KINDS = (
    (35, 36),  # bass drums
    (37, 38, 39, 40),  # snares, claps, sticks
    (42, 44, 46),  # hi-hats
    (41, 43, 45, 47, 48, 50),  # toms
    (49, 51, 52, 53, 55, 57, 59),  # cymbals
)
_LIKE = {49: 42, 51: 42, 52: 42, 53: 42, 55: 42, 57: 42, 59: 42} | dict.fromkeys(_KINDS[3], 38)
_KEYS = 128


def key_owners(song: Piece, written: Collection[int]) -> dict[int, int]:
    """For each drum key the index of the track that a new hit of it goes to.

    A key goes where it is played most, else where its kind is. A key that belongs to a track that
    is not written for has no owner.

    Args:
        song: all its drum tracks tell who plays what.
        written: indices of the tracks that are written for.

    Returns:
        Nothing where the song has fewer than two drum tracks with notes, or none is written for.
    """
    counts = {
        index: np.bincount(track.notes["pitch"], minlength=_KEYS)
        for index, track in enumerate(song.tracks)
        if track.is_drum and len(track)
    }
    mine = [index for index in sorted(written) if song.tracks[index].is_drum]
    if len(counts) < 2 or not mine:
        return {}
    kinds = {key: kind for kind in _KINDS for key in kind}
    owners = {}
    for key in range(_KEYS):
        is_whole = set(counts) <= set(mine)
        # Nobody plays its kind: where the whole kit is written, cymbals go to the hi-hats' track,
        # toms to the snare's, and all else to the first.
        like = kinds[_LIKE[key]] if is_whole and key in _LIKE else ()
        for group in ((key,), kinds.get(key, ()), like):
            hits = {index: int(count[list(group)].sum()) for index, count in counts.items()}
            if any(hits.values()):
                owner = max(hits, key=lambda index: hits[index])
                break
        else:
            owner = mine[0] if is_whole else -1
        if owner in mine:
            owners[key] = owner
    return owners
