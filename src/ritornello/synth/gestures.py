"""How a part is played over time: pedals, loudness, place and pitch, from controllers and bends.

Pedals change when notes end: the sustain pedal holds all that are let go while it is down,
sostenuto those that were held when it went down; struck with the soft pedal down, a note is softer.
Volume and expression are a square law of amplitude, 40 dB a decade, in which a volume of 100, where
MIDI leaves it, changes nothing. Modulation and pressure move the pitch up and down.

Source: MIDI 1.0 and General MIDI 1 (RP-003); vibrato depths of SoundFont 2.04, 8.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ritornello.music.controls import (
    EXPRESSION,
    MODULATION,
    PAN,
    PEDAL_DOWN,
    RESET_ALL,
    SOFT,
    SOSTENUTO,
    SUSTAIN,
    VOLUME,
    bend_ranges,
)
from ritornello.music.note_tables import ALL_PITCHES
from ritornello.music.piece import Piece, Track

_USUAL_VOLUME = 100.0
_SOFT_SHARE = 0.75  # of the velocity of notes struck with the soft pedal down
_VIBRATO_HZ = 5.5
_VIBRATO_CENTS = 50.0  # of full modulation, or of full pressure
_SMOOTH_SECONDS = 0.01  # a step of loudness or place is heard as a click
_CELL = 32  # samples for which the pitch stands still


class HeldValues(NamedTuple):
    """Values that stand from samples of the output on: int64 and float64 [changes]."""

    at: np.ndarray
    values: np.ndarray

    def standing(self, samples: np.ndarray) -> np.ndarray:
        """The value at each sample."""
        before = np.searchsorted(self.at, samples, side="right") - 1
        return np.asarray(self.values[np.maximum(0, before)])

    def smoothed(self, samples: np.ndarray, width: int) -> np.ndarray:
        """The value at each sample, where each change takes ``width`` samples."""
        if len(self.at) == 1:
            return np.full(len(samples), self.values[0])
        starts = self.at[1:]
        ends = np.minimum(starts + width, np.append(starts[1:], starts[-1] + width))
        times = np.stack([starts, ends], axis=1).ravel()
        values = np.stack([self.values[:-1], self.values[1:]], axis=1).ravel()
        return np.asarray(np.interp(samples, times, values))


@dataclass(frozen=True, eq=False)
class Gestures:
    """Loudness, place and pitch of a part; None where nothing moves them.

    Attributes:
        level: factor of the amplitude.
        place: from -1 (left) to 1 (right), instead of the seat of the player.
        cents: of the bend.
        vibrato_cents: how far the pitch swings to each side.
        rate_hz: of the output.
    """

    level: HeldValues | None
    place: HeldValues | None
    cents: HeldValues | None
    vibrato_cents: HeldValues | None
    rate_hz: int

    @classmethod
    def of(cls, piece: Piece, track: Track, rate_hz: int) -> Gestures | None:
        """The gestures of a track of a piece; None if it has none."""
        clock = _Clock(piece, track, rate_hz)
        volume = clock.controller(VOLUME, _USUAL_VOLUME)
        expression = clock.controller(EXPRESSION, 127.0)
        pan = clock.controller(PAN, 64.0)
        level = _product(volume, _USUAL_VOLUME, expression, 127.0)
        place = pan and HeldValues(pan.at, np.clip((pan.values - 64) / 63, -1, 1))
        if track.is_drum:
            cents = vibrato = None
        else:
            cents, vibrato = clock.bends(), clock.vibrato()
        if level is place is cents is vibrato is None:
            return None
        return cls(level, place, cents, vibrato, rate_hz)

    def gains(
        self, samples: np.ndarray, gain: float, place: float, seat: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Factors for the left and the right at samples of the output, float32 [samples] each.

        Args:
            gain, place: of a zone for a note.
            seat: of the player.
        """
        width = round(_SMOOTH_SECONDS * self.rate_hz)
        level = gain if self.level is None else gain * self.level.smoothed(samples, width)
        at = seat if self.place is None else self.place.smoothed(samples, width)
        angle = (1 + np.clip(place + at, -1, 1)) * np.pi / 4
        left, right = level * np.cos(angle), level * np.sin(angle)
        shape = np.ones(len(samples))
        return (left * shape).astype(np.float32), (right * shape).astype(np.float32)

    def bent(self, onset: int, length: int) -> Warp | None:
        """How the pitch of a note moves; None if it stays where it is."""
        if self.cents is None and self.vibrato_cents is None:
            return None
        cells = onset + np.arange(0, length + _CELL, _CELL)
        cents = np.zeros(len(cells))
        if self.cents is not None:
            cents += self.cents.standing(cells)
        if self.vibrato_cents is not None:
            swing = np.sin(2 * np.pi * _VIBRATO_HZ / self.rate_hz * cells)
            cents += self.vibrato_cents.standing(cells) * swing
        if not cents.any():
            return None
        return Warp(np.concatenate([[0.0], np.cumsum(2 ** (cents / 1200)) * _CELL]))

    def lowest_factor(self, onset: int, length: int) -> float:
        """How slow a recording is read at most in a note."""
        warp = self.bent(onset, length)
        return 1.0 if warp is None else float(np.diff(warp.read_at).min()) / _CELL


@dataclass(frozen=True, eq=False)
class Warp:
    """Where a tone is read at each sample since its onset, as its pitch moves.

    Attributes:
        read_at: float64 [cells + 1], at every `_CELL`-th sample.
    """

    read_at: np.ndarray

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        cells = np.arange(len(self.read_at)) * _CELL
        inside = np.interp(samples, cells, self.read_at)
        return np.where(samples < 0, samples, inside)


