"""What a form leaves open, filled in by rules of thumb: what returns, and who plays where.

A section whose name was there before returns to the bars of its first time, as it was or varied. A
new section of sixteen bars or more is played twice, eight bars each, as it was or with another
ending; in a shorter one the second half may begin as the first. Few begin an intro, one
or two leave for a verse, a bridge or a break, and all play a chorus, the last return and the end.
What is stated stays.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ritornello.plan.bar_strokes import FARTHEST_BARS
from ritornello.plan.plan import OPEN, Plan
from ritornello.plan.returning_bars import AGAIN, NEW, VARIED
from ritornello.plan.sections import END, INTRO, Section
from ritornello.rng import Rng

_AS_IT_WAS = 0.5  # how often a section returns unvaried
_HALF_RETURNS = 0.7  # how often the second half of a new section begins as the first
_PHRASE_BARS = 8
_OTHER_ENDING_BARS, _OTHER_ENDING = 2, 0.6  # of a phrase that returns, and how often it has one
_FULL = ("chorus", END)
_THIN = ("bridge", "break", "solo")


def fill_form(plan: Plan, rng: Rng) -> Plan:
    """A plan with sections, and what it leaves open of returns and players filled in.

    Args:
        plan: without sections it comes back as it is.
        rng: what is varied and who is silent are drawn from it.
    """
    if not plan.sections:
        return plan
    back, close = plan.back.copy(), plan.close.copy()
    plays = plan.plays.copy()
    first: dict[str, Section] = {}
    last = {section.name: section for section in plan.sections}
    for section in plan.sections:
        inside = slice(section.start, section.end)
        earlier = first.setdefault(section.name, section)
        distances, kinds = _returns(plan, section, earlier, rng)
        open_ = (back[inside] == OPEN) & (close[inside] == OPEN)
        back[inside] = np.where(open_, distances, back[inside])
        close[inside] = np.where(open_, kinds, close[inside])
        who = _players(plan, section, again=earlier is not section, rng=rng)
        if earlier is not section and section is not last[section.name]:
            who = plays[earlier.start] != 0  # as at its first time
        plays[inside] = np.where(plays[inside] == OPEN, who, plays[inside])
    silent = ~(plays > 0).any(axis=0)
    plays[:, silent & (plan.plays == OPEN).any(axis=0)] = 1
    return replace(plan, back=back, close=close, plays=plays)


def _returns(
    plan: Plan, section: Section, earlier: Section, rng: Rng
) -> tuple[np.ndarray, np.ndarray]:
    """How many bars back each bar of a section returns, and how closely; int64 [bars] each."""
    bars = np.arange(section.bars)
    source = np.full(section.bars, -1)
    kind = AGAIN if rng.random() < _AS_IT_WAS else VARIED
    if earlier is not section:
        source = earlier.start + bars % earlier.bars
    elif section.bars >= _PHRASE_BARS and section.name not in (INTRO, END):
        if section.bars >= 2 * _PHRASE_BARS:
            kept = _PHRASE_BARS - _OTHER_ENDING_BARS * (rng.random() < _OTHER_ENDING)
            place = bars % _PHRASE_BARS
            again = (bars >= _PHRASE_BARS) & (place < kept)
            source = np.where(again, section.start + place, -1)
        elif rng.random() < _HALF_RETURNS:
            # The second half goes its own way at its end, or it would not lead on.
            half = section.bars // 2
            begins = (bars >= half) & (bars < half + max(1, half // 2))
            source = np.where(begins, section.start + bars - half, -1)
    distance = section.start + bars - source
    here = plan.lengths[section.start : section.end]
    can = (source >= 0) & (distance <= FARTHEST_BARS) & (plan.lengths[source] == here)
    return np.where(can, distance, 0), np.where(can, kind, NEW)


def _players(plan: Plan, section: Section, *, again: bool, rng: Rng) -> np.ndarray:
    """Who plays in a section, bool [players]."""
    count = len(plan.players)
    who = np.ones(count, bool)
    drums = np.array([player.is_drum for player in plan.players], bool)
    if count < 2 or len(plan.sections) < 2 or again or section.name in _FULL:
        return who
    if section.name == INTRO:
        pitched = np.flatnonzero(~drums)
        chosen = rng.permutation(pitched)[: max(1, count // 2)]
        who[:] = False
        who[chosen if len(chosen) else 0] = True
    elif count > 2:
        # The melody, which is of the last instrument in the order of parts, stays.
        may_leave = np.flatnonzero(drums) if section.name in _THIN and drums.any() else None
        may_leave = np.arange(count - 1) if may_leave is None else may_leave
        who[rng.choice(may_leave)] = False
    return who
