"""Parts of a piece played in blocks, so that hours of music need no more memory than seconds."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike

import numpy as np

from ritornello.dsp.reverb import Room
from ritornello.music.piece import Piece, Tempo, Track
from ritornello.synth.gestures import Gestures
from ritornello.synth.render import played_notes, render
from ritornello.synth.sampler import Sampler, SamplerVoice
from ritornello.synth.soundfont import SoundFont

_LAST_SECONDS = 8.0
_TAIL_RATE_HZ = 22_050


def played(
    piece: Piece, seats: list[tuple[Track, float]], sampler: Sampler, total: int, rate_hz: int
) -> Iterator[np.ndarray]:
    """Tracks of a piece together in the room, in blocks float32 [2, samples].

    Args:
        piece: whose tempo map says when the notes sound.
        seats: tracks with their places from left (-1) to right (1).
        total: samples; what rings longer is cut.
    """
    room = Room(rate_hz)
    players = [
        _Player(
            sampler,
            sampler.voices(
                played_notes(piece, track, rate_hz),
                program=track.program,
                is_drum=track.is_drum,
                pan=pan,
                gestures=Gestures.of(piece, track, rate_hz),
            ),
        )
        for track, pan in seats
    ]
    for start in range(0, total, room.block):
        out = np.zeros((2, min(room.block, total - start)), np.float32)
        for player in players:
            player.add(out, start)
        room.add(out)
        yield out


def tail_seconds(band: Piece, *, soundfont: SoundFont | str | PathLike[str] | None = None) -> float:
    """How long a band rings after the end of its last note, until it is 70 dB below its peak.

    Only its last 8 seconds are played; 0 for a band without notes.

    Raises:
        InputError: if the SoundFont cannot be used.
    """
    tracks = [track for track in band.tracks if len(track)]
    if not tracks:
        return 0.0
    last_tick = max(track.end_ticks for track in tracks)
    end_seconds = float(band.ticks_to_seconds(np.array([last_tick]))[0])
    begin_seconds = max(0.0, end_seconds - _LAST_SECONDS)

    def milliseconds(track: Track) -> Track:
        notes = track.notes.copy()
        onsets = band.ticks_to_seconds(notes["onset"]) - begin_seconds
        ends = band.ticks_to_seconds(notes["onset"] + notes["duration"]) - begin_seconds
        notes["onset"] = np.rint(1000 * np.maximum(0, onsets))
        notes["duration"] = np.maximum(1, np.rint(1000 * ends) - notes["onset"])
        return Track(notes[ends > 0], track.program, track.is_drum, track.name)

    # At this tempo a tick is a millisecond.
    ending = Piece(tuple(map(milliseconds, tracks)), resolution=500, tempos=(Tempo(0, 120.0),))
    sound = render(ending, rate_hz=_TAIL_RATE_HZ, soundfont=soundfont)
    return sound.duration_seconds - (end_seconds - begin_seconds)


class _Player:
    """A part on its way: the tones that sound now, and those to come."""

    def __init__(self, sampler: Sampler, voices: Iterator[SamplerVoice]) -> None:
        self._sampler = sampler
        self._voices = voices
        self._next = next(voices, None)
        self._sounding: list[SamplerVoice] = []

    def add(self, out: np.ndarray, start: int) -> None:
        """Add the samples from ``start`` on to ``out``, float32 [2, samples]."""
        end = start + out.shape[1]
        while self._next and self._next.onset < end:
            self._sounding.append(self._next)
            self._next = next(self._voices, None)
        for voice in self._sounding:
            self._sampler.sound(voice, out, start)
        self._sounding = [voice for voice in self._sounding if voice.onset + voice.length > end]