class PedalledNotes(NamedTuple):
    """When notes end and how hard they are struck, int64 [notes] each."""

    ends: np.ndarray
    velocities: np.ndarray


def pedalled(
    piece: Piece, track: Track, onsets: np.ndarray, ends: np.ndarray, rate_hz: int
) -> PedalledNotes:
    """The notes of a track as its pedals have them.

    Args:
        onsets, ends: samples of the output, int64 [notes].
    """
    velocities = track.notes["velocity"].astype(np.int64)
    if not len(track.controls) or track.is_drum:
        return PedalledNotes(ends, velocities)
    clock = _Clock(piece, track, rate_hz)
    last = round(piece.duration_seconds * rate_hz)
    # Sostenuto comes first: what it holds may be held by the sustain pedal after it.
    sostenuto = clock.controller(SOSTENUTO, 0.0)
    if sostenuto is not None:
        ends = ends.copy()
        for down, up in _presses(sostenuto, last):
            held = (onsets <= down) & (ends > down)
            ends[held] = np.maximum(ends[held], up)
    sustain = clock.controller(SUSTAIN, 0.0)
    if sustain is not None:
        ends = ends.copy()
        for down, up in _presses(sustain, last):
            held = (ends > down) & (ends <= up)
            ends[held] = up
    soft = clock.controller(SOFT, 0.0)
    if soft is not None:
        is_soft = soft.standing(onsets) >= PEDAL_DOWN
        softer = np.maximum(1, np.rint(velocities * _SOFT_SHARE)).astype(np.int64)
        velocities = np.where(is_soft, softer, velocities)
    return PedalledNotes(ends, velocities)


def _presses(pedal: HeldValues, last: int) -> list[tuple[int, int]]:
    """From when to when a pedal is down; one that is never lifted is down to the end."""
    is_down = pedal.values >= PEDAL_DOWN
    edges = np.flatnonzero(np.diff(is_down.astype(int), prepend=0))
    times = pedal.at[edges].tolist()
    if len(times) % 2:
        times.append(max(last, times[-1]))
    return list(zip(times[::2], times[1::2], strict=True))


@dataclass(frozen=True)
class _Clock:
    """The controllers of a track by samples of the output."""

    piece: Piece
    track: Track
    rate_hz: int

    def samples(self, ticks: np.ndarray) -> np.ndarray:
        seconds = self.piece.ticks_to_seconds(ticks)
        return np.asarray(np.rint(seconds * self.rate_hz), np.int64)

    def controller(self, number: int, default: float) -> HeldValues | None:
        """The values of a controller, which other controllers may reset; None if it never moves."""
        controls = self.track.controls
        own = controls[controls["number"] == number]
        if not len(own) or (own["value"] == default).all():
            return None
        is_reset = number not in (VOLUME, PAN)  # which a reset leaves alone
        rows = controls[
            (controls["number"] == number) | (is_reset & (controls["number"] == RESET_ALL))
        ]
        values = np.where(rows["number"] == number, rows["value"], default)
        return self._steps(rows["tick"], values.astype(float), default)

    def bends(self) -> HeldValues | None:
        """Cents of the bend, as far as its range reaches where it stands."""
        bends = self.track.bends
        if not (bends["value"] != 0).any():
            return None
        range_ticks, ranges = bend_ranges(self.track.controls)
        ticks = np.union1d(bends["tick"], range_ticks)
        before = np.searchsorted(bends["tick"], ticks, side="right") - 1
        bent = np.where(before < 0, 0, bends["value"][np.maximum(0, before)])
        reach = ranges[np.maximum(0, np.searchsorted(range_ticks, ticks, side="right") - 1)]
        return self._steps(ticks, bent / 8192 * reach * 100, 0.0)

    def vibrato(self) -> HeldValues | None:
        modulation = self.controller(MODULATION, 0.0)
        pressures = self.track.pressures
        whole = pressures[pressures["pitch"] == ALL_PITCHES]
        pressure = self._steps(whole["tick"], whole["value"].astype(float), 0.0)
        found = [steps for steps in (modulation, pressure) if steps and steps.values.any()]
        if not found:
            return None
        at = np.unique(np.concatenate([steps.at for steps in found]))
        depth = np.sum([steps.standing(at) for steps in found], axis=0)
        return HeldValues(at, np.minimum(127, depth) / 127 * _VIBRATO_CENTS)

    def _steps(self, ticks: np.ndarray, values: np.ndarray, default: float) -> HeldValues:
        samples = self.samples(ticks)
        # Of several at one sample the last stands.
        last = np.append(np.diff(samples) > 0, True)[: len(samples)]
        samples, values = samples[last], values[last]
        if not len(samples) or samples[0] > 0:
            samples = np.concatenate([[0], samples])
            values = np.concatenate([[default], values])
        return HeldValues(samples, values)


def _product(
    volume: HeldValues | None, usual: float, expression: HeldValues | None, full: float
) -> HeldValues | None:
    """The factor of both together."""
    factors = [
        HeldValues(steps.at, np.square(steps.values / unit))
        for steps, unit in ((volume, usual), (expression, full))
        if steps is not None
    ]
    if not factors:
        return None
    at = np.unique(np.concatenate([steps.at for steps in factors]))
    return HeldValues(at, np.prod([steps.standing(at) for steps in factors], axis=0))
