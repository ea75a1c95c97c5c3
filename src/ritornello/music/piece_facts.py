"""What lists and programs want to know of a piece: key, tempo, metre, length, notes by part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ritornello.json_values import JsonObject
from ritornello.music.piece import Piece
from ritornello.music.slicing import bars_at


def facts_of(piece: Piece) -> JsonObject:
    """Facts of plain values, as JSON holds them.

    Returns:
        ``key`` (None where it states none), ``tempo_bpm`` at the beginning, ``metre``, the one that
        holds longest, such as "4/4", ``bars``, ``seconds``, and ``parts``, the number of notes by
        part.
    """
    # The first may be that of an upbeat, as in music that was played to no beat.
    held: Counter[tuple[int, int]] = Counter()
    for metre, end in piece.metre_spans():
        held[metre.numerator, metre.denominator] += end - metre.tick
    (numerator, denominator), _ = held.most_common(1)[0]
    return {
        "key": str(piece.keys[0].key) if piece.keys else None,
        "tempo_bpm": piece.tempos[0].bpm,
        "metre": f"{numerator}/{denominator}",
        "bars": piece.bar_count,
        "seconds": round(piece.duration_seconds, 1),
        "parts": dict(zip(part_names(piece), map(len, piece.tracks), strict=True)),
    }


def part_names(piece: Piece) -> list[str]:
    """The labels of parts; those that are not alone with theirs with the number of the track."""
    alike = Counter(track.label for track in piece.tracks)
    return [
        track.label if alike[track.label] == 1 else f"{number} {track.label!r}"
        for number, track in enumerate(piece.tracks, 1)
    ]


def new_bars(piece: Piece, given: Sequence[np.ndarray]) -> tuple[int, int] | None:
    """First and last bar where a note begins that was not given, counted from 1."""
    onsets = [
        int(end)
        for track, old in zip(piece.tracks, given, strict=True)
        if not old.all()
        for end in track.notes["onset"][~old][[0, -1]]
    ]
    if not onsets:
        return None
    first, last = bars_at(piece, np.array([min(onsets), max(onsets)])) + 1
    return int(first), int(last)
