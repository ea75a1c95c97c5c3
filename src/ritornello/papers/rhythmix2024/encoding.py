"""Melodic lines as pairs of classes, a pitch or a rest and a duration: the `rhythmix2024` events.

A line is a part that plays one note at a time. Its events follow each other without a gap, so an
event begins where the one before it ends and silence is an event of its own, `REST`. Pitch and
duration are class indices that the network turns into one-hot vectors.

Durations are those that music21 reads from MIDI by default, sixteenths and eighth triplets, up to
two bars of 4/4. What does not fit is changed, and each change is counted (`Lost`). Errors of
rounding never add up: each event is fitted to the time that the ones before it have reached.
Metre, tempo, key, loudness, and what simultaneous notes there are, a line does not hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ritornello.music.note_tables import NOTE_DTYPE
from ritornello.music.piece import Piece, Track

RESOLUTION = 24

# --- vocabulary --------------------------------------------------------------------------------

REST = 128
PITCHES = REST + 1
# All multiples of a sixteenth or of an eighth triplet up to a whole note, then of a quarter.
DURATIONS_TICKS = np.array(
    sorted({*range(6, 97, 6)} | {*range(8, 97, 8)} | {*range(120, 193, 24)}), np.int64
)
DURATIONS = len(DURATIONS_TICKS)
NONE = (PITCHES, DURATIONS)  # before the first event, and padding; an input only

_VELOCITY = 80
_MOST_CHORD_NOTES = 0.05  # of a line's notes; beyond that it is no melodic line


def _spellings() -> list[tuple[int, ...]]:
    """For each number of ticks up to the longest class, the classes that come nearest to it.

    A spelling takes the longest class that fits, again and again; of two spellings as near, the
    shorter one.
    """
    exact: dict[int, tuple[int, ...]] = {0: ()}
    for ticks in range(1, int(DURATIONS_TICKS[-1]) + 1):
        longest = int(np.searchsorted(DURATIONS_TICKS, ticks, side="right")) - 1
        if longest >= 0 and (rest := ticks - int(DURATIONS_TICKS[longest])) in exact:
            exact[ticks] = (longest, *exact[rest])
    totals = np.array([*exact])
    return [
        exact[int(totals[np.abs(totals - ticks).argmin()])]
        for ticks in range(int(DURATIONS_TICKS[-1]) + 1)
    ]


_SPELLINGS = _spellings()


def spell_ticks(ticks: int) -> list[int]:
    """The duration classes whose sum is nearest to so many ticks, longest first; may be none."""
    whole, left = divmod(max(0, ticks), int(DURATIONS_TICKS[-1]))
    return [DURATIONS - 1] * whole + [*_SPELLINGS[left]]


class Lost(NamedTuple):
    """Notes of a track that its line does not hold as they were.

    chord: beneath another that starts with it, left out. cut: ended by the next one.
    dropped: too short for the grid, left out. moved: on another tick.
    resized: of another duration, though not cut.
    """

    chord: int = 0
    cut: int = 0
    dropped: int = 0
    moved: int = 0
    resized: int = 0

    def plus(self, other: Lost) -> Lost:
        return Lost(*(one + two for one, two in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Line:
    """The events of one melodic line.

    Attributes:
        events: int64 [events, 2], a pitch (or `REST`) and a duration class.
        program, name: of the track.
        lost: what the track had besides.
    """

    events: np.ndarray
    program: int = 0
    name: str = ""
    lost: Lost = field(default_factory=Lost)

    @property
    def note_count(self) -> int:
        return int((self.events[:, 0] != REST).sum())


@dataclass(frozen=True)
class Encoded:
    """The lines of a piece, and how many tracks are none, by reason: "drums", "chords"."""

    lines: tuple[Line, ...]
    left_out: Counter[str]


# --- encode ------------------------------------------------------------------------------------


def encode(piece: Piece) -> Encoded:
    """The melodic lines of a piece, in score order.

    A track is a line if at most one note in 20 starts together with a higher one.
    """
    piece = piece.at_resolution(RESOLUTION)
    lines, left_out = [], Counter[str]()
    for track in filter(len, piece.tracks):
        chord_notes = len(track) - len(np.unique(track.notes["onset"]))
        if track.is_drum:
            left_out["drums"] += 1
        elif chord_notes > _MOST_CHORD_NOTES * len(track):
            left_out["chords"] += 1
        else:
            lines.append(_encode_track(track))
    return Encoded(tuple(lines), left_out)


def _encode_track(track: Track) -> Line:
    """The line of the highest notes of a track at `RESOLUTION`."""
    # Sorted by onset, then pitch, then duration: the last note at each onset is the highest.
    highest = np.append(np.diff(track.notes["onset"]) > 0, True)
    notes = track.notes[highest]
    onsets, pitches = notes["onset"], notes["pitch"]
    following = np.append(onsets[1:], onsets[-1] + notes["duration"][-1])
    ends = np.minimum(onsets + notes["duration"], following)
    shortest = int(DURATIONS_TICKS[0])
    held = np.where(following - ends < shortest // 2, following, ends)  # no rest to be heard
    events: list[tuple[int, int]] = []
    time = dropped = moved = resized = 0
    for onset, end, pitch, asked in zip(
        onsets.tolist(), held.tolist(), pitches.tolist(), (ends - onsets).tolist(), strict=True
    ):
        rests = spell_ticks(onset - time)
        start = time + int(DURATIONS_TICKS[rests].sum())
        classes = spell_ticks(end - start)
        if not classes:  # the rest before it goes on, and is spelled as one
            dropped += 1
            continue
        events += [(REST, rest) for rest in rests]
        time = start
        events.append((pitch, classes[0]))
        ticks = int(DURATIONS_TICKS[classes[0]])
        moved += time != onset
        resized += ticks != asked
        time += ticks
    cut = int((onsets + notes["duration"] > following).sum())
    lost = Lost(len(track) - len(notes), cut, dropped, moved, resized)
    return Line(np.array(events, np.int64).reshape(-1, 2), track.program, track.name, lost)


# --- decode ------------------------------------------------------------------------------------


def decode(lines: Iterable[Line]) -> Piece:
    """Lines that start together, as a piece at `RESOLUTION`; a rest at the end is not heard."""
    return Piece(tuple(map(_decode_line, lines)), RESOLUTION)


def _decode_line(line: Line) -> Track:
    ticks = DURATIONS_TICKS[line.events[:, 1]]
    onsets = np.cumsum(ticks) - ticks
    sounds = line.events[:, 0] != REST
    notes = np.empty(line.note_count, NOTE_DTYPE)
    notes["onset"], notes["duration"] = onsets[sounds], ticks[sounds]
    notes["pitch"], notes["velocity"] = line.events[sounds, 0], _VELOCITY
    return Track(notes, line.program, name=line.name)
