"""How near a variation stays: which bars of a part are written anew, and in whose key.

All other bars stay, so that the model hears them before and after each gap. The bars that are
written are spread evenly, the first of the part among the last to go, since it states the theme.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from ritornello.errors import ConfigError, InputError
from ritornello.generation.edit.plans import EditPlan
from ritornello.music.keys import KeyName, estimate_key, pitch_class_weights
from ritornello.music.piece import Piece, Track
from ritornello.music.slicing import bar_lines
from ritornello.note_model.encoding.notes import RESOLUTION

_NEARLY_ALL = 95  # percent: a long break is no measure of the others
_LEAST_REST_TICKS = RESOLUTION // 2


def bars_to_vary(
    song: Piece, tracks: Collection[int], closeness: float
) -> tuple[tuple[int, int], ...]:
    """Spans to write anew, in ticks of the song: a share of 1 - closeness of the played bars.

    At least one bar is written, so that something varies. Neighbours make one span.

    Args:
        song: it lasts until a bar line.
        tracks: indices of those that vary.
        closeness: 0, every bar is written anew, to 1, one bar is.

    Raises:
        ConfigError: if the closeness is not within 0 and 1.
    """
    if not 0 <= closeness <= 1:
        raise ConfigError(f"A closeness lies between 0, all new, and 1; asked for {closeness:g}.")
    lines = bar_lines(song)
    onsets = np.concatenate([song.tracks[index].notes["onset"] for index in tracks])
    played = np.unique(np.searchsorted(lines, onsets, side="right") - 1).tolist()
    bars = played or list(range(len(lines) - 1))
    chosen = max(1, round((1 - closeness) * len(bars)))
    spans: list[tuple[int, int]] = []
    for place, bar in enumerate(bars):
        if place * chosen // len(bars) == (place + 1) * chosen // len(bars):
            continue
        start, end = lines[bar], lines[bar + 1]
        if spans and spans[-1][1] == start:
            start = spans.pop()[0]
        spans.append((start, end))
    return tuple(spans)


def keep_near(plan: EditPlan, spans: Sequence[tuple[int, int]], song: Piece) -> EditPlan:
    """A plan for a whole song, narrowed to spans in which each part rests no longer than now.

    Args:
        spans: in ticks of the song. song: as it is now.
    """
    (whole,) = plan.job.openings
    rests = {
        part: _usual_rest(song.tracks[index], spans) * RESOLUTION // song.resolution
        for part, index in plan.homes.items()
        if len(song.tracks[index])
    }
    openings = tuple(
        replace(
            whole,
            parts=(part,),
            start_ticks=start,
            end_ticks=end,
            longest_rest_ticks=max(rests[part], _LEAST_REST_TICKS) if part in rests else None,
        )
        for start, end in (
            (-(-start * RESOLUTION // song.resolution), end * RESOLUTION // song.resolution)
            for start, end in spans
        )
        if start < end
        for part in whole.parts
    )
    if not openings:
        raise InputError("The bars are too short to write in.", where=song.title)
    return replace(plan, job=replace(plan.job, openings=openings))


def _usual_rest(track: Track, spans: Sequence[tuple[int, int]]) -> int:
    """Ticks that nearly all rests of a track before notes in some spans are no longer than."""
    onsets = track.notes["onset"]
    sounds_until = np.maximum.accumulate(onsets + track.notes["duration"])
    waits = np.maximum(onsets - np.append(0, sounds_until[:-1]), 0)
    inside = np.zeros(len(onsets), bool)
    for start, end in spans:
        inside |= (onsets >= start) & (onsets < end)
    return int(np.percentile(waits[inside], _NEARLY_ALL)) if inside.any() else track.end_ticks


def key_of_song(song: Piece) -> KeyName | None:
    """The key that the pitches of a song are likeliest in."""
    pitches = [track.notes["pitch"] for track in song.tracks if not track.is_drum]
    return estimate_key(pitch_class_weights(np.concatenate([np.zeros(0, np.int64), *pitches])))
