"""Modulators of a SoundFont: how hard and where a note is struck changes how a zone plays it.

A modulator adds an amount, scaled by two controllers, to a generator. Notes are struck with a
velocity and a key; every other controller stands where MIDI leaves it, with volume and
expression full up, as loudness is the mixer's business.

Source: SoundFont Technical Specification 2.04, sections 8.2 to 8.4 and 9.5.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_ATTENUATION = 48
_NO_CONTROLLER, _VELOCITY, _KEY, _PITCH_WHEEL, _WHEEL_RANGE, _LINK = 0, 2, 3, 14, 16, 127
_AT_REST = {_PITCH_WHEEL: 64, _WHEEL_RANGE: 2}
_VOLUME, _BALANCE, _PAN, _EXPRESSION = 7, 8, 10, 11
_MIDI_AT_REST = {_VOLUME: 127, _BALANCE: 64, _PAN: 64, _EXPRESSION: 127}
_IS_MIDI, _FALLS, _IS_BIPOLAR = 1 << 7, 1 << 8, 1 << 9
_LINEAR, _CONCAVE, _CONVEX, _SWITCH = range(4)
_STEPS = 128
_ABSOLUTE = 2
# A concave curve passes through 96 dB as a square law of amplitude does.
_DECADE = 400 / 960


class Wire(NamedTuple):
    """What makes two modulators the same one, as section 9.5.1 compares them."""

    source: int
    target: int
    amount_source: int
    transform: int


# The velocity sets the loudness. Section 8.4.2 would have it close the filter too, but no two
# editions agree how, other players leave that out, and fonts are made to be heard without.
DEFAULTS = {Wire(source=0x0502, target=_ATTENUATION, amount_source=0, transform=0): 960}


def joined(own: dict[Wire, int], offsets: dict[Wire, int]) -> dict[Wire, int]:
    """Amounts of a zone: an instrument's replace the defaults, and a preset's add to both."""
    amounts = DEFAULTS | own
    for wire, amount in offsets.items():
        amounts[wire] = amounts.get(wire, 0) + amount
    return {wire: amount for wire, amount in amounts.items() if amount and not _is_linked(wire)}


def added(amounts: dict[Wire, int], key: int, velocity: int) -> dict[int, float]:
    """Amounts that a note's modulators add to generators, by number of the generator."""
    sums: dict[int, float] = {}
    for wire, amount in amounts.items():
        value = amount * _level(wire.source, key, velocity)
        value *= _level(wire.amount_source, key, velocity)
        if wire.transform == _ABSOLUTE:
            value = abs(value)
        sums[wire.target] = sums.get(wire.target, 0.0) + value
    return sums


def _is_linked(wire: Wire) -> bool:
    """Chains of modulators, which no font in use has, are left out, as other players do."""
    return wire.target >= 0x8000 or wire.source & 0xFF == _LINK


def _level(source: int, key: int, velocity: int) -> float:
    """Where a controller stands on its curve: 0 to 1, or -1 to 1 if it is bipolar."""
    number = source & 127
    if source & _IS_MIDI:
        position = _MIDI_AT_REST.get(number, 0)
    elif number == _NO_CONTROLLER:
        return 1.0
    else:
        position = {_VELOCITY: velocity, _KEY: key, **_AT_REST}.get(number, 0)
    if source & _FALLS:
        position = _STEPS - 1 - position
    share = position / _STEPS
    kind = source >> 10
    if not source & _IS_BIPOLAR:
        return _curve(kind, share)
    if kind == _SWITCH:
        return 1.0 if share >= 0.5 else -1.0
    share = 2 * share - 1
    return float(np.copysign(_curve(kind, abs(share)), share))


def _curve(kind: int, share: float) -> float:
    """A curve of section 8.2.4 from 0 to 1; kinds that are not defined stay at 0."""
    top = (_STEPS - 1) / _STEPS
    if kind == _LINEAR:
        return share
    if kind == _SWITCH:
        return float(share >= 0.5)
    if kind == _CONVEX:
        return 1 - _curve(_CONCAVE, top - share)
    if kind == _CONCAVE:
        # A bipolar source at its end lies one step outside of the curve, on either side.
        left = min(1.0, max(1e-9, 1 - share / top))
        return min(1.0, -_DECADE * float(np.log10(left)))
    return 0.0
