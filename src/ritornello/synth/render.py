"""A piece as sound: every part played by the sampler, set in a room and brought to level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from os import PathLike

import numpy as np

from ritornello.dsp.mastering import Levels, apply_gain, limiter_curve, mastering_gain, measure
from ritornello.dsp.reverb import add_room
from ritornello.dsp.waveform import Waveform
from ritornello.errors import ConfigError, InputError
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.piece import Piece, Track
from ritornello.synth.gestures import Gestures, pedalled
from ritornello.synth.sampler import PlayedNote, Sampler
from ritornello.synth.soundfont import SoundFont

LONGEST_SECONDS = 10 * 3600
_LONGEST_TAIL_SECONDS = 10.0
_SILENCE_BELOW_PEAK_DB = -70.0
_FADE_SECONDS = 0.05
_SEATS = (0.25, -0.25, 0.45, -0.45, 0.1, -0.1)
_IN_THE_MIDDLE = {"drums", "bass", "double bass", "tuba", "timpani"}


def render(
    piece: Piece,
    *,
    rate_hz: int = 44_100,
    soundfont: SoundFont | str | PathLike[str] | None = None,
) -> Waveform:
    """Play a piece: a stereo mix of about -14 LUFS with true peaks below -1 dB.

    It starts with the piece and ends when the last note has died away; a piece without notes is
    as much silence. The same piece, rate and font give the same samples.

    Args:
        piece: at most 10 hours long.
        rate_hz: samples per second, 8,000 to 192,000.
        soundfont: a font or the path of one; None for the font that ships with the package.

    Raises:
        ConfigError: if the rate is out of range.
        InputError: if the piece is too long or the font cannot be used.
    """
    mix = _silence(piece, rate_hz)
    sampler = open_sampler(soundfont, rate_hz)
    for track, pan in seated(piece.tracks):
        _play(piece, track, pan, sampler, mix, rate_hz)
    add_room(mix, rate_hz)
    levels = measure(mix, rate_hz)
    gain = mastering_gain(levels)
    apply_gain(mix, gain, limiter_curve(levels.peaks * gain), levels.hop)
    return _finished(mix, sound_end(piece, levels, rate_hz), rate_hz)


def render_stems(
    piece: Piece,
    *,
    rate_hz: int = 44_100,
    soundfont: SoundFont | str | PathLike[str] | None = None,
) -> dict[str, Waveform]:
    """Play each part alone: stems of one length, by names such as "piano" and "piano 2".

    They carry the room and the gain of `render`'s mix and sum to it before its limiter, so the
    sum may pass full scale. Parts without notes have no stem. Arguments and errors are those
    of `render`.
    """
    total = _silence(piece, rate_hz)
    sampler = open_sampler(soundfont, rate_hz)
    seats = seated(piece.tracks)
    stems = []
    for track, pan in seats:
        stem = np.zeros_like(total)
        _play(piece, track, pan, sampler, stem, rate_hz)
        add_room(stem, rate_hz)
        total += stem
        stems.append(stem)
    levels = measure(total, rate_hz)
    end = sound_end(piece, levels, rate_hz)
    gain = np.float32(mastering_gain(levels))
    names = stem_names(piece)
    for stem in stems:
        stem *= gain
    return {name: _finished(stem, end, rate_hz) for name, stem in zip(names, stems, strict=True)}


def _silence(piece: Piece, rate_hz: int) -> np.ndarray:
    """Room for the piece and the longest tail, float32 [2, samples]."""
    return np.zeros((2, most_samples(piece, rate_hz)), np.float32)


def most_samples(piece: Piece, rate_hz: int) -> int:
    """How many samples the piece and the longest tail take.

    Raises:
        ConfigError: if the rate is out of range. InputError: if the piece is too long.
    """
    check_rate(rate_hz)
    if piece.duration_seconds > LONGEST_SECONDS:
        raise InputError(
            f"The piece lasts {piece.duration_seconds / 3600:.1f} hours; "
            f"at most {LONGEST_SECONDS // 3600} can be played.",
            where=piece.title,
            next_step="Cut it, or look for a note that ends far too late.",
        )
    return round((piece.duration_seconds + _LONGEST_TAIL_SECONDS) * rate_hz)


def check_rate(rate_hz: int) -> None:
    """Refuse rates outside those that players take.

    Raises:
        ConfigError: if the rate is not 8,000 to 192,000 Hz.
    """
    if not 8_000 <= rate_hz <= 192_000:
        raise ConfigError(f"A sample rate is 8000 to 192000 Hz; found {rate_hz}.")


def open_sampler(
    soundfont: SoundFont | str | PathLike[str] | None, rate_hz: int, tuning_cents: float = 0.0
) -> Sampler:
    """A sampler with a font, the font of a path, or, for None, the font that ships.

    Its A is so many cents above 440 Hz.

    Raises:
        InputError: if the font cannot be used.
    """
    font = soundfont if isinstance(soundfont, SoundFont) else SoundFont.load(soundfont)
    return Sampler(font, rate_hz, tuning_cents)


def seated(tracks: Iterable[Track], *, around: int = 0) -> list[tuple[Track, float]]:
    """Tracks that have notes, each with its place from left to right.

    Rhythm, bass and the first of the other parts sit in the middle, the rest around them.

    Args:
        around: other parts that have sat down already, such as a soloist.
    """
    seats: list[tuple[Track, float]] = []
    others = around
    for track in tracks:
        if not len(track):
            continue
        if INSTRUMENTS[track.instrument].name in _IN_THE_MIDDLE:
            seats.append((track, 0.0))
        else:
            seats.append((track, _SEATS[(others - 1) % len(_SEATS)] if others else 0.0))
            others += 1
    return seats


def _play(
    piece: Piece, track: Track, pan: float, sampler: Sampler, out: np.ndarray, rate_hz: int
) -> None:
    played = played_notes(piece, track, rate_hz)
    gestures = Gestures.of(piece, track, rate_hz)
    sampler.play(
        played, out, program=track.program, is_drum=track.is_drum, pan=pan, gestures=gestures
    )


def played_notes(piece: Piece, track: Track, rate_hz: int) -> list[PlayedNote]:
    """The notes of a track of a piece, at the samples where its tempo map and pedals put them."""
    notes = track.notes
    onsets = np.rint(piece.ticks_to_seconds(notes["onset"]) * rate_hz).astype(int)
    ends = np.rint(piece.ticks_to_seconds(notes["onset"] + notes["duration"]) * rate_hz)
    ends, velocities = pedalled(piece, track, onsets, ends.astype(np.int64), rate_hz)
    columns = (onsets, ends, notes["pitch"], velocities)
    return [PlayedNote(*note) for note in zip(*(c.tolist() for c in columns), strict=True)]


def stem_names(piece: Piece) -> list[str]:
    """Names of the stems of a piece, in the order of its tracks that have notes."""
    seen: Counter[str] = Counter()
    names = []
    for track, _ in seated(piece.tracks):
        name = INSTRUMENTS[track.instrument].name
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return names


def sound_end(piece: Piece, levels: Levels, rate_hz: int) -> int:
    """Sample where the last note has died away, not before the end of the piece."""
    peaks, hop = levels.peaks, levels.hop
    audible = np.flatnonzero(peaks > peaks.max() * 10 ** (_SILENCE_BELOW_PEAK_DB / 20))
    last = int(audible[-1] + 1) * hop if len(audible) else 0
    return max(last, round((piece.duration_seconds + _FADE_SECONDS) * rate_hz))


def _finished(samples: np.ndarray, end: int, rate_hz: int) -> Waveform:
    """The samples up to ``end``, faded out over the last 50 ms."""
    samples = samples[:, :end]
    fade = closing_fade(rate_hz)
    samples[:, -len(fade) :] *= fade
    return Waveform(samples.T, rate_hz)


def closing_fade(rate_hz: int) -> np.ndarray:
    """The factors of the last 50 ms, float32 [samples]."""
    return np.linspace(1, 0, round(_FADE_SECONDS * rate_hz), dtype=np.float32)
