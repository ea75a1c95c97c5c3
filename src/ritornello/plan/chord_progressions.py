"""A plan and a key in, the same plan with a chord for each bar out.

A network that goes on from bar to bar seldom leaves a chord that it likes. Here the chords of a new
section are drawn before its notes by a chain over chords (`ritornello.plan.chord_chains`). The
first section begins at the tonic, others where the chain leads; the last bar of a section leads to
the chord that comes next. Bars that return have the chords of the bar they return to, and the last
bar has the tonic.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from ritornello.music.chords import CHORD_OPEN
from ritornello.music.keys import KeyName
from ritornello.plan.chord_chains import chain_of
from ritornello.plan.plan import Plan
from ritornello.plan.sections import INTRO
from ritornello.rng import Rng

_HOME = 0  # of a chain


def with_progressions(
    plan: Plan,
    key: KeyName,
    rng: Rng,
    collection: str | None = None,
    *,
    within: Collection[int] = range(12),
) -> Plan:
    """The plan with chords of a key in its bars.

    Args:
        plan: without sections, or with any chord stated, it comes back as it is.
        key: major or minor; in other scales no chord is stated.
        rng: what is not given is drawn from it.
        collection: whose chain is used where it was counted.
        within: the pitch classes that its chords may have.
    """
    chain = chain_of(key, collection, within)
    if not plan.sections or (plan.chords != CHORD_OPEN).any() or chain is None:
        return plan
    chords = plan.chords.copy()
    begins: dict[str, int] = {}
    follows = [section.name for section in plan.sections[1:]] + [""]
    last: int | None = None
    for section, following in zip(plan.sections, follows, strict=True):
        if section.name not in begins:
            is_home = last is None or not {*begins} - {INTRO}
            begins[section.name] = _HOME if is_home else _draw(chain.chances[last], rng)
        first, after = begins[section.name], begins.get(following)
        if section is plan.sections[-1]:
            after = _HOME
        degrees = _section(first, section.bars, after, chain.chances, rng)
        chords[section.start : section.end] = chain.classes[degrees][:, None]
        last = int(degrees[-1])
    # Where the accompaniment alone returns, its chords come with it.
    under = plan.back_by_player.max(axis=1, initial=-1)
    for bar, back in enumerate(np.where(plan.back > 0, plan.back, under).tolist()):
        if back > 0:
            chords[bar] = chords[bar - back]
    chords[-1] = chain.classes[_HOME]
    return replace(plan, chords=chords, drafted_chords=True)


def told_drafts(
    chords: Sequence[int], starts: Sequence[int], beat_ticks: int
) -> tuple[list[int], list[int]]:
    """Ticks and classes of the chords of a section that a model is told, of its chords by bar.

    It is told those of every other bar and of the last two, each for a beat; nobody else than who
    accompanies is bound to them. Told a chord for all of each bar, a model plays the three notes of
    it: its melodies repeat and leap, see docs/decisions/plan.md.

    Args:
        starts: ticks at which the bars begin.
    """
    told = [bar for bar in range(len(chords)) if bar % 2 == 0 or bar >= len(chords) - 2]
    ticks = [starts[bar] + after for bar in told for after in (0, beat_ticks)]
    return ticks, [index for bar in told for index in (chords[bar], CHORD_OPEN)]


def _section(first: int, bars: int, after: int | None, chances: np.ndarray, rng: Rng) -> np.ndarray:
    """The chord of each bar of a new section, int64 [bars].

    Args:
        first: its first chord. after: that of the next section, where it is known.
        chances: of `chord_chains.ChordChain`.
    """
    found = [first]
    while len(found) < bars:
        found.append(_draw(_following(found, chances), rng))
    degrees = np.array(found)
    if bars > 1:
        leads = _following(degrees[:-1].tolist(), chances)
        degrees[-1] = _draw(leads if after is None else leads * chances[:, after], rng)
    return degrees


def _following(degrees: list[int], chances: np.ndarray) -> np.ndarray:
    """The chances of what comes next; two bars of a chord are enough."""
    now: np.ndarray = chances[degrees[-1]].copy()
    if degrees[-2:-1] == degrees[-1:] and len(now) > 1:
        now[degrees[-1]] = 0.0
    return now


def _draw(weights: np.ndarray, rng: Rng) -> int:
    return int(rng.choice(len(weights), p=weights / weights.sum()))
