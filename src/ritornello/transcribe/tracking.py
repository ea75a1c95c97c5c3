"""Beat and downbeat probabilities of frames to the most likely beats and bars.

1. `track`: the sequence of beats that explains the activations best, by dynamic programming over
   (frame, beat length). A network taught to answer with a bell around each beat gives, by its cross
   entropy, the evidence of a beat at a frame: the log odds around it, weighted by the bell. Beat
   lengths follow each other as in Krebs, Böck & Widmer, "An efficient state-space model for joint
   tempo and meter tracking" (ISMIR 2015): ratios far from 1 are unlikely. How likely each length is
   in itself the notes tell (`note_beats`).
2. `snap`: beats move to the notes struck near them where many agree, as far as the tempo stays
   smooth.
3. `find_bars`: the number of beats in a bar and the first beat of one, by the evidence of bars.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ritornello.note_model.engine.layers import sigmoid
from ritornello.transcribe.note_beats import NoteBeats

BELL_SECONDS = 0.02  # standard deviation of the bells that the network answers with
_SLOWEST_BPM, _FASTEST_BPM = 40.0, 230.0
_LIKELY_BPM, _LIKELY_OCTAVES = 105.0, 0.55
_HINT_OCTAVES, _HINT_ROOM = 0.12, 1.33  # how near a tempo that is told is kept
_PRIOR_WEIGHT, _PRIOR_WEIGHT_TOLD = 0.25, 0.1  # of the likely tempo, for each beat
_TOLD_WEIGHT = 0.5  # of what the notes say of the tempo
_CHANGE = 45.0  # nats for a beat e times as long as the one before
_ROUNDING = 8.0  # the same within a frame
_TOGETHER = 131_072  # numbers that are compared at once
_USUAL_LOGIT = -1.7  # of a frame of which nothing is known
_MOST_EVIDENCE = 4.0  # log odds are cut here
_SILENT_BEATS = 0.2  # share of beats on which nothing need be heard
_HEARD_WITHIN_SECONDS = 2.0
_USUAL_NOTE_LOGIT = -1.0  # of an event of which nothing is known
_NEAR_SECONDS = 0.06
_AGREE_SECONDS = 0.02
_STIFFNESS = 0.3
_STAY = 0.1
_PASSES = 3
_METRE_PRIOR = {4: 0.0, 3: -1.5, 2: -2.0}  # in nats


def evidence(logits: np.ndarray, frame_seconds: float) -> np.ndarray:
    """Log odds, in nats, of a beat in each frame against its neighbourhood; float64 [frames].

    Where no beat is heard for seconds the silence says nothing about the tempo, so it counts less.

    Args:
        logits: log odds of a bell, float [frames].
    """
    if not len(logits):
        return np.zeros(0)
    # The network answers with a bell b(d) around each beat. By its cross entropy the answers are
    # likelier with a beat at frame t than where nothing is known, by so many nats:
    # E(t) = sum over d of b(d) * (logit(t + d) - usual logit), each term cut to +-4 nats.
    reach = math.ceil(3 * BELL_SECONDS / frame_seconds)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) * frame_seconds / BELL_SECONDS) ** 2)
    odds = np.clip(logits - _USUAL_LOGIT, -_MOST_EVIDENCE, _MOST_EVIDENCE)
    found = np.convolve(odds, bell)
    # A share s of the beats is silent, with evidence 0: log((1 - s) * exp(E) + s).
    found = np.log((1 - _SILENT_BEATS) * np.exp(found) + _SILENT_BEATS)[reach:][: len(logits)]
    # Weighed by the strongest answer within two seconds: where nothing is heard, nothing is said.
    width = 2 * round(_HEARD_WITHIN_SECONDS / frame_seconds) + 1
    strongest = _running_maximum(sigmoid(np.asarray(logits, float)), width)
    result: np.ndarray = found * np.minimum(1, 2 * strongest)
    return result


def note_evidence(told: NoteBeats, frames: int, frame_seconds: float) -> np.ndarray:
    """Log odds of a beat from the note network, 0 where no note begins; float64 [frames]."""
    found = np.zeros(frames)
    at = np.rint(told.times_seconds / frame_seconds).astype(int)
    odds = np.clip(told.logits[:, 0] - _USUAL_NOTE_LOGIT, -_MOST_EVIDENCE, _MOST_EVIDENCE)
    reach = math.ceil(2 * BELL_SECONDS / frame_seconds)
    for shift in range(-reach, reach + 1):
        share = math.exp(-0.5 * (shift * frame_seconds / BELL_SECONDS) ** 2)
        inside = (at + shift >= 0) & (at + shift < frames)
        here = np.zeros(frames)
        here[at[inside] + shift] = share * odds[inside]
        found = np.where(np.abs(here) > np.abs(found), here, found)
    return found


def bells(beats_seconds: np.ndarray, frames: int, frame_seconds: float) -> np.ndarray:
    """1 at each beat, falling beside it as what the network is taught to answer; [frames]."""
    at = np.rint(beats_seconds / frame_seconds).astype(int)
    reach = math.ceil(2 * BELL_SECONDS / frame_seconds)
    found = np.zeros(frames)
    for shift in range(-reach, reach + 1):
        share = math.exp(-0.5 * (shift * frame_seconds / BELL_SECONDS) ** 2)
        here = at[(at + shift >= 0) & (at + shift < frames)] + shift
        found[here] = np.maximum(found[here], share)
    return found


def track(
    found: np.ndarray,
    frame_seconds: float,
    tempo_bpm: float | None = None,
    told: NoteBeats | None = None,
    begins: np.ndarray | None = None,
    beats_per_bar: int = 1,
) -> np.ndarray:
    """The best beats from the first to the last frame, float64 [beats], in seconds, ascending.

    Args:
        found: see `evidence`; at least one frame.
        tempo_bpm: about. Where nobody tells, the middle of what people tap is preferred.
        told: what the notes say of the length of a beat, at one event or more.
        begins: what more speaks for a beat in each frame if it begins a bar; None for nothing.
        beats_per_bar: every so many beats one begins a bar.
    """
    fastest, slowest, middle, octaves = _FASTEST_BPM, _SLOWEST_BPM, _LIKELY_BPM, _LIKELY_OCTAVES
    if tempo_bpm is not None:
        fastest, slowest = tempo_bpm * _HINT_ROOM, tempo_bpm / _HINT_ROOM
        middle, octaves = tempo_bpm, _HINT_OCTAVES
    lengths = np.arange(
        max(2, math.floor(60 / fastest / frame_seconds)),
        math.ceil(60 / slowest / frame_seconds) + 1,
    )
    # log p(length) is that of a normal distribution over octaves around the likely tempo, plus what
    # the notes say.
    away = np.log2(60 / middle / (lengths * frame_seconds)) / octaves
    weight = _PRIOR_WEIGHT if told is None or tempo_bpm is not None else _PRIOR_WEIGHT_TOLD
    prior = -weight * 0.5 * away[None] ** 2  # [events, lengths]
    event = np.zeros(len(found), int)
    if told is not None:
        prior = prior + _TOLD_WEIGHT * told.length_nats(lengths * frame_seconds)
        event = np.searchsorted(told.times_seconds, np.arange(len(found)) * frame_seconds)
        event = np.minimum(event, len(prior) - 1)
    steps = np.abs(lengths[:, None] - lengths) / np.sqrt(lengths[:, None] * lengths)
    # log p(length now | length before) = -c * |now - before| / sqrt(now * before), which for small
    # changes is -c * |log(now / before)|; a frame more or less may be rounding.
    change = -_CHANGE * np.maximum(0, steps - 1 / lengths) - _ROUNDING * steps  # [before, now]
    change = np.ascontiguousarray(change.T)
    frames, longest, column = len(found), int(lengths[-1]), np.arange(len(lengths))
    # Viterbi: score(t, now, place) = E(t) + B(t) on the first place of a bar + log p(now) + max
    # over before of (score(t - now, before, place - 1) + log p(now | before)).
    # Of all beats up to one at a frame whose length was lengths[j]: the best score, and with what
    # length to have come there if lengths[j] follows. Rings of the last frames; before the first
    # frame anything may have been.
    score = np.zeros((longest, len(lengths), beats_per_bar))
    ready = np.zeros((longest, len(lengths), beats_per_bar))
    came_from = np.zeros((frames, beats_per_bar, len(lengths)), np.uint8)
    before = np.arange(beats_per_bar) - 1  # the place before each in a bar
    # Frames nearer to each other than the shortest beat do not ask for each other's scores.
    together = max(1, min(int(lengths[0]), _TOGETHER // (change.size * beats_per_bar)))
    for first in range(0, frames, together):
        now = np.arange(first, min(frames, first + together))
        here = ready[(now[:, None] - lengths) % longest, column]  # [now, lengths, places]
        here = here + prior[event[now]][:, :, None] + found[now][:, None, None]
        if begins is not None:
            here[:, :, 0] += begins[now][:, None]
        ways = here.transpose(0, 2, 1)[:, :, None] + change  # [now, places, next length, length]
        chosen = ways.argmax(axis=-1)
        best = np.take_along_axis(ways, chosen[..., None], axis=-1)[..., 0]
        score[now % longest] = here
        ready[now % longest] = best[:, before].transpose(0, 2, 1)
        came_from[now] = chosen[:, before]
    # The last beat lies within its length of the end.
    ends = np.arange(max(0, frames - longest), frames)
    reaches = (ends[:, None] + lengths >= frames)[:, :, None]
    last = np.where(reaches, score[ends % longest], -np.inf)
    at, length, place = (int(n) for n in np.unravel_index(last.argmax(), last.shape))
    frame = int(ends[at])
    beats = [frame]
    while (frame := frame - int(lengths[length])) >= 0:
        length = int(came_from[frame, place, length])
        place = (place - 1) % beats_per_bar
        beats.append(frame)
    return _between_frames(np.array(beats[::-1]), found) * frame_seconds


def _between_frames(beats: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Frames of beats, moved by up to half of one to where a parabola has its top."""
    inner = np.clip(beats, 1, max(1, len(found) - 2))
    if len(found) < 3:
        return beats.astype(float)
    left, middle, right = found[inner - 1], found[inner], found[inner + 1]
    bend = left - 2 * middle + right
    is_top = (bend < -1e-9) & (inner == beats)
    shift = np.where(is_top, (left - right) / (2 * np.where(is_top, bend, 1)), 0)
    result: np.ndarray = beats + np.clip(shift, -0.5, 0.5)
    return result


