"""Rules of part writing, as masks on the pitch of voices that sing together.

Voices do not cross, stand at most an octave apart (the lowest may stand further off), and no two
move from a fifth to a fifth or from an octave to an octave. Where no pitch keeps all of that, as
the melody has moved so, the last of these rules gives way first, then the one before it.

Source of the rules: Kostka and Payne, "Tonal Harmony", chapters on part writing; they are those
that `ritornello.metrics.voice_leading_faults` counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_FIFTH, _OCTAVE = 7, 12
_PERFECT = (0, _FIFTH)  # semitones above the lower voice, octaves taken off


@dataclass(frozen=True)
class _Sung:
    """A note of a voice, and the pitch that sounded right before it, or None after a rest."""

    onset_ticks: int
    end_ticks: int
    pitch: int
    before: int | None

    def sounds(self, ticks: int) -> bool:
        return self.end_ticks > ticks


class VoiceLeading:
    """The voices of one piece and what they sing now.

    Args:
        parts: part classes of the voices from the highest to the lowest, ascending, so that each
            sings after those above it.
    """

    def __init__(self, parts: tuple[int, ...]) -> None:
        self._parts = parts
        self._sung: dict[int, _Sung] = {}

    def copy(self) -> VoiceLeading:
        twin = VoiceLeading(self._parts)
        twin._sung = dict(self._sung)
        return twin

    def apply_rules(self, legal: np.ndarray, part: int, onset_ticks: int) -> np.ndarray:
        """The legal pitches that keep the rules, bool [pitches]; some are left if any was legal."""
        if part not in self._parts:
            return legal
        for rule in (self._in_order, self._close, self._not_parallel):
            kept = legal & rule(part, onset_ticks, len(legal))
            if not kept.any():
                return legal
            legal = kept
        return legal

    def advance(self, onset_ticks: int, part: int, pitch: int, duration_ticks: int) -> None:
        """Remember a note as the one that its voice sings now."""
        if part not in self._parts:
            return
        last = self._sung.get(part)
        # The voice itself may have moved at this tick already; what counts is where it came from.
        before = None
        if last is not None and last.onset_ticks == onset_ticks:
            before = last.before
        elif last is not None and last.end_ticks >= onset_ticks:
            before = last.pitch
        self._sung[part] = _Sung(onset_ticks, onset_ticks + duration_ticks, pitch, before)

    # --- the rules, each bool [pitches] -----------------------------------------------------------

    def _in_order(self, part: int, onset_ticks: int, size: int) -> np.ndarray:
        allowed = np.ones(size, bool)
        for other, sung in self._sung.items():
            if other < part and sung.sounds(onset_ticks):
                allowed[sung.pitch + 1 :] = False
            elif other > part and sung.sounds(onset_ticks):
                allowed[: sung.pitch] = False
        return allowed

    def _close(self, part: int, onset_ticks: int, size: int) -> np.ndarray:
        allowed = np.ones(size, bool)
        place = self._parts.index(part)
        if 0 < place < len(self._parts) - 1:
            above = self._sung.get(self._parts[place - 1])
            if above is not None and above.sounds(onset_ticks):
                allowed[: max(0, above.pitch - _OCTAVE)] = False
        return allowed

    def _not_parallel(self, part: int, onset_ticks: int, size: int) -> np.ndarray:
        allowed = np.ones(size, bool)
        own = self._sung.get(part)
        if own is None or own.end_ticks < onset_ticks:
            return allowed
        pitches = np.arange(size)
        for other, sung in self._sung.items():
            if other == part or sung.onset_ticks != onset_ticks:
                continue
            if sung.before is None or sung.before == sung.pitch:
                continue
            was = _interval(sung.before, own.pitch, other < part)
            if was in _PERFECT:
                is_now = _interval(sung.pitch, pitches, other < part)
                allowed &= (is_now != was) | (pitches == own.pitch)
        return allowed


def _interval(other: int, own: np.ndarray | int, other_is_above: bool) -> np.ndarray | int:
    """Semitones from the lower voice to the higher one, octaves taken off."""
    return (other - own if other_is_above else own - other) % _OCTAVE
