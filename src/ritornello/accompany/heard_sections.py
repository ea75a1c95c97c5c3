"""Sections of a take: where its player begins something, and what of it comes back.

`ritornello.plan.sections` compares bars stroke by stroke. A player plays nothing twice as it was,
and not every note is heard; so bars of a take are as alike as what sounds in their halves and the
places at which something begins. The rest is as for any piece: bars that return and changes of how
much is played speak for a cut, and the cuts with most evidence and usual lengths are taken. Then
those that are most alike share letters, as a song has about half as many letters as sections; so
do those in which the player rests, of which nothing is known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ritornello.music.piece import Piece
from ritornello.plan.bar_strokes import Shared, Strokes
from ritornello.plan.returning_bars import returns
from ritornello.plan.sections import END, INTRO, Section, letter, sections

FEWEST_BARS = 12  # in less nothing comes back
_HALVES, _PLACES = 2, 16  # of a bar, in which pitch classes sound and at which something begins
_HARMONY = 0.9  # how much these halves count beside the places
_UNLIKE = 0.5  # the cosine of bars that have nothing in common but their key
_LONGEST = 0.5  # of a bar, that a note counts: ends are heard less well than beginnings
_ENTRIES_WORTH = 0.25  # of one player rests are breaths, in a band somebody leaves
_USUAL_BARS = 8
_SHORTEST_BARS = 4  # of a section; less belongs to the one before
_RESTING = 0.75  # share of the bars of a section in which nothing begins
_LETTERS_SHARE = 0.5  # of sections
_SOFTER, _SPARSER = 8.0, 0.6  # velocity below the usual of sections, share of their notes a bar


@dataclass(frozen=True, eq=False)
class _HeardBars(Shared):
    """Bars of one player that were heard.

    Attributes:
        likeness: of each bar to those before it, float64 [bars, distances], 0 to 1.
    """

    likeness: np.ndarray

    @property
    def alike(self) -> np.ndarray:
        return self.likeness

    @property
    def alike_by_player(self) -> np.ndarray:
        return self.likeness[:, None]


def heard_sections(take: Piece) -> tuple[Section, ...]:
    """The sections of a take: one where it is too short for more, none of two or three bars.

    Args:
        take: one track, whole bars in one metre.
    """
    strokes = Strokes.of(take)
    if strokes.bars < _SHORTEST_BARS or len(strokes.players) != 1:
        return ()
    if strokes.bars < FEWEST_BARS:
        return (Section(letter(0), 0, strokes.bars),)
    shared = Shared.of(strokes)
    likeness = _likeness(strokes, shared)
    heard = _HeardBars(shared.common, shared.counts, shared.as_long, likeness)
    back, _ = returns(heard)
    found = _long_enough(sections(strokes, heard, back, entries_worth=_ENTRIES_WORTH))
    return _named(found, likeness, shared.counts.sum(axis=1) == 0)


def sections_of_rounds(once: Sequence[Section], bars: int) -> tuple[Section, ...]:
    """The sections of a take that comes round, and of the bar in which the remix ends.

    >>> sections = sections_of_rounds([Section("A", 0, 3)], 20)
    >>> [(section.name, section.bars) for section in sections]
    [('A', 9), ('A', 10), ('end', 1)]

    Args:
        once: of one round; those of a short round are as long as some rounds together.
        bars: of the remix, from the first of the first round.
    """
    if len(once) == 1:
        together = max(1, round(_USUAL_BARS / once[0].bars))
        once = [replace(once[0], bars=together * once[0].bars)]
    found: list[Section] = []
    names: dict[str, str] = {}
    last = bars - 1
    while not found or found[-1].end < last:
        for section in once:
            start = found[-1].end if found else 0
            length = min(section.bars, last - start)
            if found and length < _SHORTEST_BARS:
                found[-1] = replace(found[-1], bars=found[-1].bars + max(0, length))
            else:
                # An intro or an end in the middle is neither.
                name = names.setdefault(section.name, letter(len(names)))
                found.append(Section(name, start, length))
    return (*found, Section(END, last, 1))


def calm(take: Piece, found: Sequence[Section]) -> tuple[int, ...]:
    """How calm each section is beside the others: 0 as usual, 1 softer or sparser, 2 both.

    Args:
        take: as of `heard_sections`. found: its sections.
    """
    strokes = Strokes.of(take)
    softness, notes = [], []
    for section in found:
        inside = (strokes.bar >= section.start) & (strokes.bar < section.end)
        softness.append(float(strokes.velocity[inside].mean()) if inside.any() else np.nan)
        notes.append(inside.sum() / section.bars)
    if np.isnan(softness).all():
        return (0,) * len(found)
    is_soft = np.array(softness) < np.nanmedian(softness) - _SOFTER
    is_sparse = np.array(notes) < _SPARSER * np.median(notes)
    is_sparse &= [section.bars >= _SHORTEST_BARS for section in found]  # not a last chord
    return tuple((is_soft.astype(int) + is_sparse).tolist())


def _long_enough(found: Sequence[Section]) -> list[Section]:
    """Sections of which the short ones are parts of those before; the last may be short.

    Two halves of a section are one. A short first one is part of the next.
    """
    kept: list[Section] = []
    for section in found:
        if kept and kept[-1].bars < _SHORTEST_BARS:
            kept[-1] = replace(section, start=kept[-1].start, bars=kept[-1].bars + section.bars)
            continue
        is_short = section.bars < _SHORTEST_BARS and section.name != END
        if kept and (is_short or section.continues(kept[-1])):
            kept[-1] = replace(kept[-1], bars=kept[-1].bars + section.bars)
        else:
            kept.append(section)
    return kept


def _named(
    found: Sequence[Section], likeness: np.ndarray, is_empty: np.ndarray
) -> tuple[Section, ...]:
    """Sections with letters in the order of their first appearance; intro and end keep theirs."""
    names = [section.name for section in found]
    if names[-1] == END and found[-1].bars > _SHORTEST_BARS:
        names[-1] = "last"
    resting = [is_empty[section.start : section.end].mean() > _RESTING for section in found]
    names = ["rests" if rests else name for rests, name in zip(resting, names, strict=True)]
    fixed = {INTRO, END, "rests"}
    pairs = [
        (_section_likeness(found[one], found[other], likeness), one, other)
        for one in range(len(found))
        for other in range(one)
        if not {names[one], names[other]} & fixed
    ]
    most = math.ceil(_LETTERS_SHARE * len(found)) + 1
    for alike, one, other in sorted(pairs, reverse=True):
        if alike < 0 or len(set(names)) <= most:
            break
        names = [names[other] if name == names[one] else name for name in names]
    letters = {INTRO: INTRO, END: END}
    for name in names:
        letters.setdefault(name, letter(len(letters) - 2))
    return tuple(
        replace(section, name=letters[name]) for section, name in zip(found, names, strict=True)
    )


def _section_likeness(section: Section, earlier: Section, likeness: np.ndarray) -> float:
    """How alike bars at the same places are; -1 where one is twice as long or too far away."""
    distance = section.start - earlier.start
    shorter, longer = sorted((section.bars, earlier.bars))
    if distance >= likeness.shape[1] or 2 * shorter < longer:
        return -1.0
    return float(likeness[section.start : section.start + shorter, distance].mean())


def _likeness(strokes: Strokes, shared: Shared) -> np.ndarray:
    """Of each bar to those before it, float64 [bars, distances]."""
    length = strokes.bar_lengths[strokes.bar]
    sounding = np.zeros((strokes.bars, _HALVES, 12))
    half = strokes.tick * _HALVES // length
    lasting = np.minimum(strokes.duration / length, _LONGEST)
    np.add.at(sounding, (strokes.bar, half, strokes.pitch % 12), lasting)
    begun = np.zeros((strokes.bars, _PLACES))
    place = np.minimum(np.rint(strokes.tick / length * _PLACES).astype(int), _PLACES - 1)
    np.add.at(begun, (strokes.bar, place), 1.0)
    bars = np.concatenate(
        [
            np.sqrt(_HARMONY) * _unit(np.sqrt(sounding).reshape(strokes.bars, -1)),
            np.sqrt(1 - _HARMONY) * _unit(np.sqrt(begun)),
        ],
        axis=1,
    )
    cosine = bars @ bars.T
    count, distances = shared.as_long.shape
    earlier = np.maximum(np.arange(count)[:, None] - np.arange(distances), 0)
    found = (cosine[np.arange(count)[:, None], earlier] - _UNLIKE) / (1 - _UNLIKE)
    result: np.ndarray = np.where(shared.as_long, np.clip(found, 0, 1), 0.0)
    return result


def _unit(rows: np.ndarray) -> np.ndarray:
    result: np.ndarray = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9)
    return result