def _running_maximum(values: np.ndarray, width: int) -> np.ndarray:
    """The largest of the ``width`` (odd) values around each; float [len(values)]."""
    padded = np.pad(values, width // 2, constant_values=-np.inf)
    result: np.ndarray = np.lib.stride_tricks.sliding_window_view(padded, width).max(axis=1)
    return result


# --- to the notes ---------------------------------------------------------------------------------


def snap(beats_seconds: np.ndarray, onsets_seconds: np.ndarray) -> np.ndarray:
    """Beats moved towards the onsets near them by a smoothing spline, float64 [beats], ascending.

    The least squares of three wishes: to lie on the nearest note, for those that have one within
    60 ms, the less so the further it lies from where the others say; to stay; and to keep the
    tempo, which is the second difference of the beats.

    Args:
        onsets_seconds: ascending; may be empty.
    """
    if not len(onsets_seconds) or len(beats_seconds) < 3:
        return beats_seconds
    place = beats_seconds
    for _ in range(_PASSES):
        after = np.searchsorted(onsets_seconds, place)
        candidates = np.stack([after - 1, after]).clip(0, len(onsets_seconds) - 1)
        away = onsets_seconds[candidates] - place
        nearest = np.take_along_axis(away, np.abs(away).argmin(axis=0)[None], axis=0)[0]
        # Minimised: trust * (x - nearest note)^2 + stay * (x - beat)^2 + stiffness * bend(x)^2;
        # trust falls with the distance d as 1 / (1 + (d / 20 ms)^2).
        trust = np.where(
            np.abs(nearest) <= _NEAR_SECONDS, 1 / (1 + (nearest / _AGREE_SECONDS) ** 2), 0
        )
        wanted = trust * (place + nearest) + _STAY * beats_seconds
        place = _smooth(wanted, trust + _STAY, _STIFFNESS)
    lengths = np.diff(place)
    return place if (lengths > 0.5 * np.diff(beats_seconds)).all() else beats_seconds


def _smooth(wanted: np.ndarray, weight: np.ndarray, stiffness: float) -> np.ndarray:
    """The x with the least sum(weight * x**2 - 2 * wanted * x) + stiffness * sum(bend**2), where
    bend is the second difference of x.

    Its equations have five diagonals and are solved by elimination. At least three values.
    """
    inner = np.full(len(wanted) - 2, stiffness)
    main = (weight + np.convolve(inner, [1, 4, 1])).tolist()
    one = np.convolve(inner, [-2, -2]).tolist()
    two = inner.tolist()
    right = wanted.tolist()
    count = len(right)
    for row in range(count - 1):
        for below, diagonal in ((1, one), (2, two)):
            if row + below < count:
                factor = diagonal[row] / main[row]
                right[row + below] -= factor * right[row]
                main[row + below] -= factor * diagonal[row]
                if below == 1 and row + 2 < count:
                    one[row + 1] -= factor * two[row]
    for row in range(count - 1, -1, -1):
        rest = one[row] * right[row + 1] if row + 1 < count else 0.0
        rest += two[row] * right[row + 2] if row + 2 < count else 0.0
        right[row] = (right[row] - rest) / main[row]
    return np.array(right)


# --- bars -----------------------------------------------------------------------------------------


class FoundBars(NamedTuple):
    """Which beats begin bars, and how many nats better that is than the next best answer."""

    beats_per_bar: int
    first: int
    margin: float


def find_bars(shares: np.ndarray, metres: Sequence[int], downbeat: int | None = None) -> FoundBars:
    """The best beats in a bar and first downbeat, the same all along.

    Args:
        shares: [2, beats]: how likely a beat begins a bar if it is a beat, and that it is one.
        metres: beats in a bar to choose from.
        downbeat: number of a beat that is known to begin a bar.
    """
    # log p(answers | metre, first), but for what is the same for all: the log odds of the beats
    # that would begin a bar. To it the prior of the metre.
    odds, ways = bar_odds(shares), []
    for beats in metres:
        for first in range(beats) if downbeat is None else [downbeat % beats]:
            score = odds[first::beats].sum() + _METRE_PRIOR.get(beats, 0.0)
            ways.append((float(score), beats, first))
    ways.sort(key=lambda way: -way[0])
    margin = ways[0][0] - ways[1][0] if len(ways) > 1 else 0.0
    return FoundBars(ways[0][1], ways[0][2], margin)


def bar_odds(shares: np.ndarray) -> np.ndarray:
    """Log odds [beats] that each beat begins a bar, weighed by how likely it is a beat at all.

    Args:
        shares: see `find_bars`.
    """
    begins = np.clip(shares[0], 0.02, 0.98)
    result: np.ndarray = shares[1] * (np.log(begins) - np.log(1 - begins))
    return result
