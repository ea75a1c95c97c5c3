"""Ways in which a recording may be counted, and what speaks for each.

Dynamic programming (`tracking`) finds the beats that explain both networks best, but it asks at
every instant anew: it slips to the offbeat where those are strong, and counts twice as fast as
people do. So it is asked several times: by sound alone too, near half, double and other levels of
its tempo, in one tempo all along, and between the beats. Each way is described by numbers over the
whole recording, and a conditional logit (McFadden, 1974) that `experiments.listening.beat_choice`
has taught weighs them, as `bars` does for bars; `counting` chooses.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ritornello.note_model import weights_file
from ritornello.note_model.engine.layers import sigmoid
from ritornello.note_model.weights_file import WeightsFile
from ritornello.transcribe import tracking
from ritornello.transcribe.note_beats import NoteBeats
from ritornello.transcribe.spectra import FLOOR, FRAME_SECONDS, SHORT_BANDS
from ritornello.transcribe.steady import steady_beats
from ritornello.transcribe.values import ON_BEAT_SECONDS

CHOICE_FILE, CHOICE_KIND = "beat_choice.safetensors", "beat choice"
_LEVELS = (1.0, 0.5, 2.0, 2 / 3, 1.5)  # of the length of a beat
_SLOWEST_BPM, _FASTEST_BPM = 40.0, 230.0
_SAME_OCTAVES = 0.08  # nearer tempi are one
_FEWEST_BEATS = 4
_TAPPED_HZ, _DAMPING, _LEAST_TAPPED = 2.0, 1.12, 1e-3  # see `tapped_nats`
TAPPED_WEIGHT = 0.3  # not learned: rendered clips are as fast as they are drawn
_LOW_BANDS = 6  # below 300 Hz, where kick and bass begin
_NOVELTY_FRAMES, _SLOW_FRAMES = 18, 45  # before and behind a change of harmony
_ATTACK_FRAMES, _LOUDER = 10, 0.6  # in log10 of the amplitude
_STRUCK_QUANTILE, _AS_LOUD, _CUT_FRAMES = 0.95, 0.15, 4
_LOUDEST = 1000.0  # of what is compressed by log(1 + x)
_LEAST_SHARE = 0.02
FEATURES = (
    "sound on beats", "notes on beats", "onsets on beats", "low onsets on beats",
    "new harmony on beats", "sound between", "new harmony between", "tempo by notes",
    "length by notes", "uneven", "steady", "on halves", "on beats", "bars", "notes near beats",
    "notes near middles", "notes near beats to middles", "notes a beat", "longer on beats",
    "thirds over halves", "tempo by notes with thirds", "tapped",
)  # fmt: skip


class Way(NamedTuple):
    """Beats in seconds, float64 [beats], and whether they are of one tempo."""

    beats_seconds: np.ndarray
    is_steady: bool = False


class Clues(NamedTuple):
    """What tells where beats are, frame by frame but for the notes.

    Attributes:
        sound, notes_nats: log odds of a beat by the networks, see `tracking`.
        bars: how likely a bar begins.
        onsets, low_onsets, new_harmony, slow_harmony: see `measured`.
        told: what the notes say, if they do.
        notes: `HEARD_NOTE_DTYPE` by onset.
        first_seconds: when the first note, or sound, begins, if it is quiet before it.
    """

    sound: np.ndarray
    notes_nats: np.ndarray
    bars: np.ndarray
    onsets: np.ndarray
    low_onsets: np.ndarray
    new_harmony: np.ndarray
    slow_harmony: np.ndarray
    told: NoteBeats | None
    notes: np.ndarray
    first_seconds: float | None

    @classmethod
    def of(
        cls, logits: np.ndarray, spectra: np.ndarray, told: NoteBeats | None, notes: np.ndarray
    ) -> Clues:
        """Clues of logits [frames, 2] and log bands [frames, bands] of the same frames.

        The times of ``told`` and of ``notes`` count from the first frame.
        """
        sound = tracking.evidence(logits[:, 0], FRAME_SECONDS)
        by_notes = np.zeros(len(sound))
        if told is not None:
            by_notes = tracking.note_evidence(told, len(sound), FRAME_SECONDS)
        bars = sigmoid(logits[:, 1].astype(float))
        first = _begins(spectra, notes)
        return cls(sound, by_notes, bars, *measured(spectra), told, notes, first)


def _begins(spectra: np.ndarray, notes: np.ndarray) -> float | None:
    """When the first note begins, or without notes the first sound, if what sounds after it is much
    louder than all before; at the very beginning it must be as loud as what is struck."""
    loudest = spectra[:, :SHORT_BANDS].max(axis=1).astype(float)
    struck = float(np.quantile(loudest, _STRUCK_QUANTILE, method="nearest"))
    if len(notes):
        first = float(notes["onset_seconds"][0])
        frame = int(np.clip(first / FRAME_SECONDS, 1, len(spectra) - 1))
    else:
        frame = int((loudest > struck - _LOUDER).argmax())
        first = frame * FRAME_SECONDS
    if frame <= _CUT_FRAMES and loudest[: frame + _CUT_FRAMES].max() > struck - _AS_LOUD:
        return first
    if not len(notes):
        frame -= 1
    if frame < 1:
        return None
    behind = loudest[frame : frame + _ATTACK_FRAMES].max()
    return first if behind - loudest[:frame].max() > _LOUDER else None


def measured(spectra: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Onset strength, that of low bands, and change of harmony, quick and slow, each [frames] with
    mean 0 and deviation 1.

    Onsets are as in SuperFlux (Böck and Widmer, "Maximum filter vibrato suppression for onset
    detection", DAFx 2013): a band counts by how far it exceeds the loudest of itself and its
    neighbours two frames before. Harmony changes as the chroma of the third of a second (slow: of
    0.9 s) before and behind a frame differ, by their cosine.
    """
    bands = np.log1p(_LOUDEST * 10.0 ** spectra[:, :SHORT_BANDS].astype(np.float64))
    padded = np.pad(bands, ((0, 0), (1, 1)), mode="edge")
    widest = np.maximum(np.maximum(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
    rises = np.zeros_like(bands)
    rises[1:-1] = np.maximum(0, bands[2:] - widest[:-2])  # centred on the rise
    chroma = np.zeros((len(spectra) + 1, 12))
    semitones = np.maximum(0, spectra[:, SHORT_BANDS:].astype(np.float64) - (FLOOR + 1))
    for place in range(12):
        chroma[1:, place] = np.cumsum(semitones[:, place::12].sum(axis=1))
    low = rises[:, :_LOW_BANDS].mean(axis=1)
    quick, slow = (_change(chroma, reach) for reach in (_NOVELTY_FRAMES, _SLOW_FRAMES))
    return _standard(rises.mean(axis=1)), _standard(low), _standard(quick), _standard(slow)


def _change(chroma: np.ndarray, reach: int) -> np.ndarray:
    """How far what sounds behind each frame differs from what sounded before, [frames].

    Args:
        chroma: sums from the first frame on, [frames + 1, 12]. reach: so many frames count.
    """
    frames = np.arange(len(chroma) - 1)
    behind = chroma[np.minimum(len(frames), frames + reach)] - chroma[frames]
    before = chroma[frames] - chroma[np.maximum(0, frames - reach)]
    sizes = np.sqrt(np.square(behind).sum(axis=1) * np.square(before).sum(axis=1))
    result: np.ndarray = 1 - (behind * before).sum(axis=1) / (sizes + 1e-6)
    return result


def ways(clues: Clues, tempo_bpm: float | None = None) -> list[Way]:
    """Ways to count, the one that explains the networks best first; at least one.

    Args:
        tempo_bpm: about, if it is known; then all are near it.
    """
    both = clues.sound + clues.notes_nats
    by_both = tracking.track(both, FRAME_SECONDS, tempo_bpm, clues.told)
    by_sound = tracking.track(clues.sound, FRAME_SECONDS, tempo_bpm)
    found, tried = [Way(by_both), Way(by_sound)], [0.0]
    for first, beats in enumerate((by_both, by_sound)):
        if len(beats) < _FEWEST_BEATS:
            continue
        for level in _LEVELS if tempo_bpm is None else _LEVELS[:1]:
            length = float(np.median(np.diff(beats))) * level
            is_tapped = _SLOWEST_BPM <= 60 / length <= _FASTEST_BPM
            if (
                not (is_tapped or tempo_bpm)
                or min(abs(np.log2(length) - t) for t in tried) < _SAME_OCTAVES
            ):
                continue
            tried.append(float(np.log2(length)))
            if level != 1 or first:
                found.append(Way(tracking.track(both, FRAME_SECONDS, 60 / length, clues.told)))
            even = steady_beats(both, length / FRAME_SECONDS) * FRAME_SECONDS
            found += [Way(even, True), Way(offbeats(even), True)]
    found += [Way(_between(way.beats_seconds)) for way in found if not way.is_steady]
    return [way for way in found if len(way.beats_seconds) >= _FEWEST_BEATS] or found[:1]


def choice() -> WeightsFile:
    """The bundled weights of features, and those of the confidence in what is chosen."""
    return weights_file.bundled(CHOICE_FILE, CHOICE_KIND)


def describe(way: Way, clues: Clues) -> np.ndarray:
    """Features [FEATURES] of a way to count, float64."""
    beats = way.beats_seconds
    lengths, middles = np.diff(beats), _between(beats)
    on_beats = (
        (clues.sound, 1), (clues.notes_nats, 2), (clues.onsets, 1), (clues.low_onsets, 1),
        (clues.new_harmony, 1),
    )  # fmt: skip
    tempo_bpm = 60 / float(np.median(lengths))
    by_notes, length_nats = 0.0, 0.0
    if clues.told is not None:
        by_notes = float(np.log(clues.told.share_of(tempo_bpm) + _LEAST_SHARE))
        here = np.interp(clues.told.times_seconds, beats[1:], lengths)
        length_nats = float(clues.told.length_nats(here[:, None]).mean())
    *of_notes, thirds = _of_notes(clues.notes, beats, middles, clues.bars)
    return np.array(
        [
            *(_at(values, beats, reach) for values, reach in on_beats),
            _at(clues.sound, middles, 1),
            _at(clues.new_harmony, middles, 1),
            by_notes,
            length_nats,
            min(1.0, 4 * float(np.std(np.diff(np.log(lengths))))),
            float(way.is_steady),
            *of_notes,
            thirds,
            thirds * by_notes,
            tapped_nats(tempo_bpm),
        ]
    )


def tapped_nats(tempo_bpm: float) -> float:
    """How likely people tap a tempo to music: the log of a resonance with its top at 120 a minute.

    The effective resonance of van Noorden and Moelants, "Resonance in the perception of musical
    pulse" (1999), which McKinney and Moelants (2006) found in what people tap to recordings.
    """
    f0, f = _TAPPED_HZ, tempo_bpm / 60
    resonance = ((f0**2 - f**2) ** 2 + _DAMPING * f**2) ** -0.5 - (f0**4 + f**4) ** -0.5
    return math.log(max(resonance, _LEAST_TAPPED))


def _of_notes(
    notes: np.ndarray, beats: np.ndarray, middles: np.ndarray, bars: np.ndarray
) -> Iterable[float]:
    """How the onsets of notes lie among beats, and how regular their bars are; at last how far more
    they lie on thirds of beats than on halves, as in 6/8."""
    onsets = notes["onset_seconds"]
    places = np.interp(onsets, beats, np.arange(len(beats)))
    places = places[(onsets > beats[0]) & (onsets < beats[-1])]

    def agreement(parts: int) -> float:
        """1 if all onsets lie on whole parts of beats, -1 if all lie between them."""
        enough = len(places) >= _FEWEST_BEATS
        return float(np.cos(2 * np.pi * parts * places).mean()) if enough else 0.0

    frames = np.clip(np.rint(beats / FRAME_SECONDS).astype(int), 0, len(bars) - 1)
    begins = bars[frames] - bars[frames].mean()
    bar = max(float(begins[s::m].mean()) for m in (2, 3, 4) for s in range(m))
    on, off = _near(onsets, beats), _near(onsets, middles)
    longer = 0.0
    if on.any() and off.any():
        lasting = np.log(np.clip(notes["end_seconds"] - onsets, 0.05, 2.0))
        longer = float(lasting[on].mean() - lasting[off].mean())
    return (
        agreement(2),
        agreement(1),
        bar,
        float(on.mean()) if len(onsets) else 0.0,
        float(off.mean()) if len(onsets) else 0.0,
        float(np.log((on.sum() + 1) / (off.sum() + 1))),
        float(np.log(len(onsets) / len(beats) + 0.1)),
        longer,
        max(0.0, agreement(3) - agreement(2)),
    )


def _near(onsets: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Whether each onset is near one of some times, bool [onsets]."""
    after = np.clip(np.searchsorted(times, onsets), 1, max(1, len(times) - 1))
    around = np.stack([times[after - 1], times[np.minimum(after, len(times) - 1)]])
    result: np.ndarray = np.abs(onsets - around).min(axis=0) < ON_BEAT_SECONDS
    return result


def _at(values: np.ndarray, times_seconds: np.ndarray, reach: int) -> float:
    """The mean of the largest values within so many frames of each time inside."""
    frames = np.rint(times_seconds / FRAME_SECONDS)
    inside = (frames >= -reach) & (frames < len(values) + reach)
    here = at_most_within(values, times_seconds[inside], reach)
    return float(here.mean()) if len(here) else 0.0


def at_most_within(values: np.ndarray, times_seconds: np.ndarray, reach: int) -> np.ndarray:
    """The largest values within so many frames of each time, [times]."""
    frames = np.rint(times_seconds / FRAME_SECONDS).astype(int)[:, None]
    frames = np.clip(frames + np.arange(-reach, reach + 1), 0, len(values) - 1)
    result: np.ndarray = values[frames].max(axis=1)
    return result


def _between(beats: np.ndarray) -> np.ndarray:
    result: np.ndarray = (beats[1:] + beats[:-1]) / 2
    return result


def offbeats(even: np.ndarray) -> np.ndarray:
    """Even beats half a beat off, those before the first one too."""
    if len(even) < 2:
        return even
    half = (even[1] - even[0]) / 2
    # One just before the first frame is a beat on which the recording begins.
    begins = even[0] >= half - ON_BEAT_SECONDS
    return np.concatenate([even[:1] - half if begins else even[:0], even + half])


def _standard(values: np.ndarray) -> np.ndarray:
    result: np.ndarray = (values - values.mean()) / (values.std() + 1e-9)
    return result
