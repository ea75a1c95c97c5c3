"""Where the beats of a recording lie and which of them begin bars.

One recurrent network hears how likely each instant is (`activations`), another reads it from the
notes, with the tempo (`note_beats`). `tracking` finds the beats that explain both best, follows the
player, and moves them to the notes; `beat_candidates` finds other ways to count, `counting` the
likeliest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ritornello.note_model import weights_file
from ritornello.note_model.engine.layers import sigmoid
from ritornello.note_model.weights_file import WeightsFile
from ritornello.transcribe import tracking
from ritornello.transcribe.activations import KIND, window_logits
from ritornello.transcribe.bar_following import follow
from ritornello.transcribe.bars import COUNTS, METRES, bar_shares, beats_per_bar, lateness
from ritornello.transcribe.beat_candidates import Clues, Way, at_most_within, choice
from ritornello.transcribe.counting import likeliest, through
from ritornello.transcribe.note_beats import NoteBeats, told_by
from ritornello.transcribe.played_span import played_frames
from ritornello.transcribe.spectra import BANDS, FRAME_SECONDS, log_bands
from ritornello.transcribe.steady import held_beats, steady_beats
from ritornello.transcribe.strokes import tell_a_beat
from ritornello.transcribe.values import ON_BEAT_SECONDS, Beats, Hints

_USUAL_TEMPO_BPM = 120.0
_UNHEARD = 0.2  # less confident beats are not better than a steady tempo
_FAR_BEATS = 0.2  # nearer than that, what the player says is one of the beats that were heard
_NAMED_SECONDS, _NAMED_BEATS = 0.12, 0.25  # from a bar line that is named to the note it means
_OFFBEAT_SHARE = 0.5  # of how likely beats are, that makes offbeats
_EASED_BEATS = 3
_NEAR_FRAMES = 2  # a beat is heard so far from where it is
_ENOUGH_BEATS = 8  # fewer are no proof of a beat
_ENOUGH_ON_BEATS = 0.5
_FEW_TAP_BPM = (65.0, 145.0)  # slower or faster than this (McKinney and Moelants 2006)
_WANDERING = 0.025  # half of all eight beats differ by more; 2% on a guitar, 6 and 22 on violins
_AROUND_SECONDS = 0.5  # of what sounds, that is listened to
_ON_EVEN, _SLIPPED, _SLIPPED_PART = 0.1, 0.84, 0.25  # of a beat; shares of beats
_USUAL_BEATS = 16  # whose tempo goes on before and behind
_OTHER_TEMPI = 1 / 2, 2, 2 / 3, 3 / 2  # a jig's eighths fall into twos and threes
_AS_WELL = 1 / 3  # so likely beside the tempo that was heard, another is worth naming


def find_beats(
    blocks: Iterable[np.ndarray],
    duration_seconds: float,
    hints: Hints,
    notes: np.ndarray,
    sounding_seconds: tuple[float, float] | None = None,
) -> Beats:
    """A recording and its notes to beats and downbeats, with a confidence.

    Where no beat is heard, they are assumed to be steady, at the tempo of the hints or 120 a
    minute, with a confidence of 0. A recording too short for two beats gets its second one after
    its end.

    Args:
        blocks: the recording, mono float32 at 22,050 Hz, of any lengths.
        duration_seconds: of the recording.
        hints: what the player says; it is believed.
        notes: that were transcribed, `HEARD_NOTE_DTYPE` by onset; may be empty.
        sounding_seconds: from when to when there is sound; None for all along.
    """
    spectra: list[np.ndarray] = []
    logits = window_logits(_kept(log_bands(blocks), spectra), bundled())
    heard = np.concatenate([np.zeros((0, BANDS), np.float16), *spectra])
    return beats_of(logits, duration_seconds, hints, notes, sounding_seconds, heard)


def _kept(spectra: Iterable[np.ndarray], into: list[np.ndarray]) -> Iterator[np.ndarray]:
    """Spectra as they come, rounded copies of which are kept."""
    for frames in spectra:
        into.append(frames.astype(np.float16))
        yield frames


def beats_of(
    logits: np.ndarray,
    duration_seconds: float,
    hints: Hints,
    notes: np.ndarray,
    sounding_seconds: tuple[float, float] | None = None,
    spectra: np.ndarray | None = None,
) -> Beats:
    """Beat and downbeat logits and notes to beats: `find_beats` after its network.

    Args:
        spectra: log bands [frames, bands], by which ways to count are compared where no beat is
            told; None for the way that explains logits and notes best.
    """
    times, confidence, bars = np.zeros(0), 0.0, None
    hints = _on_a_note(hints, notes["onset_seconds"])
    tempo_is_known = hints.tempo_bpm is not None or hints.beats_seconds is not None
    told = told_by(notes, tempo_is_known=tempo_is_known)
    first, last = 0, len(logits)
    if sounding_seconds is not None:
        # What is silent before and after says nothing of the beat.
        first = max(0, math.floor((sounding_seconds[0] - _AROUND_SECONDS) / FRAME_SECONDS))
        last = math.ceil((sounding_seconds[1] + _AROUND_SECONDS) / FRAME_SECONDS)
    begins, ends = played_frames(sigmoid(logits[first:last, 0].astype(float)))
    first, last = first + begins, first + ends
    heard, shift = logits[first:last], first * FRAME_SECONDS
    if len(heard):
        shifted, known = _shifted(told, shift), _moved(hints, shift)
        is_steady, is_told = hints.steady, True
        way = None
        if spectra is not None:
            moved = notes.copy()
            for name in ("onset_seconds", "end_seconds"):
                moved[name] -= shift
            clues = Clues.of(heard, spectra[first:last], shifted, moved)
            way, bars = _way(clues, known, heard, hints.metre)
            is_told = tell_a_beat(spectra[first:last], moved)
        if way is None:
            raw = raw_beats(heard, shifted, known)
        else:
            raw, is_steady = way
        confidence = _believed(features(heard, shifted, raw), choice().settings["confidence"])
        confidence *= min(1.0, len(raw) / _ENOUGH_BEATS) if is_told else 0.0
        times = raw + shift
        if is_steady:
            times = times + _lateness(times, notes["onset_seconds"])
        else:
            times = tracking.snap(times, notes["onset_seconds"])
        if hints.downbeat_seconds is not None:
            times = _through(times, hints.downbeat_seconds, logits)
            times = _extended(times, hints.downbeat_seconds)
        elif hints.beats_seconds is None and len(notes):
            times = _from_first_note(times, float(notes["onset_seconds"][0]))
        if hints.beats_seconds is not None:
            times, confidence = _by_hand(times, np.array(hints.beats_seconds)), 1.0
        times = np.maximum(times[times > -FRAME_SECONDS], 0)
        times = times[times < duration_seconds]
    if len(times) < 2 or confidence < _UNHEARD:
        return _steady(duration_seconds, hints, notes["onset_seconds"])
    found = replace(_with_bars(times, confidence, logits, hints), followed_bars=bars)
    if tempo_is_known:
        return found
    if told is None:
        return replace(found, other_tempo_bpm=_without_notes(found.tempo_bpm))
    return replace(found, other_tempo_bpm=_other_tempo(found.tempo_bpm, told))


def _on_a_note(hints: Hints, onsets_seconds: np.ndarray) -> Hints:
    """Hints whose bar line is where a note begins, if one is near: people name it by ear."""
    named = hints.downbeat_seconds
    if named is None or hints.beats_seconds is not None or not len(onsets_seconds):
        return hints
    nearest = float(onsets_seconds[np.abs(onsets_seconds - named).argmin()])
    near = min(_NAMED_SECONDS, _NAMED_BEATS * 60 / (hints.tempo_bpm or _USUAL_TEMPO_BPM))
    return replace(hints, downbeat_seconds=nearest) if abs(nearest - named) < near else hints


def _way(
    clues: Clues,
    known: tuple[float | None, float | None, bool],
    logits: np.ndarray,
    metre: tuple[int, int] | None,
) -> tuple[Way | None, int | None]:
    """The likeliest way to count, or None where a known beat has to be followed; and beats a bar
    where they were followed by their bars."""
    tempo_bpm, beat_seconds, is_steady = known
    if beat_seconds is not None:
        return (None if tempo_bpm is None else through(clues, tempo_bpm, beat_seconds)), None
    way, compared = likeliest(clues, tempo_bpm, is_steady)
    counts = [n for n in COUNTS if metre is None or n == beats_per_bar(metre)]
    followed = None
    if counts and not way.is_steady:
        followed = follow(way, compared, clues, logits, counts)
    return followed or (way, None)


def _shifted(told: NoteBeats | None, seconds: float) -> NoteBeats | None:
    return told and told._replace(times_seconds=told.times_seconds - seconds)


def _moved(hints: Hints, seconds: float) -> tuple[float | None, float | None, bool]:
    """Tempo, a known beat, and whether the tempo is steady; the beat counted from a time on."""
    tempo, known = hints.tempo_bpm, hints.downbeat_seconds
    if hints.beats_seconds is not None:
        tempo = 60 / float(np.median(np.diff(hints.beats_seconds)))
        known = hints.beats_seconds[0]
    return tempo, None if known is None else known - seconds, hints.steady


def _lateness(times: np.ndarray, onsets_seconds: np.ndarray) -> float:
    """How far steady beats move to their notes; where few beats have some, as of a slow voice over
    drums, they stay as they are heard."""
    late, share = lateness(times, onsets_seconds)
    return late if share >= _ENOUGH_ON_BEATS else 0.0


def _extended(times: np.ndarray, known_seconds: float) -> np.ndarray:
    """The beats, extended evenly to one that is known to lie before or behind them."""
    if len(times) < 2:
        return times
    period = float(np.median(np.diff(times[:_USUAL_BEATS])))
    before = max(0, round((times[0] - known_seconds) / period))
    if before:  # spread over them, so that the known one is met
        period = (times[0] - known_seconds) / before
    period_after = float(np.median(np.diff(times[-_USUAL_BEATS:])))
    after = max(0, round((known_seconds - times[-1]) / period_after))
    return np.concatenate(
        [
            times[0] - period * np.arange(before, 0, -1),
            times,
            times[-1] + period_after * np.arange(1, after + 1),
        ]
    )


def _from_first_note(times: np.ndarray, first_seconds: float) -> np.ndarray:
    """The beats, with one on which a recording begins where that was cut off at its start."""
    if len(times) < 2:
        return times
    period = float(np.median(np.diff(times[:_USUAL_BEATS])))
    away = (times[0] - first_seconds) / period
    return np.append(first_seconds, times) if abs(away - 1) < _FAR_BEATS / 2 else times


def _by_hand(times: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Beats that were told, as they are, and those that were heard before and behind them."""
    room = np.median(np.diff(known)) / 2
    before, after = times[times < known[0] - room], times[times > known[-1] + room]
    return np.concatenate([before, known, after])


