"""Beats of a recording to a tempo map: seconds to ticks and back.

Tick 0 is the very beginning of the recording, and the tempo changes at every beat, so that a band
that is written in bars and beats sounds with the player. What lies before the first bar line is an
incomplete first bar. MIDI files hold tempi as whole microseconds a quarter note; each is chosen so
that the error of those before it is made good, and no beat is ever more than a microsecond off.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ritornello.music.keys import KeyName
from ritornello.music.note_tables import NOTE_DTYPE
from ritornello.music.piece import KeyChange, Metre, Piece, Tempo, Track
from ritornello.transcribe.values import Beats

RESOLUTION = 960  # ticks a quarter note; at 120 beats a minute a tick is half a millisecond
# Microseconds a quarter note, at 1000 and at 5 beats a minute: what files of all kinds hold.
_SHORTEST, _LONGEST = 60_000, 12_000_000
# Bar lines lie on the 24ths of a quarter that models count, so that a band begins on them.
_SIXTEENTH, _THIRTY_SECOND = RESOLUTION // 4, RESOLUTION // 8
_AT_ONCE_SECONDS = 0.03  # a first beat this early is the beginning, and no bar for itself
_TEMPO_OF_BARS = 2  # the last ones, whose tempo goes on behind the last beat


@dataclass(frozen=True, eq=False)
class Timeline:
    """A tempo map and bars, without notes.

    Attributes:
        node_ticks: int64 [nodes], where the tempo changes; ascending from 0.
        quarter_microseconds: int64 [nodes], a quarter note from each on; the last for ever.
        metre: (numerator, denominator) of all whole bars.
        first_bar_tick: where the first whole bar begins.
        duration_seconds: of the recording or piece.
    """

    node_ticks: np.ndarray
    quarter_microseconds: np.ndarray
    metre: tuple[int, int]
    first_bar_tick: int
    duration_seconds: float

    @classmethod
    def of_beats(cls, beats: Beats, duration_seconds: float) -> Timeline:
        """Beats to a timeline that puts every beat at its own second.

        Beats faster than 1000 or slower than 5 quarter notes a minute cannot be written and are
        followed as well as can be. A first beat before 30 ms is taken for the beginning.
        """
        metre = Metre(0, *beats.metre)
        beat_ticks = metre.beat_ticks(RESOLUTION)
        times = np.asarray(beats.times_seconds, np.float64)
        period = float(np.median(np.diff(times)[: beats.beats_per_bar]))
        earlier = int(times[0] / period)
        times = np.concatenate([times[0] - period * np.arange(earlier, 0, -1), times])
        before_bar = (beats.first_downbeat + earlier) % beats.beats_per_bar
        if times[0] < _AT_ONCE_SECONDS:
            times[0] = 0.0
        last_bars = np.diff(times)[-_TEMPO_OF_BARS * beats.beats_per_bar :]
        onwards = float(np.median(last_bars)) * RESOLUTION / beat_ticks
        lead_ticks = _lead_in(times[0] / period * beat_ticks)
        ticks = lead_ticks + beat_ticks * np.arange(len(times))
        if lead_ticks:
            ticks, times = np.append(0, ticks), np.append(0.0, times)
        return cls(
            ticks,
            np.append(_tempi(ticks, times), _held(onwards * 1e6)),
            beats.metre,
            lead_ticks + before_bar * beat_ticks,
            duration_seconds,
        )

    # --- from seconds to ticks and back -----------------------------------------------------

    @cached_property
    def node_seconds(self) -> np.ndarray:
        """Seconds of each node, float64 [nodes]."""
        spans = np.diff(self.node_ticks) * self.quarter_microseconds[:-1]
        return np.append(0, np.cumsum(spans)) / (RESOLUTION * 1e6)

    def seconds(self, ticks: np.ndarray | float) -> np.ndarray:
        """Ticks to seconds; float64 of the same shape."""
        node = np.searchsorted(self.node_ticks, ticks, side="right") - 1
        after = np.asarray(ticks) - self.node_ticks[node]
        result: np.ndarray = self.node_seconds[node] + after * self._tick_seconds[node]
        return result

    def ticks(self, seconds: np.ndarray | float) -> np.ndarray:
        """Seconds to the nearest ticks, at least 0; int64 of the same shape."""
        at = np.maximum(seconds, 0.0)
        node = np.searchsorted(self.node_seconds, at, side="right") - 1
        after = (at - self.node_seconds[node]) / self._tick_seconds[node]
        result: np.ndarray = self.node_ticks[node] + np.round(after).astype(np.int64)
        return result

    @property
    def _tick_seconds(self) -> np.ndarray:
        return self.quarter_microseconds / (RESOLUTION * 1e6)

    # --- bars -------------------------------------------------------------------------------

    @property
    def bar_ticks(self) -> int:
        return Metre(0, *self.metre).bar_ticks(RESOLUTION)

    @property
    def length_ticks(self) -> int:
        """The tick of the end."""
        return int(self.ticks(self.duration_seconds))

    @property
    def metres(self) -> tuple[Metre, ...]:
        """The incomplete first bar, if there is one, and the metre of the others."""
        if self.first_bar_tick % self.bar_ticks == 0:
            return (Metre(0, *self.metre),)
        denominator = 4
        while self.first_bar_tick % (4 * RESOLUTION // denominator):
            denominator *= 2
        numerator = self.first_bar_tick * denominator // (4 * RESOLUTION)
        return Metre(0, numerator, denominator), Metre(self.first_bar_tick, *self.metre)

    @property
    def tempos(self) -> tuple[Tempo, ...]:
        """Tempo changes of the timeline, without repetitions."""
        changes = np.flatnonzero(np.diff(self.quarter_microseconds, prepend=0))
        bpm = 60e6 / self.quarter_microseconds
        return tuple(Tempo(int(self.node_ticks[node]), float(bpm[node])) for node in changes)

    # --- music on it ------------------------------------------------------------------------

    def piece(
        self,
        notes: np.ndarray,
        program: int = 0,
        is_drum: bool = False,
        name: str = "",
        title: str = "",
        key: KeyName | None = None,
    ) -> Piece:
        """Transcribed notes to a piece of one track with this tempo map.

        Args:
            notes: `HEARD_NOTE_DTYPE` [notes]; they end with the recording.
            program, is_drum, name: of the track.
            title: of the piece.
            key: of all of it, if it is known.
        """
        onsets = self.ticks(notes["onset_seconds"])
        ends = self.ticks(np.minimum(notes["end_seconds"], self.duration_seconds))
        table = np.empty(len(notes), NOTE_DTYPE)
        table["onset"], table["duration"] = onsets, np.maximum(1, ends - onsets)
        table["pitch"], table["velocity"] = notes["pitch"], np.clip(notes["velocity"], 1, 127)
        return Piece(
            (Track(table, program, is_drum, name),),
            RESOLUTION,
            self.tempos,
            self.metres,
            (KeyChange(0, key),) if key else (),
            self.length_ticks,
            title,
        )


def _lead_in(ticks: float) -> int:
    """The whole sixteenths nearest to what comes before the first beat, or 32nds if it is short."""
    if not ticks:
        return 0
    unit = _SIXTEENTH if ticks > _SIXTEENTH / 2 else _THIRTY_SECOND
    return max(1, round(ticks / unit)) * unit


def _held(microseconds: float) -> int:
    """The tempo nearest to this that can be written."""
    return round(min(max(microseconds, _SHORTEST), _LONGEST))


def _tempi(ticks: np.ndarray, seconds: np.ndarray) -> list[int]:
    """Microseconds a quarter note from each node to the next, without accumulating error."""
    tempi = []
    now = 0.0  # in microseconds times ticks a quarter note, whole numbers
    for span, end in zip(np.diff(ticks).tolist(), seconds[1:].tolist(), strict=True):
        tempo = _held((end * 1e6 * RESOLUTION - now) / span)
        tempi.append(tempo)
        now += tempo * span
    return tempi
