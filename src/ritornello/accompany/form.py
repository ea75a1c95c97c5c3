"""The form of a remix: when its bars begin, where the recording sounds again, where it ends.

A recording ends where its player stops, and a listener may want less of it or more. A shorter remix
ends on an earlier bar line. In a longer one the whole bars of the recording come round again, or
the band goes on alone. The last bar is an ending: what is struck on its first beat rings out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ritornello.errors import ConfigError
from ritornello.transcribe.timeline import Timeline
from ritornello.transcribe.values import Beats

# The last chord rings for a bar if it can, but no shorter than the first of these.
_RINGS_SECONDS = (1.5, 3.0)
_FADES_SECONDS = 1.0  # a player who goes on where the remix ends, at most
_LATE_SHARE = 0.25  # of a beat: a note so shortly before a bar line belongs to the bar after it
_ROUNDING_SECONDS = 1e-6
_USUAL_BEATS = 16  # the tempo after the last beat is that of so many before it


@dataclass(frozen=True, eq=False)
class Form:
    """Times of a remix, which begins with its recording.

    Attributes:
        beats: of the whole remix, up to the bar line that ends it at least.
        notes: of the recording where they sound in the remix, `HEARD_NOTE_DTYPE` [notes].
        loop_seconds: two bar lines of the recording: at the second it goes on from the first, for
            ever; None if it sounds once.
        first_bar_seconds: when the band comes in, with the first bar that the player begins.
        last_bar_seconds: when the last bar begins.
        duration_seconds: of the remix.
        plays_on: whether the recording goes on where the remix ends; it has faded out when the last
            bar begins, as it does not know of the last chord.
    """

    beats: Beats
    notes: np.ndarray
    loop_seconds: tuple[float, float] | None
    first_bar_seconds: float
    last_bar_seconds: float
    duration_seconds: float
    plays_on: bool

    @property
    def end_seconds(self) -> float:
        """The bar line at the end of the last bar; the remix may end before or after it."""
        lines = self.beats.downbeats_seconds
        return float(lines[np.searchsorted(lines, self.last_bar_seconds) + 1])

    @cached_property
    def timeline(self) -> Timeline:
        """The tempo map and the bars of the remix, up to the bar line that ends it."""
        times = self.beats.times_seconds
        beats = replace(self.beats, times_seconds=times[times <= self.end_seconds])
        return Timeline.of_beats(beats, self.end_seconds)

    @property
    def ringing_seconds(self) -> float:
        """For how long the last chord rings."""
        return self.duration_seconds - self.last_bar_seconds

    @property
    def fade_seconds(self) -> float:
        """For how long a recording that plays on fades out: the last beat before the last bar."""
        return min(60 / self.beats.tempo_bpm, _FADES_SECONDS)


def plan_form(
    beats: Beats,
    notes: np.ndarray,
    recording_seconds: float,
    *,
    duration_seconds: float | None = None,
    loop: bool = True,
) -> Form:
    """Lay out a remix.

    Args:
        beats, notes: heard in the recording.
        recording_seconds: how long that is.
        duration_seconds: of the remix, exactly; None for that of the recording, and a little longer
            where its last bar needs it.
        loop: whether the recording comes round again where the remix is longer; else it rests.

    Raises:
        ConfigError: if the remix would be shorter than two bars.
    """
    late = _LATE_SHARE * 60 / beats.tempo_bpm
    onsets = notes["onset_seconds"] if len(notes) else np.array([0.0, recording_seconds])
    beats = _continue_beats(beats, max(recording_seconds, float(onsets.max()) + late))
    lines = beats.downbeats_seconds
    first = int(np.searchsorted(lines, onsets.min() - late))
    last = max(first, int(np.searchsorted(lines, onsets.max() + late, side="right")) - 1)
    start, end = float(lines[first]), float(lines[last + 1])  # of all bars that are played in
    asked = duration_seconds
    if duration_seconds is None:
        # Who ends on a first beat has ended; else there is one bar to come.
        closing = last if onsets.max() < lines[last] + late and last > first else last + 1
        rings = float(np.clip(lines[closing + 1] - lines[closing], *_RINGS_SECONDS))
        duration_seconds = max(recording_seconds, float(lines[closing]) + rings)
    repeats = loop and asked is not None and asked > max(end, recording_seconds)
    if repeats:
        rounds = int(np.ceil((duration_seconds - start) / (end - start)))
        beats = _repeat_beats(beats, start, end, rounds)
        notes = _repeat_notes(notes, start, end, rounds)
    beats = _continue_beats(beats, duration_seconds)
    last_bar = _last_bar(beats, start, duration_seconds)
    plays_on = repeats or duration_seconds < recording_seconds
    if plays_on:
        notes = notes[notes["onset_seconds"] < last_bar - late].copy()
        notes["end_seconds"] = np.minimum(notes["end_seconds"], last_bar)
    bar_lines = (start, end) if repeats else None
    return Form(beats, notes, bar_lines, start, last_bar, duration_seconds, plays_on)


def _continue_beats(beats: Beats, until_seconds: float) -> Beats:
    """The beats, going on in the last tempo for two bars beyond a time."""
    times = beats.times_seconds
    period = float(np.median(np.diff(times[-_USUAL_BEATS:])))
    missing = max(0, int(np.ceil((until_seconds - times[-1]) / period)))
    more = missing + 2 * beats.beats_per_bar
    after = times[-1] + period * np.arange(1, more + 1)
    return replace(beats, times_seconds=np.concatenate([times, after]))


def _last_bar(beats: Beats, start_seconds: float, duration_seconds: float) -> float:
    """When the last bar begins, so that its chord can ring and at least a bar comes before it."""
    lines = beats.downbeats_seconds
    lines = lines[lines >= start_seconds]
    latest = duration_seconds - _RINGS_SECONDS[0] + _ROUNDING_SECONDS
    fitting = np.flatnonzero(lines <= latest)
    if not len(fitting) or fitting[-1] == 0:
        shortest = lines[1] + _RINGS_SECONDS[0]
        raise ConfigError(
            f"Here the band comes in at {start_seconds:.1f} seconds, and with one bar and an "
            f"ending the remix lasts {shortest:.1f}; asked for {duration_seconds:g}.",
            next_step="Ask for a longer remix.",
        )
    return float(lines[fitting[-1]])


def _repeat_beats(beats: Beats, start: float, end: float, rounds: int) -> Beats:
    """The beats up to a bar line, with those from another one on again and again."""
    times = beats.times_seconds
    times = times[times < end - _ROUNDING_SECONDS]
    body = times[times >= start - _ROUNDING_SECONDS]
    again = [body + index * (end - start) for index in range(1, rounds)]
    return replace(beats, times_seconds=np.concatenate([times, *again]))


def _repeat_notes(notes: np.ndarray, start: float, end: float, rounds: int) -> np.ndarray:
    """Notes of a recording that comes round; none sounds beyond its round."""
    found = []
    for index in range(rounds):
        begins = start if index else 0.0
        inside = (notes["onset_seconds"] >= begins) & (notes["onset_seconds"] < end)
        once = notes[inside].copy()
        once["end_seconds"] = np.minimum(once["end_seconds"], end)
        for name in ("onset_seconds", "end_seconds"):
            once[name] += index * (end - start)
        found.append(once)
    return np.concatenate(found)