def _other_tempo(tempo_bpm: float, told: NoteBeats) -> float | None:
    """Twice, half, two thirds or three halves of it, if the notes find that likely enough."""
    other = max((tempo_bpm * ratio for ratio in _OTHER_TEMPI), key=told.share_of)
    is_likely = told.share_of(other) > _AS_WELL * told.share_of(tempo_bpm)
    return other if is_likely else None


def _without_notes(tempo_bpm: float) -> float | None:
    """Half or twice a tempo that few people tap, where there are no notes to tell: drums at 80
    are often heard at 160."""
    if tempo_bpm > _FEW_TAP_BPM[1]:
        return tempo_bpm / 2
    return tempo_bpm * 2 if tempo_bpm < _FEW_TAP_BPM[0] else None


def raw_beats(
    logits: np.ndarray,
    told: NoteBeats | None,
    known: tuple[float | None, float | None, bool] = (None, None, False),
) -> np.ndarray:
    """The beats that explain sound and notes best, float64 [beats], in seconds.

    Args:
        known: about how many beats a minute, when one of them is, and whether they are steady.
    """
    tempo_bpm, beat_seconds, is_steady = known
    found = tracking.evidence(logits[:, 0], FRAME_SECONDS)
    if told is not None:
        found += tracking.note_evidence(told, len(found), FRAME_SECONDS)
    anchor = None if beat_seconds is None else beat_seconds / FRAME_SECONDS
    free = tracking.track(found, FRAME_SECONDS, tempo_bpm, told)
    if len(free) < 2:
        return free
    period = float(np.median(np.diff(free))) / FRAME_SECONDS
    if is_steady:
        if tempo_bpm is not None and anchor is not None:
            period = 60 / tempo_bpm / FRAME_SECONDS
        return steady_beats(found, period, anchor) * FRAME_SECONDS
    if tempo_bpm is None or anchor is None:
        return free
    even = steady_beats(found, 60 / tempo_bpm / FRAME_SECONDS, anchor)
    if _wanders(free) and not _slips(free, even * FRAME_SECONDS):
        return free
    period = float(even[1] - even[0]) if len(even) > 1 else period
    return held_beats(found, period, anchor) * FRAME_SECONDS


