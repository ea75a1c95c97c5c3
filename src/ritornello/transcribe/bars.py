"""Which beats begin bars, told by the notes: chords change there, low and long notes begin there.

Each possible answer, so many beats a bar and the first of them that begins one, is described by a
few numbers: how the notes on its first beats differ from those on the others, what the network that
reads notes says of them (`note_beats`), and how well the music repeats after a bar. A conditional
logit (McFadden, "Conditional logit analysis of qualitative choice behavior", 1974) weighs them;
`experiments/listening/bar_weights.py` has learned the weights from parts of training pieces. A
network that reads the notes beat by beat (`bar_network`) finds more of what is counted well, and
errs more where beats are wrong: the mean of both counts, with what is heard of bars. What that
gives each answer is a probability, and that of the best is the confidence.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ritornello.music.piece import Metre
from ritornello.note_model import weights_file
from ritornello.note_model.engine.layers import sigmoid
from ritornello.transcribe.alone import is_alone
from ritornello.transcribe.bar_network import (
    BAR_NETWORK_FILE,
    BAR_NETWORK_KIND,
    beats_table,
    nats,
)
from ritornello.transcribe.beat_candidates import at_most_within
from ritornello.transcribe.note_beats import NoteBeats, begin_events, told_by
from ritornello.transcribe.notes_on_beats import TOGETHER_BEATS, NotesOnBeats, in_beats
from ritornello.transcribe.values import ON_BEAT_SECONDS, Beats, Hints

BARS_FILE, BARS_KIND = "bars.safetensors", "bars"
METRES = {4: (4, 4), 3: (3, 4), 2: (2, 4)}  # by beats a bar, those that are told apart
COUNTS = tuple(METRES)
ON_BEAT = "onset", "notes", "low", "long", "new pitches", "new harmony", "loud", "told"
FEATURES = (
    *(f"{name} on the first of {beats}" for beats in METRES for name in ON_BEAT),
    *(f"{name} on the third of 4" for name in ON_BEAT),
    "told in all", "first note", "last note",
    *(f"repeats after {beats}" for beats in METRES), "is 3", "is 2",
)  # fmt: skip
_LATE_SECONDS = 0.02
_NEAR_FRAMES = 2  # a beat is heard so far from where it is
_COMPOUND = {(2, 4): (6, 8), (3, 4): (9, 8), (4, 4): (12, 8)}  # where beats fall into three
# What people record is in four far more often than the parts of scores the weights were learned of;
# but where beats fall into three 6/8 is, 12/8 rare, and 9/8 rarer in scores than in what is played.
_FOUR_NATS, _TWELVE_NATS, _NINE_NATS = 1.0, -2.0, 1.0
# Of what notes and sound say, chosen on held-out clips; the sound of players alone tells less.
_WEIGHTS, _WEIGHTS_ALONE = (0.6, 1.1), (1.0, 0.55)
_NETWORK_SHARE = 0.5  # of what the notes say
_ENOUGH_ON_BEATS = 0.5  # of the beats have a note: a tune over drums may look like a player alone
# Of where moments lie between beats, `experiments.listening.compound_metres` has learned the logit.
_BETWEEN_BEATS = ((1 / 3, 0.085), (2 / 3, 0.085), (1 / 2, 0.08), (1 / 4, 0.06), (3 / 4, 0.06))
_NATS_OF_THREE = np.array([16.7, 4.5, -5.5, -10.7, -10.7])
_USUAL_NATS, _SURELY_THREE = -1.9, 0.5


def with_bars(
    beats: Beats, notes: np.ndarray, hints: Hints, told: NoteBeats | None = None
) -> Beats:
    """Beats with the metre and downbeats that their notes make most likely.

    What the player says of metre and bar lines is believed. Too few notes tell nothing, and nor
    does a steady tempo that was only assumed: the beats stay as they are.

    Args:
        notes: heard in the recording, `HEARD_NOTE_DTYPE` by onset.
        told: what they say of beats; None for `note_beats.told_by`.
    """
    told = told or told_by(notes)
    if told is None or not beats.confidence:
        return beats
    metres = METRES
    if hints.metre is not None:
        metres = {beats_per_bar(hints.metre): hints.metre}
    answers = [(count, first) for count in metres for first in range(count)]
    if hints.downbeat_seconds is not None:
        known = int(np.abs(beats.times_seconds - hints.downbeat_seconds).argmin())
        answers = [(count, known % count) for count in metres]
    metre_is_known = hints.metre is not None
    nats = answer_nats(
        beats.times_seconds, beats.bar_odds, notes, told, answers, metre_is_known=metre_is_known
    )
    chances = np.exp(nats.total - nats.total.max())
    chances /= chances.sum()
    # What was followed in two may be in four.
    followed = [count % (beats.followed_bars or 1) == 0 for count, _ in answers]
    best = int(np.where(followed, chances, -1).argmax())
    count, first = answers[best]
    is_told = hints.downbeat_seconds is not None
    metre = metres[count]
    if nats.is_compound:
        metre = _COMPOUND.get(metre, metre)
    return replace(
        beats,
        metre=metre,
        beats_per_bar=count,
        first_downbeat=first,
        downbeat_confidence=1.0 if is_told else beats.confidence * float(chances[best]),
    )


class AnswerNats(NamedTuple):
    """How likely each possible answer is, in nats but for what is the same for all.

    Attributes:
        total: by all that is known, [answers].
        network, sound: by the network that reads notes beat by beat, and by sound alone, [answers].
        is_compound: whether beats fall into three.
    """

    total: np.ndarray
    network: np.ndarray
    sound: np.ndarray
    is_compound: bool


def answer_nats(
    times_seconds: np.ndarray,
    odds: np.ndarray | None,
    notes: np.ndarray,
    told: NoteBeats,
    answers: list[tuple[int, int]],
    *,
    metre_is_known: bool = False,
) -> AnswerNats:
    """How likely bars of beats are, each so many beats from a first one on.

    Args:
        times_seconds: of beats, at least two. odds: `Beats.bar_odds` of them.
        notes: heard in the recording, at least one. told: what they say of beats.
        answers: beats a bar, and number of the first beat that begins one.
    """
    weights = weights_file.bundled(BARS_FILE, BARS_KIND).weights["weights"]
    late, share = lateness(times_seconds, notes["onset_seconds"])
    times = times_seconds
    if late > _LATE_SECONDS:  # of a soft voice: what begins late belongs to the beat all the same
        times = times + late
    network = weights_file.bundled(BAR_NETWORK_FILE, BAR_NETWORK_KIND)
    played = NotesOnBeats(notes, told, times)
    read, sound = nats(beats_table(played), answers, network), np.zeros(len(answers))
    total = (1 - _NETWORK_SHARE) * (describe(played, answers) @ weights) + _NETWORK_SHARE * read
    if odds is not None:
        tells = is_alone(notes) and share >= _ENOUGH_ON_BEATS
        of_notes, of_sound = _WEIGHTS_ALONE if tells else _WEIGHTS
        sound = by_sound(odds, answers)
        total = of_notes * total + of_sound * sound
    is_compound = not metre_is_known and falls_into_three(notes, times)
    usual = {4: _TWELVE_NATS, 3: _NINE_NATS} if is_compound else {4: _FOUR_NATS}
    total = total + [usual.get(count, 0.0) for count, _ in answers]
    return AnswerNats(total, read, sound, is_compound)


def lateness(times: np.ndarray, onsets_seconds: np.ndarray) -> tuple[float, float]:
    """How much later than beats their notes begin, in the middle, at most a frame or two; and how
    many notes are so near for each beat."""
    if not len(onsets_seconds) or not len(times):
        return 0.0, 0.0
    after = np.searchsorted(onsets_seconds, times)
    before, behind = (
        onsets_seconds[at.clip(0, len(onsets_seconds) - 1)] - times for at in (after - 1, after)
    )
    nearest = np.where(np.abs(before) <= np.abs(behind), before, behind)
    near = nearest[np.abs(nearest) < ON_BEAT_SECONDS]
    return (float(np.median(near)) if len(near) else 0.0), len(near) / len(times)


def bar_shares(logits: np.ndarray, beats_seconds: np.ndarray) -> np.ndarray:
    """Probabilities [2, beats] that each beat is a downbeat and that it is a beat, by sound.

    Args:
        logits: of a beat and the beginning of a bar, [frames, 2].
    """
    shares = (sigmoid(column.astype(float)) for column in logits.T)
    beat, bar = (at_most_within(share, beats_seconds, _NEAR_FRAMES) for share in shares)
    return np.stack([bar / np.maximum(beat, 1e-6), beat])


def by_sound(odds: np.ndarray, answers: list[tuple[int, int]]) -> np.ndarray:
    """What sound alone says for each answer, float64 [answers].

    Sums of the log odds of the beats that would begin bars. Beats of one recording err alike, so
    the sums count as those of the square root of as many independent ones.

    Args:
        odds: of each beat, see `Beats`.
    """
    sums = [float(odds[first::count].sum()) for count, first in answers]
    result: np.ndarray = np.array(sums) / np.sqrt(max(1, len(odds)))
    return result


def falls_into_three(notes: np.ndarray, times_seconds: np.ndarray) -> bool:
    """Whether beats fall into three parts, as in 6/8, not into two or four.

    Much on thirds of beats says so, the first of them above all, for swing leaves it out; what lies
    on halves and quarters speaks against it.
    """
    nats = _USUAL_NATS + shares_between(notes, times_seconds) @ _NATS_OF_THREE
    return bool(nats > _SURELY_THREE)


def shares_between(notes: np.ndarray, times_seconds: np.ndarray) -> np.ndarray:
    """How much of what is struck lies near the first and the second third of beats, near their
    half, and near their first and last quarter, [5]; notes struck together count once.

    Args:
        notes: `HEARD_NOTE_DTYPE` by onset, at least one. times_seconds: of beats, at least two.
    """
    moments = notes["onset_seconds"][begin_events(notes["onset_seconds"])]
    places = in_beats(moments, times_seconds) % 1
    return np.array([np.mean(np.abs(places - place) < near) for place, near in _BETWEEN_BEATS])


def beats_per_bar(metre: tuple[int, int]) -> int:
    """Beats in a bar of the metre as they are felt: 2 in 6/8."""
    whole = Metre(0, *metre)
    return max(1, whole.bar_ticks(960) // whole.beat_ticks(960))


def describe(played: NotesOnBeats, answers: list[tuple[int, int]]) -> np.ndarray:
    """Features [hypotheses, features], float64; a hypothesis is (beats in a bar, first downbeat).

    Args:
        answers: beats a bar, and number of the first beat that begins one.
    """
    onsets, pitches, odds = played.onsets_beats, played.pitch_classes, played.bar_odds
    norms = np.linalg.norm(pitches, axis=1, keepdims=True)
    patterns = np.column_stack([pitches / (norms + 1e-6), played.begun[:, :2]])
    sure_no, sure_yes = -np.logaddexp(0, odds), -np.logaddexp(0, -odds)
    table = np.column_stack([played.begun, odds])
    table -= table.mean(axis=0)
    repeats = {count: _repeats(patterns, count) for count in METRES}
    usual = sum(repeats.values()) / len(repeats)
    edges = [float(onsets.min()), float(onsets.max())]
    rows = []
    for count, first in answers:
        like = min(METRES, key=lambda known: abs(known - count))
        begins = np.arange(len(table)) % count == first
        row = dict.fromkeys(FEATURES, 0.0)
        row |= _apart(table, begins, ~begins, f"first of {like}")
        if like == 4:
            third = np.arange(len(table)) % count == (first + 2) % count
            row |= _apart(table, third, ~begins & ~third, "third of 4")
        row["told in all"] = float(np.where(begins, sure_yes, sure_no).sum())
        for name, edge in zip(("first note", "last note"), edges, strict=True):
            near = round(edge)
            row[name] = float((near - first) % count == 0 and abs(edge - near) < 2 * TOGETHER_BEATS)
        row[f"repeats after {like}"] = repeats[like] - usual
        if like != 4:
            row[f"is {like}"] = 1.0
        rows.append([row[name] for name in FEATURES])
    return np.array(rows)


def _repeats(patterns: np.ndarray, beats: int) -> float:
    """Mean similarity of beats at a lag."""
    if len(patterns) <= 2 * beats:
        return 0.0
    return float((patterns[beats:] * patterns[:-beats]).sum(axis=1).mean())


def _apart(table: np.ndarray, some: np.ndarray, others: np.ndarray, where: str) -> dict[str, float]:
    """Difference of means of each feature between downbeats and other beats."""
    if not (some.any() and others.any()):
        return {}
    more = table[some].mean(axis=0) - table[others].mean(axis=0)
    return {f"{name} on the {where}": float(m) for name, m in zip(ON_BEAT, more, strict=True)}
