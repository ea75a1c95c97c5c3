"""A choir on two staves: which tracks share a staff, and whose the notes of a staff are.

Soprano and alto stand on one staff, tenor and bass on the next, stems up and down, as singers and
organists read them. Each singer is an instrument of its part, by an id of our own (`singer_id`),
so that the voices come back as the tracks they were.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ritornello.music.io.limits import clean_name
from ritornello.music.piece import Track

_LOWER = ("alto", "tenor", "bass")  # what voices below a melody are called
_UNNAMED = "melody"
_SINGERS = 1 + len(_LOWER)
_ID = re.compile(r"P\d+-V\d+")


def is_choir(tracks: Sequence[Track]) -> bool:
    """Whether four tracks are a melody and the voices below it, each one note at a time.

    They have one sound, and the lower ones names and nothing but notes and the words to them.
    """
    if len(tracks) != _SINGERS or any(track.is_drum or track.player for track in tracks):
        return False
    names = [clean_name(track.name) for track in tracks]
    return (
        tuple(name.lower() for name in names[1:]) == _LOWER
        and len({*names}) == _SINGERS
        and len({track.program for track in tracks}) == 1
        and all(map(_sings, tracks))
        and all(map(_has_but_words, tracks[1:]))
    )


def _sings(track: Track) -> bool:
    """Whether there are notes, and none begins before the one before it has ended."""
    onsets, durations = track.notes["onset"], track.notes["duration"]
    return len(track) > 0 and bool((onsets[1:] >= (onsets + durations)[:-1]).all())


def _has_but_words(track: Track) -> bool:
    begun = {*track.notes["onset"].tolist()}
    beside = len(track.controls) + len(track.bends) + len(track.pressures) + len(track.marks)
    return not beside and all(
        lyric.tick in begun or not lyric.text.strip("\n") for lyric in track.lyrics
    )


def shares_staff(tracks: Sequence[Track]) -> bool:
    """Whether the tracks of a part are singers on one staff, not one who changes instruments."""
    return len(tracks) > 1 and not tracks[0].player


def staff_name(tracks: Sequence[Track]) -> str:
    """The name of a part whose staff singers share."""
    return ", ".join(track.name or _UNNAMED for track in tracks)


def singer_id(part: int, place: int) -> str:
    """The instrument id of a singer, by the numbers of the part and of the singer, from 1."""
    return f"P{part}-V{place}"


def is_singer(identity: str) -> bool:
    """Whether an instrument of a part list is a singer as we write one."""
    return _ID.fullmatch(identity) is not None
