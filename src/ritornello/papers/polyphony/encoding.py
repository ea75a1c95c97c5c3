"""Frames of a piano-roll and the one way to spell each of them.

A piece is [frames, voices, 88] of sounding pitches: one voice for the polyphonic benchmarks, whose
frames are sets of notes, four for the chorales in parts. A frame is spelled as a sequence of slots,
each of one class: a pitch, or `NONE`.

- A set is written as its pitches in ascending order and then `NONE`; a slot may only name a pitch
  above the last one. Each set has exactly one spelling, so the product of the slots' probabilities
  is the exact likelihood of the set.
- A chorale frame is one slot a voice, soprano first; `NONE` is a rest.

The past reaches the network as maps: earlier frames of the piece itself, picked by rules that look
at nothing but the past (`context`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ritornello.papers.polyphony.voice_clues import VoiceClues, voice_clues

LOWEST_PITCH, PITCHES = 21, 88
NONE = PITCHES
CLASSES = PITCHES + 1
SHIFTS = tuple(range(-6, 6))  # transpositions that are learned from, in semitones
RECENT = 4  # the last frames, each a map
MATCHES = 2  # places where the last frames were heard before
_MATCH_EDGES = np.array([1, 2, 3, 5, 9, 17, 33])
_CYCLES = (2, 3, 4, 6, 8, 12, 16, 24, 32)
_ALIKE_FRAMES = 16


class Slots(NamedTuple):
    """The spelling of some frames, slot after slot.

    frame [slots], which frame each belongs to; voice [slots]; prefix bool [slots, voices, 88],
    what the frame has so far; legal bool [slots, CLASSES]; target [slots], the class.
    """

    frame: np.ndarray
    voice: np.ndarray
    prefix: np.ndarray
    legal: np.ndarray
    target: np.ndarray


class Context(NamedTuple):
    """What is known before each frame but the first.

    sources int [frames - 1, maps]: the frame each map shows, -1 for none; scalars float32
    [frames - 1, columns]; clues, of music in parts.
    """

    sources: np.ndarray
    scalars: np.ndarray
    clues: VoiceClues | None = None


def encode_sets(frames: list[list[int]]) -> np.ndarray:
    """Sets of MIDI pitches to bool [frames, 1, 88]."""
    roll = np.zeros((len(frames), 1, PITCHES), bool)
    for index, pitches in enumerate(frames):
        roll[index, 0, np.asarray(pitches, int) - LOWEST_PITCH] = True
    return roll


def encode_voices(frames: list[list[int]]) -> np.ndarray:
    """MIDI pitches of four voices, -1 for a rest, to bool [frames, 4, 88]."""
    pitches = np.asarray(frames)
    roll = np.zeros((*pitches.shape, PITCHES), bool)
    frame, voice = np.nonzero(pitches >= 0)
    roll[frame, voice, pitches[frame, voice] - LOWEST_PITCH] = True
    return roll


def spell(roll: np.ndarray) -> Slots:
    """The slots of frames [frames, voices, 88]."""
    return _spell_sets(roll) if roll.shape[1] == 1 else _spell_voices(roll)


def decode(slots: Slots, frames: int, voices: int) -> np.ndarray:
    """The frames [frames, voices, 88] that slots spell."""
    roll = np.zeros((frames, voices, PITCHES), bool)
    sounding = slots.target != NONE
    roll[slots.frame[sounding], slots.voice[sounding], slots.target[sounding]] = True
    return roll


def _spell_sets(roll: np.ndarray) -> Slots:
    closed = np.ones((len(roll), CLASSES), bool)
    closed[:, :PITCHES] = roll[:, 0]
    frame, target = np.nonzero(closed)
    last = np.full(len(frame), -1)
    last[1:] = np.where(frame[1:] == frame[:-1], target[:-1], -1)
    pitch = np.arange(CLASSES)
    prefix = roll[frame] & (pitch[:PITCHES] < target[:, None])[:, None]
    return Slots(frame, np.zeros_like(frame), prefix, pitch > last[:, None], target)


def _spell_voices(roll: np.ndarray) -> Slots:
    frames, voices, _ = roll.shape
    target = np.where(roll.any(-1), roll.argmax(-1), NONE)
    frame, voice = np.divmod(np.arange(frames * voices), voices)
    earlier = np.arange(voices) < voice[:, None]
    prefix = roll[frame] & earlier[..., None]
    return Slots(frame, voice, prefix, np.ones((len(frame), CLASSES), bool), target.ravel())


def context(roll: np.ndarray, lags: tuple[int, ...]) -> Context:
    """What the past says before each frame but the first.

    The maps are the last `RECENT` frames; the frames ``lags`` ago; and what followed in the
    `MATCHES` earlier places that agree longest with the last frames. The scalars tell how long
    those agree, how alike the music was ``lags`` ago of late, and the place in short cycles.

    Args:
        roll: a whole piece, [frames, voices, 88].
        lags: in frames.
    """
    steps = np.arange(len(roll) - 1)  # the last frame that is known
    recent = [steps - back for back in range(RECENT)]
    lagged = [steps + 1 - lag for lag in lags]
    found, lengths = _matches(roll)
    sources = np.stack([*recent, *lagged, *found.T], axis=-1)
    scalars = [_one_hot(np.searchsorted(_MATCH_EDGES, row, "right"), 8) for row in lengths.T]
    scalars += [_alike(roll, lag)[:, None] for lag in lags]
    scalars += [_one_hot((steps + 1) % cycle, cycle) for cycle in _CYCLES]
    clues = voice_clues(roll, found, lengths) if roll.shape[1] > 1 else None
    columns = np.concatenate(scalars, axis=1, dtype=np.float32)
    return Context(np.maximum(sources, -1), columns, clues)


def _one_hot(classes: np.ndarray, count: int) -> np.ndarray:
    result: np.ndarray = np.eye(count, dtype=np.float32)[classes]
    return result


def _matches(roll: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the last frames were heard before: what followed there, and over how many frames.

    The second place is the best one whose continuation differs from that of the first.
    """
    _, names = np.unique(roll.reshape(len(roll), -1), axis=0, return_inverse=True)
    found = np.full((len(roll) - 1, MATCHES), -1)
    lengths = np.zeros((len(roll) - 1, MATCHES), int)
    agree = np.zeros(0, int)  # for each earlier frame, how many frames up to it agree with the last
    for now in range(1, len(roll) - 1):
        agree = np.where(names[:now] == names[now], np.append(0, agree) + 1, 0)
        # Of equals the latest; a fraction decides without a second sort.
        merit = agree + np.arange(now) / now
        for place in range(MATCHES):
            best = int(merit.argmax())
            if agree[best] == 0 or merit[best] < 0:
                break
            found[now, place], lengths[now, place] = best + 1, agree[best]
            merit[names[1 : now + 1] == names[best + 1]] = -1
    return found, lengths


def _alike(roll: np.ndarray, lag: int) -> np.ndarray:
    """Share of the notes of the last frames that also sounded ``lag`` frames before them."""
    frames = len(roll) - 1
    both, either = np.zeros(frames), np.zeros(frames)
    if frames > lag:
        now, then = roll[lag:frames], roll[: frames - lag]
        both[lag:] = (now & then).sum((1, 2))
        either[lag:] = (now | then).sum((1, 2))

    def recent(values: np.ndarray) -> np.ndarray:
        total = np.concatenate([[0], values.cumsum()])
        result: np.ndarray = (
            total[1:] - total[np.maximum(np.arange(1, frames + 1) - _ALIKE_FRAMES, 0)]
        )
        return result

    result: np.ndarray = recent(both) / np.maximum(recent(either), 1)
    return result
