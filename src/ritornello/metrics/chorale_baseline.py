"""A first-order chain that writes the lower voices of a chorale: what a network has to beat.

At each sixteenth the bass is drawn, then the voices above it from the top, each given the soprano,
the voices drawn before it and the sixteenth before. Pitches are counted in semitones below the
soprano, so the chain knows no key and harmonises alike in all of them. Contexts that the training
chorales lack lean on shorter ones, as Witten and Bell, "The zero-frequency problem" (1991), weigh
them; the shortest holds every pitch and a rest, so every chorale has an exact likelihood.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ritornello.errors import InputError
from ritornello.metrics.voice_leading_faults import REST

STEPS_PER_BEAT = 4
_PITCHES = 128
_LEVELS = 5
_ANCHOR = 67  # what pitches are measured from until the soprano begins

Counts = dict[Hashable, Counter[int]]


class _Cell(NamedTuple):
    """A sixteenth of a lower voice: its place, the pitch its own is measured from, its contexts."""

    step: int
    voice: int
    anchor: int
    contexts: tuple[Hashable, ...]


class Chain(NamedTuple):
    """How often each pitch followed each context: counts [lower voices][lengths of context]."""

    counts: tuple[tuple[Counts, ...], ...]

    @property
    def voices(self) -> int:
        return len(self.counts) + 1


def learn(chorales: Sequence[np.ndarray]) -> Chain:
    """Count the training chorales.

    Args:
        chorales: pitches, int [sixteenths, voices], soprano first, the lowest voice last; `REST`
            where a voice is silent; of the voices of a piece, what `voice_leading.sounding` finds
            at each sixteenth. The first row begins a beat.

    Raises:
        InputError: if there is no chorale, or their voices are not equally many and two or more.
    """
    widths = {chorale.shape[1] for chorale in chorales}
    if len(widths) != 1 or min(widths) < 2:
        raise InputError(
            "A chain of chorales needs some, with equally many voices, two or more; found "
            f"{len(chorales)} chorales with {sorted(widths)} voices."
        )
    lower_voices = range(widths.pop() - 1)
    counts: tuple[tuple[Counts, ...], ...]
    counts = tuple(tuple({} for _ in range(_LEVELS)) for _ in lower_voices)
    for chorale in chorales:
        for cell in _cells(chorale):
            below = _below(int(chorale[cell.step, cell.voice]), cell.anchor)
            for level, context in zip(counts[cell.voice - 1], cell.contexts, strict=True):
                level.setdefault(context, Counter())[below] += 1
    return Chain(counts)


def likelihood(chain: Chain, chorales: Sequence[np.ndarray]) -> dict[str, float]:
    """Exact likelihood of the lower voices of chorales, the soprano given.

    Args:
        chorales: as for `learn`.

    Returns:
        ``nats_per_note``: notes of the lower voices, repeated ones being one; ``nats_per_cell``:
        sixteenths of one lower voice; ``notes`` and ``cells``.

    Raises:
        InputError: if there are no notes to score, or the voices are not as many as the chain's.
    """
    nats, cells, notes = 0.0, 0, 0
    for chorale in chorales:
        if chorale.shape[1] != chain.voices:
            raise InputError(f"The chain knows {chain.voices} voices; found {chorale.shape[1]}.")
        before = np.vstack([np.full_like(chorale[:1], REST), chorale[:-1]])
        notes += int(((chorale != before) & (chorale != REST))[:, 1:].sum())
        cells += chorale[:, 1:].size
        for cell in _cells(chorale):
            nats -= float(np.log(_chances(chain, cell)[chorale[cell.step, cell.voice]]))
    if not notes:
        raise InputError("There are no notes in the lower voices.")
    return {"nats_per_note": nats / notes, "nats_per_cell": nats / cells, "notes": notes,
            "cells": cells}  # fmt: skip


def harmonise(chain: Chain, soprano: np.ndarray, seed: int = 0) -> np.ndarray:
    """Draw the lower voices.

    Args:
        soprano: pitches, int [sixteenths], `REST` for silence.

    Returns:
        A chorale as for `learn`, its first column the soprano.
    """
    rng = np.random.default_rng(seed)
    chorale = np.full((len(soprano), chain.voices), REST)
    chorale[:, 0] = soprano
    for cell in _cells(chorale):  # each is looked at when all before it are written
        sums = np.cumsum(_chances(chain, cell))
        drawn = int(np.searchsorted(sums, rng.random() * sums[-1], side="right"))
        chorale[cell.step, cell.voice] = drawn if drawn < _PITCHES else REST
    return chorale


def _order(voices: int) -> list[int]:
    """Columns of the lower voices in the order of writing: the bass, then from the top."""
    return [voices - 1, *range(1, voices - 1)]


def _anchors(soprano: np.ndarray) -> list[int]:
    """The soprano's pitch at each step; in its rests, the one before."""
    anchors, last = [], _ANCHOR
    for pitch in soprano.tolist():
        last = last if pitch == REST else pitch
        anchors.append(last)
    return anchors


def _cells(chorale: np.ndarray) -> Iterator[_Cell]:
    """The cells of the lower voices in the order of writing."""
    for step, anchor in enumerate(_anchors(chorale[:, 0])):
        for voice in _order(chorale.shape[1]):
            yield _Cell(step, voice, anchor, _contexts(chorale, step, voice, anchor))


def _below(pitch: int, anchor: int) -> int:
    """The symbol of a pitch: semitones below the soprano; a rest is none that a pitch can have."""
    return _PITCHES if pitch == REST else anchor - pitch


def _contexts(chorale: np.ndarray, step: int, voice: int, anchor: int) -> tuple[Hashable, ...]:
    """What the voice may look at, `_LEVELS` of them, most telling first; the last is empty."""
    before = chorale[step - 1].tolist() if step else [REST] * chorale.shape[1]
    now = chorale[step].tolist()
    place = step % STEPS_PER_BEAT
    moved = before[0] != now[0]
    order = _order(len(now))
    drawn = tuple(_below(now[other], anchor) for other in order[: order.index(voice)])
    last = tuple(_below(pitch, anchor) for pitch in before[1:])
    own = last[voice - 1]
    return ((place, moved, drawn, last), (place, moved, drawn, own), (moved, drawn, own),
            (moved, own), ())  # fmt: skip


def _chances(chain: Chain, cell: _Cell) -> np.ndarray:
    """Chances of each pitch, and of a rest at the end; float64 [129]."""
    chances = np.full(_PITCHES + 1, 1 / (_PITCHES + 1))
    levels = chain.counts[cell.voice - 1]
    for level, context in zip(reversed(levels), reversed(cell.contexts), strict=True):
        if seen := level.get(context):
            counts = np.zeros(_PITCHES + 1)
            for below, times in seen.items():
                pitch = cell.anchor - below
                if below == _PITCHES:
                    counts[_PITCHES] = times
                elif 0 <= pitch < _PITCHES:  # what the soprano's height pushes out is none
                    counts[pitch] = times
            chances = (counts + len(seen) * chances) / (counts.sum() + len(seen))
    return chances
