"""A sampler: notes of a part, played by the zones of a SoundFont into a stereo buffer.

Stretches of held tones are kept and used again for every note that sounds the same, whatever
its length and loudness; only the release is made anew for each note.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ritornello.synth.gestures import Gestures, Warp
from ritornello.synth.soundfont import SoundFont
from ritornello.synth.tone import PlayableSample, Tone, playable
from ritornello.synth.zones import Sound, Zone

_CHUNK = 16384
_CHUNKS_KEPT = 1024  # about 130 MB
# Where the velocity changes more than the loudness, notes this close share a tone: within 0.7 dB
# and 1/20 octave of brightness in a font that does so strongly, and made in half the time.
_VELOCITIES_A_TONE = 4
# A released note is dropped once it has fallen this far.
_INAUDIBLE_NEPERS = 80 * np.log(10) / 20
# How fast a closed hi-hat stops an open one: 100 dB in 0.3 s.
_CHOKE_SECONDS = 0.3
_CHOKE_NEPERS = 100 * np.log(10) / 20
_NEVER = 2**62


class PlayedNote(NamedTuple):
    """A note in samples of the output; ``end`` is where the key is let go."""

    onset: int
    end: int
    pitch: int
    velocity: int


class SamplerVoice(NamedTuple):
    """One tone of a note on its way, in samples of the output.

    ``released`` and ``choked`` count from the onset, as does ``length``, after which nothing is
    heard. ``gains`` are those of the left and the right, where no gesture moves them; ``level``,
    ``place`` and ``seat`` are what they are made of, and ``warp`` says how the pitch moves.
    """

    onset: int
    length: int
    tone: Tone
    released: int
    choked: int
    gains: tuple[np.float32, np.float32]
    level: float = 1.0
    place: float = 0.0
    seat: float = 0.0
    gestures: Gestures | None = None
    warp: Warp | None = None


class Sampler:
    """Plays notes with a SoundFont at an output rate.

    Keep one sampler for a whole piece: what it has rendered for one part is used by the others.

    Args:
        rate_hz: of the output.
        tuning_cents: of its A above 440 Hz.
    """

    def __init__(self, font: SoundFont, rate_hz: int, tuning_cents: float = 0.0) -> None:
        self._font = font
        # Tones made for a lower rate are higher and, by at most 3%, shorter at this one.
        self._tone_rate_hz = rate_hz / 2 ** (tuning_cents / 1200)
        self._choke_rate = _CHOKE_NEPERS / (_CHOKE_SECONDS * rate_hz)
        self._tones: dict[Sound, Tone] = {}
        self._recordings: dict[tuple[object, ...], PlayableSample] = {}
        self._chunk = lru_cache(maxsize=_CHUNKS_KEPT)(_render_chunk)

    def play(
        self,
        notes: list[PlayedNote],
        out: np.ndarray,
        *,
        program: int,
        is_drum: bool = False,
        pan: float = 0.0,
        gestures: Gestures | None = None,
    ) -> None:
        """Add a part to ``out``, float32 [2, samples]; what lies beyond its end is cut.

        Arguments and errors are those of `voices`.
        """
        for voice in self.voices(
            notes, program=program, is_drum=is_drum, pan=pan, gestures=gestures
        ):
            self.sound(voice, out)

    def voices(
        self,
        notes: list[PlayedNote],
        *,
        program: int,
        is_drum: bool = False,
        pan: float = 0.0,
        gestures: Gestures | None = None,
    ) -> Iterator[SamplerVoice]:
        """The tones of a part, in the order of its notes.

        A key struck again lets go of itself first, and zones of one exclusive class (an open and
        a closed hi-hat) stop each other.

        Args:
            notes: sorted by onset.
            pan: place of the player, -1 (left) to 1 (right).
            gestures: what moves loudness, place and pitch, if anything does.

        Raises:
            InputError: if the font is damaged or has nothing to play the part with.
        """
        zones = self._font.preset(program, is_drum)
        struck: dict[tuple[int, int], list[_Struck]] = {}
        for note in notes:
            at = note.pitch, note.velocity
            if at not in struck:
                struck[at] = [self._struck(zone, *at) for zone in _sounding(zones, *at)]
        sounding = [struck[note.pitch, note.velocity] for note in notes]
        struck_again = _Following((note.pitch, note.onset) for note in notes)
        stopped = _Following(
            (one.exclusive_class, note.onset)
            for note, chosen in zip(notes, sounding, strict=True)
            for one in chosen
        )
        for note, chosen in zip(notes, sounding, strict=True):
            released = max(1, min(note.end, struck_again(note.pitch, note.onset)) - note.onset)
            for tone, group, gain, place in chosen:
                choked = stopped(group, note.onset) - note.onset if group else _NEVER
                angle = (1 + min(1.0, max(-1.0, place + pan))) * np.pi / 4
                gains = np.float32(gain * np.cos(angle)), np.float32(gain * np.sin(angle))
                silent = min(
                    released + int(_INAUDIBLE_NEPERS / tone.release_rate),
                    choked + int(_INAUDIBLE_NEPERS / self._choke_rate),
                )
                length = min(tone.end, silent)
                voice = SamplerVoice(note.onset, length, tone, released, choked, gains)
                if gestures is not None:
                    moved = voice._replace(level=gain, place=place, seat=pan, gestures=gestures)
                    voice = _bent(moved, silent)
                yield voice

    def sound(self, voice: SamplerVoice, out: np.ndarray, start: int = 0) -> None:
        """Add what falls into ``out``, float32 [2, samples from ``start`` on], of a tone."""
        tone, released, choked = voice.tone, voice.released, voice.choked
        begin = max(0, start - voice.onset)
        end = min(voice.length, start + out.shape[1] - voice.onset)
        level_at_release = tone.level(np.array([released]))[0]
        for chunk in range(begin - begin % _CHUNK, end, _CHUNK):
            first, last = max(begin, chunk), min(end, chunk + _CHUNK)
            inside = slice(first - chunk, last - chunk)
            if voice.warp is None:
                sound, level = (array[inside] for array in self._chunk(tone, chunk))
            else:
                sound, level = _render(tone, first, last - first, voice.warp)
            if last > min(released, choked):
                at = np.arange(first, last)
                fall = tone.release_rate * np.maximum(0, at - released)
                fall += self._choke_rate * np.maximum(0, at - choked)
                sound = sound * np.exp(-fall.astype(np.float32))
                if last > released:
                    after = max(0, released - first)
                    # The envelope stays where it was when the key was let go.
                    sound[after:] *= level_at_release / level[after:]
            place = slice(voice.onset + first - start, voice.onset + last - start)
            gains: tuple[Any, Any] = voice.gains
            if voice.gestures is not None:
                at = np.arange(voice.onset + first, voice.onset + last)
                gains = voice.gestures.gains(at, voice.level, voice.place, voice.seat)
            for channel, gain in enumerate(gains):
                out[channel, place] += gain * sound

    def _struck(self, zone: Zone, key: int, velocity: int) -> _Struck:
        middle = velocity - velocity % _VELOCITIES_A_TONE + _VELOCITIES_A_TONE // 2
        tone = self._tone(zone.sound(key, middle))
        return _Struck(tone, zone.exclusive_class, *zone.gain_and_pan(key, velocity))

    def _tone(self, sound: Sound) -> Tone:
        if sound not in self._tones:
            sample = self._font.sample(sound.sample)
            name = (sound.sample, sound.shifts, sound.is_looped)
            if name not in self._recordings:
                self._recordings[name] = playable(sample, sound.shifts, sound.is_looped)
            tone = Tone(sound, self._recordings[name], sample.rate_hz, self._tone_rate_hz)
            self._tones[sound] = tone
        return self._tones[sound]


class _Struck(NamedTuple):
    """A zone as it sounds for a key and a velocity."""

    tone: Tone
    exclusive_class: int
    gain: float
    pan: float


class _Following:
    """For a name and a time, the next later time of the same name; `_NEVER` if there is none."""

    def __init__(self, events: Iterable[tuple[int, int]]) -> None:
        self._times: dict[int, list[int]] = defaultdict(list)
        for name, time in events:
            self._times[name].append(time)

    def __call__(self, name: int, time: int) -> int:
        times = self._times[name]
        index = bisect_right(times, time)
        return times[index] if index < len(times) else _NEVER


def _sounding(zones: tuple[Zone, ...], key: int, velocity: int) -> tuple[Zone, ...]:
    """Zones that cover a key and velocity; where none does, those of the nearest that is."""
    chosen = tuple(zone for zone in zones if zone.covers(key, velocity))
    if chosen:
        return chosen

    def distance(zone: Zone) -> tuple[int, int]:
        return _outside(key, zone.keys), _outside(velocity, zone.velocities)

    nearest = min(map(distance, zones))
    return tuple(zone for zone in zones if distance(zone) == nearest)


def _outside(value: int, span: tuple[int, int]) -> int:
    return max(span[0] - value, value - span[1], 0)


def _bent(voice: SamplerVoice, silent: int) -> SamplerVoice:
    """A voice whose pitch may move: a recording that is read slower lasts longer.

    Args:
        silent: when it has died away, however long its recording lasts.
    """
    gestures = voice.gestures
    if gestures is None:
        return voice
    if voice.length < silent:
        factor = gestures.lowest_factor(voice.onset, voice.length)
        voice = voice._replace(length=min(silent, int(np.ceil(voice.length / factor))))
    return voice._replace(warp=gestures.bent(voice.onset, voice.length))


def _render_chunk(tone: Tone, first: int) -> tuple[np.ndarray, np.ndarray]:
    """The held tone and its envelope from a sample on, float32 [_CHUNK] each."""
    return _render(tone, first, min(_CHUNK, tone.end - first), None)


def _render(tone: Tone, first: int, count: int, warp: Warp | None) -> tuple[np.ndarray, np.ndarray]:
    """The held tone and its envelope from a sample on, float32 [count] each."""
    level = tone.level(np.arange(first, first + count)).astype(np.float32)
    return tone.sound(first, count, warp) * level, level