def _wanders(times: np.ndarray) -> bool:
    """Whether a tempo changes by more than a band or a player to a click would let it."""
    reach = min(_USUAL_BEATS // 2, len(times) - 1)
    lengths = times[reach:] - times[:-reach]
    low, middle, high = np.quantile(lengths, [0.25, 0.5, 0.75])
    return bool((high - low) / middle > _WANDERING)


def _slips(times: np.ndarray, even: np.ndarray) -> bool:
    """Whether beats lie on even ones for a part and half way between them for another, as where
    offbeats are strong; the beats of a tempo that bends lie anywhere."""
    if len(even) < 2:
        return False
    places = (times - even[0]) / (even[1] - even[0])
    away = np.abs(places - np.rint(places))
    on, off = float(np.mean(away < _ON_EVEN)), float(np.mean(away > 0.5 - _ON_EVEN))
    return on + off > _SLIPPED and min(on, off) > _SLIPPED_PART


def bundled() -> WeightsFile:
    """The bundled beat network, loaded once."""
    return weights_file.bundled("beats.safetensors", KIND)


def features(logits: np.ndarray, told: NoteBeats | None, beats_seconds: np.ndarray) -> np.ndarray:
    """Features [5] of the logistic model of confidence, float64.

    Of the sound the mean log odds of the beats, the share of all probability that lies on them, and
    how far every other beat is likelier than those between, which tells halves and wholes. Of the
    notes how far those on beats are likelier than the others, and how likely the lengths of the
    beats are, in nats; 0 where notes say nothing.

    Args:
        logits: of a beat and the beginning of a bar, [frames, 2].
    """
    likely = sigmoid(logits[:, 0].astype(float))
    on_beats = at_most_within(likely, beats_seconds, _NEAR_FRAMES)
    near = np.zeros(len(likely), bool)
    for shift in range(-3, 4):
        near[np.clip(_frames(beats_seconds) + shift, 0, len(likely) - 1)] = True
    share = likely[near].sum() / (likely.sum() + 1e-9)
    contrast = abs(on_beats[::2].mean() - on_beats[1::2].mean()) if len(on_beats) > 1 else 0.0
    on_beats = np.clip(on_beats, 1e-3, 1 - 1e-3)
    heard = [np.log(on_beats / (1 - on_beats)).mean(), share, contrast]
    return np.array([*heard, *_read(told, beats_seconds)])


def _read(told: NoteBeats | None, beats_seconds: np.ndarray) -> tuple[float, float]:
    """The two features that the note network gives."""
    if told is None or len(beats_seconds) < 2:
        return 0.0, 0.0
    events = told.times_seconds
    place = np.interp(events, beats_seconds, np.arange(len(beats_seconds)))
    nearest = beats_seconds[np.rint(place).astype(int)]
    on_beat = np.abs(events - nearest) < ON_BEAT_SECONDS
    likely = sigmoid(told.logits[:, 0].astype(float))
    apart = 0.0
    if on_beat.any() and not on_beat.all():
        apart = float(likely[on_beat].mean() - likely[~on_beat].mean())
    lengths = np.interp(events, beats_seconds[1:], np.diff(beats_seconds))
    return apart, float(told.length_nats(lengths[:, None]).mean())


def _believed(measured: np.ndarray, weights: Sequence[float]) -> float:
    """The logistic curve that `experiments.listening.beat_model` fitted: a bias and a weight for
    each feature."""
    return float(sigmoid(weights[0] + measured @ np.array(weights[1:])))


def _steady(duration_seconds: float, hints: Hints, onsets_seconds: np.ndarray) -> Beats:
    """Beats at one constant tempo; the first downbeat is the hint or the first note."""
    length = 60 / (hints.tempo_bpm or _USUAL_TEMPO_BPM)
    downbeat = float(onsets_seconds[0]) if len(onsets_seconds) else 0.0
    downbeat = downbeat if hints.downbeat_seconds is None else hints.downbeat_seconds
    before, first = divmod(downbeat, length)
    count = max(2, math.ceil((duration_seconds - first) / length))
    metre = hints.metre or METRES[4]
    beats = beats_per_bar(metre)
    return Beats(
        times_seconds=first + length * np.arange(count),
        metre=metre,
        first_downbeat=int(before) % beats,
        beats_per_bar=beats,
        confidence=0.0,
        downbeat_confidence=float(hints.downbeat_seconds is not None),
    )


def _through(times: np.ndarray, known_seconds: float, logits: np.ndarray) -> np.ndarray:
    """The beats, moved so that one of them is where the player says one is.

    Whoever hears offbeats for beats is half a beat off all along, if they sound as beats do. If
    what lies there is little, only the beats around the known one are wrong.
    """
    if len(times) < 2:
        return times
    places = np.arange(-1, len(times) + 1, dtype=float)
    outer = 2 * times[[0, -1]] - times[[1, -2]]
    around = np.concatenate([outer[:1], times, outer[1:]])
    known = float(np.interp(known_seconds, around, places))
    moved = known - round(known)
    if abs(moved) < _FAR_BEATS:
        return times
    result: np.ndarray = np.interp(places[1:] + moved, places, around)
    likely = sigmoid(logits[:, 0].astype(float))
    before, after = (at_most_within(likely, at, _NEAR_FRAMES).mean() for at in (times, result))
    if after < _OFFBEAT_SHARE * before:
        inner = places[1:-1]
        near = np.maximum(0, 1 - np.abs(inner - round(known)) / _EASED_BEATS)
        result = np.interp(inner + moved * near, places, around)
    return result


# --- bars -----------------------------------------------------------------------------------------


def _with_bars(times: np.ndarray, confidence: float, logits: np.ndarray, hints: Hints) -> Beats:
    metres = {beats_per_bar(hints.metre): hints.metre} if hints.metre else METRES
    downbeat = None
    if hints.downbeat_seconds is not None:
        downbeat = int(np.abs(times - hints.downbeat_seconds).argmin())
    shares = bar_shares(logits, times)
    bars = tracking.find_bars(shares, tuple(metres), downbeat)
    certainty = 1.0
    if downbeat is None:
        weights = bundled().settings["downbeat_confidence"]
        certainty = confidence * _believed(np.array([bars.margin]), weights)
    return Beats(
        times_seconds=times,
        metre=metres[bars.beats_per_bar],
        first_downbeat=bars.first,
        beats_per_bar=bars.beats_per_bar,
        confidence=confidence,
        downbeat_confidence=certainty,
        bar_odds=tracking.bar_odds(shares),
    )


def _frames(times_seconds: np.ndarray) -> np.ndarray:
    return np.rint(times_seconds / FRAME_SECONDS).astype(int)
