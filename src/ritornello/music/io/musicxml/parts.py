"""A track as a player reads it: staves, and on each staff voices of symbols bar by bar."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.io.musicxml.notation import Chord, Symbol, assign_voices, write_voice
from ritornello.music.piece import Track
from ritornello.music.quantise import FOOT_KEYS, Bar, Timing, span_edges, written_times

_LOG = logging.getLogger(__name__)

_GRAND_STAFF = frozenset({"piano", "harpsichord", "organ", "harp"})
# What notation programs offer on a staff; a performance gets two, to stay readable.
_VOICES_PER_STAFF = 4
_PERFORMED_VOICES = 2
_SPLIT_PITCHES = range(55, 67)  # where the hands may part, around middle C


@dataclass(frozen=True)
class Voice:
    """Symbols by bar index; ``number`` counts 1-4 on the upper staff and 5-8 on the lower."""

    number: int
    staff: int
    bars: dict[int, list[Symbol]]

    @property
    def is_first_on_staff(self) -> bool:
        return self.number % _VOICES_PER_STAFF == 1


def has_grand_staff(track: Track) -> bool:
    """Whether the part is read on two staves, as keyboards and harps are."""
    return not track.is_drum and INSTRUMENTS[track.instrument].name in _GRAND_STAFF


def write_part(
    track: Track, bars: list[Bar], resolution: int, *, is_grand: bool | None = None
) -> list[Voice]:
    """The voices of a track, staff by staff; the first voice of each staff fills every bar.

    Args:
        is_grand: whether on two staves; None for as its instrument is read.
    """
    timing = written_times(track, span_edges(bars, resolution), resolution)
    pitches = track.notes["pitch"].tolist()
    staves = [list(range(len(track)))]
    if has_grand_staff(track) if is_grand is None else is_grand:
        is_upper = _upper_hand(pitches, timing, bars)
        staves = [
            [note for note in staves[0] if is_upper[note] == upper] for upper in (True, False)
        ]
    voices: list[Voice] = []
    shortened = 0
    for staff, notes in enumerate(staves, start=1):
        if track.is_drum:
            parted = _limbs(notes, timing, pitches)
        else:
            limit = _VOICES_PER_STAFF if timing.exact else _PERFORMED_VOICES
            parted, count = assign_voices(_chords(notes, timing, pitches), limit)
            shortened += count
        for place, chords in enumerate(parted or [[]]):
            symbols = write_voice(chords, bars, resolution, is_first=place == 0)
            voices.append(Voice((staff - 1) * _VOICES_PER_STAFF + place + 1, staff, symbols))
    if shortened:
        _LOG.info("%s: %d chords written shorter to fit the voices.", track.label, shortened)
    return voices


def write_singers(
    tracks: Sequence[Track], owned: Sequence[Sequence[int]], bars: list[Bar], resolution: int
) -> list[Voice]:
    """The voices of singers who share a staff, one for each; see `choir_staves`.

    Args:
        tracks: one note at a time. owned: how their notes are numbered among those of the part.
    """
    voices = []
    for place, (track, numbers) in enumerate(zip(tracks, owned, strict=True)):
        timing = written_times(track, span_edges(bars, resolution), resolution)
        own = list(range(len(track)))
        chords = _chords(own, timing, track.notes["pitch"].tolist())
        for chord in chords:
            chord.notes = [numbers[note] for note in chord.notes]
        sung, _ = assign_voices(chords, 1)
        symbols = write_voice(sung[0], bars, resolution, is_first=place == 0)
        voices.append(Voice(place + 1, 1, symbols))
    return voices


def _chords(notes: list[int], timing: Timing, pitches: list[int]) -> list[Chord]:
    """Notes with the same written onset and end, together."""
    together: dict[tuple[int, int], list[int]] = defaultdict(list)
    for note in notes:
        together[int(timing.onsets[note]), int(timing.ends[note])].append(note)
    return [
        Chord(onset, end, members, max(pitches[note] for note in members))
        for (onset, end), members in together.items()
    ]


def _limbs(notes: list[int], timing: Timing, pitches: list[int]) -> list[list[Chord]]:
    """Hands, then feet: the hits of each never overlap, so each is a voice of its own."""
    hands = [note for note in notes if pitches[note] not in FOOT_KEYS]
    feet = [note for note in notes if pitches[note] in FOOT_KEYS]
    return [
        sorted(_chords(limb, timing, pitches), key=lambda chord: chord.onset)
        for limb in (hands, feet)
        if limb
    ]


def _upper_hand(pitches: list[int], timing: Timing, bars: list[Bar]) -> list[bool]:
    """Which notes stand on the upper staff: bar by bar, the hands part at the widest gap
    between neighbouring pitches around middle C."""
    starts = np.array([bar.start for bar in bars])
    bar_of = (np.searchsorted(starts, timing.onsets, side="right") - 1).tolist()
    in_bar: dict[int, set[int]] = defaultdict(set)
    for bar, pitch in zip(bar_of, pitches, strict=True):
        in_bar[bar].add(pitch)
    split = {bar: _split_pitch(found) for bar, found in in_bar.items()}
    return [pitch >= split[bar] for bar, pitch in zip(bar_of, pitches, strict=True)]


def _split_pitch(found: set[int]) -> int:
    """The lowest pitch of the upper staff."""

    def room(split: int) -> float:
        below = max((pitch for pitch in found if pitch < split), default=split - 12)
        above = min((pitch for pitch in found if pitch >= split), default=split + 12)
        return min(split - below, above - split + 1) - abs(split - 60) / 2

    return max(_SPLIT_PITCHES, key=room)
