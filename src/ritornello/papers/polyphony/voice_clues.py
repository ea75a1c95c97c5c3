"""What a student of part writing asks before each note of a voice: a piece in, rows of a table out.

All is told relative to the note that the voice holds, so it is the same in every key: how long
each voice has held, where the voices above have just gone, how far all others are, the last steps
of the melody, which tones were heard of late, and what followed where the same was heard before.
Nothing looks at the note itself, or at what comes later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

_AGES = np.array([1, 2, 3, 4, 5, 8, 9, 13, 17, 33])  # frames that a note is held, edges of classes
_AGE_CLASSES = len(_AGES) + 1
_LENGTHS = np.array([1, 2, 4, 6, 9, 13, 17, 25, 33, 49])  # frames that agree, likewise
_LENGTH_CLASSES = len(_LENGTHS) + 1
_SPAN, _STEP = 36, 12  # most semitones that are told, to another voice and of a melodic step
_SPANS, _STEPS = 2 * _SPAN + 1, 2 * _STEP + 1
_REST = _STEPS  # the class after those of steps
_MELODY = 4  # steps of its own that a voice is told
_CYCLE, _BEAT = 16, 4  # frames
_PAUSE, _PHRASE = 6, 96  # frames that all voices hold where a phrase ends, and most after it
_FADES = (16.0, 64.0, 512.0)  # frames in which what was heard fades
_UNHEARD = 40  # the key that a voice is taken to hold before its first
TONES = 12 * len(_FADES)

_Question = tuple[int, np.ndarray]  # how many classes it has, and that of each frame but the first


class VoiceClues(NamedTuple):
    """What is known before each note of each frame but the first.

    rows int32 [frames - 1, voices, clues], of a table; tones float32 [frames - 1, voices, TONES],
    how much each tone above the held one was heard of late; table, how many rows it has.
    """

    rows: np.ndarray
    tones: np.ndarray
    table: int


def voice_clues(roll: np.ndarray, matches: np.ndarray, lengths: np.ndarray) -> VoiceClues:
    """Clues of a piece.

    Args:
        roll: [frames, voices, 88].
        matches: frames that followed where the last ones were heard before, int
            [frames - 1, places], -1 for none. lengths: how many frames agreed there.
    """
    piece, count = _Piece(np.where(roll.any(-1), roll.argmax(-1), -1)), 0
    rows: list[np.ndarray] = []
    for voice in range(roll.shape[1]):
        columns = []
        for size, classes in _questions(piece, voice, matches, lengths):
            columns.append(count + classes)
            count += size
        rows.append(np.stack(columns, axis=-1))
    return VoiceClues(np.stack(rows, axis=1).astype(np.int32), _tones(roll, piece.held[:-1]), count)


@dataclass(frozen=True)
class _Piece:
    """Voices as they go: ``pitch`` int [frames, voices], -1 where one rests."""

    pitch: np.ndarray

    @cached_property
    def held(self) -> np.ndarray:
        """The last pitch that sounded in each voice, at each frame."""
        frame = np.arange(len(self.pitch))[:, None]
        last = np.maximum.accumulate(np.where(self.pitch >= 0, frame, -1), axis=0)
        found = np.take_along_axis(self.pitch, np.maximum(last, 0), axis=0)
        result: np.ndarray = np.where(last >= 0, found, _UNHEARD)
        return result

    @cached_property
    def begun(self) -> np.ndarray:
        """Whether a note or a rest begins; bool [frames, voices]."""
        return np.append(
            np.ones((1, self.pitch.shape[1]), bool), np.diff(self.pitch, axis=0) != 0, axis=0
        )

    @cached_property
    def lasted(self) -> np.ndarray:
        """Frames that each note has lasted, this one included; int [frames, voices]."""
        frame = np.arange(len(self.pitch))[:, None]
        result: np.ndarray = (
            1 + frame - np.maximum.accumulate(np.where(self.begun, frame, 0), axis=0)
        )
        return result

    @cached_property
    def age(self) -> np.ndarray:
        """Class of ``lasted``."""
        return np.searchsorted(_AGES, self.lasted, "right")


def _questions(
    piece: _Piece, voice: int, matches: np.ndarray, lengths: np.ndarray
) -> Iterator[_Question]:
    now = np.arange(1, len(piece.pitch))
    yield _CYCLE, now % _CYCLE
    pause = np.where((piece.lasted >= _PAUSE).all(1), np.arange(len(piece.pitch)), -1)
    since = np.minimum(now - np.maximum.accumulate(pause)[:-1], _PHRASE - 1)
    yield _PHRASE // 2, since // 2
    yield _AGE_CLASSES * _BEAT, piece.age[:-1, voice] * _BEAT + now % _BEAT
    yield 2, (piece.pitch[:-1, voice] < 0).astype(int)
    for other in range(piece.pitch.shape[1]):
        if other != voice:
            yield from _of_another(piece, voice, other)
        yield from _of_melody(piece, other, _MELODY if other == voice else 1)
    yield from _of_repeats(piece, voice, matches, lengths)


def _of_another(piece: _Piece, voice: int, other: int) -> Iterator[_Question]:
    """How far another voice is and how long it has held; if it is above, where it goes now."""
    own, held = piece.held[:-1, voice], piece.held[:-1, other]
    yield _SPANS, _clip(held - own, _SPAN)
    if other > voice:
        yield _AGE_CLASSES, piece.age[:-1, other]
        for _ in range(2):  # all voices have as many clues
            yield 1, np.zeros(len(own), int)
        return
    yield _AGE_CLASSES * 2, piece.age[:-1, other] * 2 + piece.begun[1:, other]
    reached = piece.held[1:, other]
    step = np.where(piece.pitch[1:, other] < 0, _REST, _clip(reached - held, _STEP))
    yield _STEPS + 1, step
    yield _SPANS, _clip(reached - own, _SPAN)


def _of_melody(piece: _Piece, voice: int, count: int) -> Iterator[_Question]:
    """The last steps of a voice, and how long the notes before the held one lasted."""
    begin = np.flatnonzero(piece.begun[:, voice])
    held = piece.held[begin, voice]
    which = np.cumsum(piece.begun[:-1, voice]) - 1
    steps, lasted = _clip(np.diff(held), _STEP), np.searchsorted(_AGES, np.diff(begin), "right")
    for back in range(1, count + 1):
        index = which - back
        there = index >= 0
        for size, classes in ((_STEPS, steps), (_AGE_CLASSES, lasted)):
            found = np.full(len(index), size)
            found[there] = classes[index[there]]
            yield size + 1, found


def _of_repeats(
    piece: _Piece, voice: int, matches: np.ndarray, lengths: np.ndarray
) -> Iterator[_Question]:
    """Where the voice went when the last frames were heard before, and whether the voices above go
    there now; and where it went after the same steps of its own."""
    own = piece.held[:-1, voice]
    for source, length in zip(matches.T, lengths.T, strict=True):
        agrees = (piece.pitch[source, :voice] == piece.pitch[1:, :voice]).all(1)
        kind = np.where(source >= 0, _length_class(length) * 2 + agrees, 0)
        step = np.where(source >= 0, piece.held[source, voice] - own, 0)
        yield _LENGTH_CLASSES * 2 * _STEPS, kind * _STEPS + _clip(step, _STEP)
    step, length = _repeated_steps(piece.held[:, voice])
    yield _LENGTH_CLASSES * _STEPS, _length_class(length) * _STEPS + _clip(step, _STEP)


def _repeated_steps(held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The step that followed where the last steps of a voice came before, and over how many frames
    they agree; int [frames - 1] both."""
    steps = np.diff(held)
    found, lengths = np.zeros(len(steps), int), np.zeros(len(steps), int)
    agree = np.zeros(0, int)  # up to each earlier step but the last
    for now in range(1, len(steps)):
        last = steps[now - 1]
        agree = np.where(steps[: now - 1] == last, np.append(0, agree)[: now - 1] + 1, 0)
        if agree.any():
            best = len(agree) - 1 - int(agree[::-1].argmax())  # of equals the latest
            found[now], lengths[now] = steps[best + 1], agree[best]
    return found, lengths


def _tones(roll: np.ndarray, held: np.ndarray) -> np.ndarray:
    """How much each tone above the held one was heard, [frames - 1, voices, TONES]."""
    padded = np.zeros((len(held), 96), np.float32)
    padded[:, : roll.shape[-1]] = roll[:-1].sum(1)
    heard = padded.reshape(len(held), 8, 12).sum(1)
    above = (held[..., None] + np.arange(12)) % 12
    found = []
    for fade in _FADES:
        total, sums = np.zeros_like(heard), np.zeros(12, np.float32)
        for frame, struck in enumerate(heard):
            sums = sums * np.exp(-1 / fade) + struck
            total[frame] = sums
        share = total / np.maximum(total.sum(1, keepdims=True), 1)
        found.append(4 * share[np.arange(len(held))[:, None, None], above])
    return np.concatenate(found, axis=-1, dtype=np.float32)


def _length_class(frames: np.ndarray) -> np.ndarray:
    return np.searchsorted(_LENGTHS, frames, "right")


def _clip(interval: np.ndarray, most: int) -> np.ndarray:
    result: np.ndarray = np.clip(interval, -most, most) + most
    return result
