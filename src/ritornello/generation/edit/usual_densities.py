"""How dense what is written into a song is, where nobody says so: as what it replaces or joins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from ritornello.generation.edit.plans import FittedSong
from ritornello.generation.rules import Rules
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.keys import pitch_class_weights
from ritornello.music.piece import Piece, Track
from ritornello.music.slicing import bar_lines
from ritornello.note_model.encoding import notes
from ritornello.plan.players import LINES

_STRAY_SHARE = 0.02  # of the notes of a part: rarer pitch classes are not of its scale
_BESIDE_BARS = 4  # before and after a gap, whose density it keeps
_MOST_DENSITY = 100  # notes a beat that rules take
# Second lines have a median of .86 of the onsets of the first in quartets, .41 in orchestras, .3
# and .5 in game music (training pieces, up to 60 a set). The busiest part may break chords.
_SECOND_LINE, _MOST_OF_A_LINE = 0.5, 1.0  # notes a beat
_TUNE = 1.0  # notes a beat of a tune over chords; without it some were of whole notes alone


def as_now(
    fitted_song: FittedSong,
    tracks: Collection[int],
    spans: Sequence[tuple[int, int]],
    rules: Rules,
    *,
    dense: bool = True,
) -> Rules:
    """The rules with the scale of tracks, and their densities in spans, where they state none.

    Args:
        dense: whether densities are added.
    """
    song = fitted_song.song
    played = [song.tracks[index] for index in tracks if len(song.tracks[index])]
    pitched = [track.notes["pitch"] for track in played if not track.is_drum]
    if pitched and rules.key is None and rules.scale is None:
        counts = pitch_class_weights(np.concatenate(pitched))
        often = np.flatnonzero(counts >= _STRAY_SHARE * counts.sum())
        rules = replace(rules, scale=tuple(often.tolist()))
    if dense and rules.density is None and not rules.densities:
        rules = replace(rules, densities=densities_of(fitted_song, tracks, spans))
    return rules


def with_lines(
    fitted_song: FittedSong,
    new: Collection[int],
    span: tuple[int, int],
    rules: Rules,
    *,
    second: bool,
) -> Rules:
    """The rules with the density of lines that are added, where none is stated.

    Second lines have a share of the onsets of the busiest pitched part of the song in a span, at
    most one a beat; who has the tune has as many notes as beats.

    Args:
        second: whether the song has a tune.
    """
    names = {INSTRUMENTS[notes.instrument_of(part)].name for part in new}.intersection(LINES)
    song = fitted_song.song
    if rules.density is not None or rules.densities or not names:
        return rules
    if not second:
        return replace(rules, densities=dict.fromkeys(names, _TUNE))
    onsets = [
        np.unique(track.notes["onset"]) for track in song.tracks if not track.is_drum and len(track)
    ]
    counts = [np.count_nonzero((each >= span[0]) & (each < span[1])) for each in onsets]
    density = _SECOND_LINE * max(counts, default=0) * song.resolution / (span[1] - span[0])
    told = dict.fromkeys(names, min(density, _MOST_OF_A_LINE))
    return replace(rules, densities=told) if density else rules


def beside(song: Piece, first_bar: int, last_bar: int) -> list[tuple[int, int]]:
    """Some bars before and after others, in ticks, empty spans left out."""
    lines = bar_lines(song)
    spans = [
        (lines[max(0, first_bar - 1 - _BESIDE_BARS)], lines[first_bar - 1]),
        (lines[last_bar], lines[min(last_bar + _BESIDE_BARS, len(lines) - 1)]),
    ]
    return [(start, end) for start, end in spans if start < end]


def plays_in_each(track: Track, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether a track of pitches begins notes in each of some spans."""
    return not track.is_drum and all(_begun_in(track, spans))


def densities_of(
    fitted_song: FittedSong, tracks: Collection[int], spans: Sequence[tuple[int, int]]
) -> dict[str, float]:
    """Notes a beat in spans of the song by instrument, of tracks that play there."""
    song = fitted_song.song
    beats = sum(end - start for start, end in spans) / song.resolution
    counted = Counter[str]()
    for index in set(tracks).intersection(fitted_song.tracks_with_notes):
        heard_as = notes.instrument_of(fitted_song.fitted.parts[index])
        counted[INSTRUMENTS[heard_as].name] += sum(_begun_in(song.tracks[index], spans))
    densities = {name: count / beats for name, count in counted.items() if count}
    return {name: density for name, density in densities.items() if density <= _MOST_DENSITY}


def _begun_in(track: Track, spans: Sequence[tuple[int, int]]) -> list[int]:
    """How many notes of a track begin in each of some spans, in ticks."""
    onsets = track.notes["onset"]
    return [int(np.count_nonzero((onsets >= start) & (onsets < end))) for start, end in spans]
