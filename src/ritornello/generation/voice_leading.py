"""Rules of part writing, as masks on the pitch of voices that sing together.

Where chords are stated for beats, the voices complete them there: who sings last takes what is
missing of the triad, and the bass its root, or its third where no cadence is. Voices do not cross,
stand at most an octave apart (the lowest may stand further off), and no two move from a fifth to a
fifth or from an octave to an octave. Where no pitch keeps all of that, as the melody has moved so,
the voices stand further apart, then leave the chord incomplete, then move in parallel.

Source of the rules: Kostka and Payne, "Tonal Harmony", chapters on part writing; they are those
that `ritornello.metrics.voice_leading_faults` counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ritornello.generation.beat_chords import BeatChords

_FIFTH, _OCTAVE = 7, 12
_TRIAD = 3  # so many tones of a chord make it complete
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
        chords: of the beats, which the voices complete; None where no chord is stated.
    """

    def __init__(self, parts: tuple[int, ...], chords: BeatChords | None = None) -> None:
        self._parts = parts
        self._chords = chords
        self._sung: dict[int, _Sung] = {}

    def copy(self) -> VoiceLeading:
        twin = VoiceLeading(self._parts, self._chords)
        twin._sung = dict(self._sung)
        return twin

    def apply_rules(self, legal: np.ndarray, part: int, onset_ticks: int) -> np.ndarray:
        """The legal pitches that keep the rules, bool [pitches]; some are left if any was legal."""
        if part not in self._parts:
            return legal
        complete, sung = self._in_chord(part, onset_ticks, len(legal))
        ordered, close, free = (
            rule(part, onset_ticks, len(legal))
            for rule in (self._in_order, self._close, self._not_parallel)
        )
        for kept in (
            complete & ordered & free & close,
            complete & ordered & free,
            sung & ordered & free,
            complete & ordered,
            sung & ordered,
            ordered,
        ):
            found: np.ndarray = legal & kept
            if found.any():
                return found
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

    def _in_chord(self, part: int, onset_ticks: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """What completes the chord of a beat, and what is of it; between beats what is sung."""
        classes = np.arange(size) % 12
        if self._chords is None:
            return np.ones(size, bool), np.ones(size, bool)
        chord = self._chords.on(onset_ticks)
        if chord is None:
            is_bass = part == self._parts[-1]
            found = np.isin(classes, [*self._chords.around(onset_ticks, is_bass=is_bass)])
            return found, found
        root, third, *_ = chord
        sung = {
            each.pitch % 12
            for other, each in self._sung.items()
            if other != part and each.sounds(onset_ticks)
        }
        missing = [tone for tone in chord[:_TRIAD] if tone not in sung]
        place = self._parts.index(part)
        if place == len(self._parts) - 1:
            firm = onset_ticks in self._chords.firm
            low = [root] if firm else [root, third]
            wanted = [root] if root in missing else [tone for tone in low if tone in missing]
            return np.isin(classes, wanted or low), np.isin(classes, low)
        to_come = [
            other
            for other in self._parts[place + 1 :]
            if other not in self._sung or not self._sung[other].sounds(onset_ticks)
        ]
        if self._parts[-1] in to_come:  # the bass takes the root
            to_come.pop()
            missing = [tone for tone in missing if tone != root]
        of_chord = np.isin(classes, chord)
        return (np.isin(classes, missing) if len(missing) > len(to_come) else of_chord), of_chord

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
        allowed &= self._not_parallel_to_root(own, part, onset_ticks, pitches)
        return allowed

    def _not_parallel_to_root(
        self, own: _Sung, part: int, onset_ticks: int, pitches: np.ndarray
    ) -> np.ndarray:
        """The same towards the bass where it has yet to sing: it will take the root."""
        chord = None if self._chords is None else self._chords.on(onset_ticks)
        bass = self._sung.get(self._parts[-1])
        if chord is None or bass is None or part == self._parts[-1]:
            return np.ones(len(pitches), bool)
        was = (own.pitch - bass.pitch) % _OCTAVE
        moves = bass.end_ticks == onset_ticks and bass.pitch % _OCTAVE != chord[0]
        if not moves or was not in _PERFECT:
            return np.ones(len(pitches), bool)
        result: np.ndarray = ((pitches - chord[0]) % _OCTAVE != was) | (pitches == own.pitch)
        return result


def _interval(other: int, own: np.ndarray | int, other_is_above: bool) -> np.ndarray | int:
    """Semitones from the lower voice to the higher one, octaves taken off."""
    return (other - own if other_is_above else own - other) % _OCTAVE
