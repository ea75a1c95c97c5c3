"""What a form leaves open, filled in by rules of thumb: what returns, and who plays where.

A section whose name was there before returns to the bars of its first time, as it was or varied;
where there are no drums and nobody asked for the form, also with its first half alone. A new
section of sixteen bars or more is played twice, eight bars each, as it was or with another ending
(without drums seldom); in a shorter one the second half may begin as the first, and without drums
a phrase may begin with a bar or two that come again at once. Few begin an intro, without the melody
and not the bass alone, or all of a band; one of those between bass and melody leaves for a verse,
the only one for a bridge, a break or a solo, as drums may, who may lead in the next section; all
play a chorus, the last return and the end. In chamber music seldom anybody leaves; in styles whose
players come and go each section draws who plays, a chorus too in most pieces, and returns with
them. In a band the accompaniment of a new section may be that of the section before; in styles that
go round, all may do so in four bars, or the accompaniment in two or four. The voice of a song may
leave the end of a section. What is stated stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from ritornello.music.instruments import BASSES
from ritornello.plan.bar_strokes import FARTHEST_BARS
from ritornello.plan.plan import OPEN, Plan
from ritornello.plan.players import BAND, SONG, ensemble_of, melody_of, role_of
from ritornello.plan.returning_bars import AGAIN, NEW, VARIED
from ritornello.plan.sections import END, INTRO, Section
from ritornello.rng import Rng

# Of a band, a song and others: bands return varied, songs less but as they were.
_AS_IT_WAS = 0.4, 0.7, 0.3  # how often a section returns unvaried
_AS_IT_WAS_ROUND = 0.25  # where music goes round in four bars
_HALF_RETURNS = 0.1, 0.2, 0.2  # how often the second half of a new section begins as the first
_HEAD_RETURNS = 0.0, 0.1, 0.8  # how often of one that returns varied the first half alone does
_PLAYED_TWICE = 1.0, 0.1, 0.2  # how often a new section of two phrases has the first again
# How often the first bars of a phrase come again at once: two of them; one; and how often unvaried.
_TWO_AGAIN, _ONE_AGAIN, _IDEA_AS_IT_WAS = (0.0, 0.12, 0.15), (0.0, 0.07, 0.08), 0.6
# Where somebody asked for the form, a section that comes again is to be known again.
_AS_IT_WAS_ASKED = 0.75
# In a band, how often a new section has the accompaniment of the section before it: there the
# melody changes more than what is under it.
_SAME_UNDER = 0.15
_PHRASE_BARS = 8


@dataclass(frozen=True)
class Rounds:
    """How often a new section of a band goes round in so many bars.

    Attributes:
        under: who accompanies, by bars. all: everybody, in four bars.
    """

    under: Mapping[int, float] = field(default_factory=dict)
    all: float = 0.0

    @classmethod
    def of(cls, under: Sequence[float], tune: Sequence[float]) -> Rounds:
        """From the shares of bars that stand as 1, 2 and 4 bars before.

        One bar that goes round is told as two, so that harmony moves. In a phrase of eight bars six
        stand as two before, and four as four before.
        """
        twos = min(1.0, (under[0] + under[1]) / 0.75)
        return cls({2: twos, 4: min(1.0 - twos, under[2] / 0.5)}, min(1.0, tune[2] / 0.5))


class Drumming(NamedTuple):
    """When drummers play.

    Attributes:
        begins: how often they play an intro.
        leaves: how often they leave a section that is not thin by its name.
        leads_in: how often they begin in the last bar of a section that they do not play, where
            they play the next.
    """

    begins: float = 0.0
    leaves: float = 0.05
    leads_in: float = 0.0


_USUAL_ROUNDS, _USUAL_DRUMMING = Rounds(), Drumming()
_OTHER_ENDING_BARS, _OTHER_ENDING = 2, 0.6  # of a phrase that returns, and how often it has one
_INTERLUDE = 0.5  # how often a section of a song ends without the voice
_FULL = ("chorus", END)
_FULL_WHERE_ALL_REST = 0.5  # how often one of these is full where players come and go
_THIN = ("bridge", "break", "solo")
_DRUMS_LEAVE_THIN = 0.3  # how often for one of these
_LEAVES = 1.0, 0.15, 0.1  # how often one leaves, of a band, a song and others
_ONLY_ONE_LEAVES = 0.5  # how often the only one between bass and melody leaves for one of these
_BAND_BEGINS = 0.2  # how often all of a band play its intro


def fill_form(
    plan: Plan,
    rng: Rng,
    ensemble: int | None = None,
    rounds: Rounds = _USUAL_ROUNDS,
    rests: Mapping[str, float] | None = None,
    drumming: Drumming = _USUAL_DRUMMING,
    *,
    asked: bool = False,
) -> Plan:
    """A plan with sections, and what it leaves open of returns and players filled in.

    Args:
        plan: without sections it comes back as it is.
        rng: what is varied and who is silent are drawn from it.
        rounds: of the style of a band.
        rests: of a style whose players come and go, how often they leave a section, see
            `players.role_of`.
        drumming: of the style.
        ensemble: in what the players are, see `players.ensemble_of`; by default they are alone.
        asked: whether somebody asked for these sections.
    """
    if not plan.sections:
        return plan
    back, close = plan.back.copy(), plan.close.copy()
    plays = plan.plays.copy()
    back_of, close_of = plan.back_by_player.copy(), plan.close_by_player.copy()
    under: Section | None = None  # the last section with an accompaniment of its own
    first: dict[str, Section] = {}
    alone = ensemble_of(plan.players)
    ensemble = alone if ensemble is None else ensemble
    song = melody_of(plan.players) if alone == SONG else None
    last = {section.name: section for section in plan.sections}
    for section in plan.sections:
        inside = slice(section.start, section.end)
        earlier = first.setdefault(section.name, section)
        distances, kinds = _returns(plan, section, earlier, ensemble, rounds, rng, asked=asked)
        open_ = (back[inside] == OPEN) & (close[inside] == OPEN)
        back[inside] = np.where(open_, distances, back[inside])
        close[inside] = np.where(open_, kinds, close[inside])
        if earlier is section and section.name not in (INTRO, END):
            held = _held_under(plan, section, under, rounds, rng)
            for member in np.flatnonzero(_accompanists(plan)):
                holds = (held > 0) & (back[inside] <= 0) & (back_of[inside, member] == OPEN)
                back_of[inside, member] = np.where(holds, held, back_of[inside, member])
                close_of[inside, member] = np.where(holds, AGAIN, close_of[inside, member])
            under = section
        again = earlier is not section
        who = _players(plan, section, ensemble, rests or {}, drumming, again=again, rng=rng)
        if again and (rests or section is not last[section.name]):
            who = plays[earlier.start] != 0  # as at its first time
        rows = np.tile(who, (section.bars, 1))
        if song is not None and section.name != INTRO:
            rows[section.bars - _interlude_bars(section, rng) :, song] = False
        plays[inside] = np.where(plays[inside] == OPEN, rows, plays[inside])
    _lead_in(plan, plays, drumming, rng)
    silent = ~(plays > 0).any(axis=0)
    plays[:, silent & (plan.plays == OPEN).any(axis=0)] = 1
    return replace(
        plan,
        back=back,
        close=close,
        plays=plays,
        back_by_player=back_of,
        close_by_player=close_of,
    )


def _returns(
    plan: Plan,
    section: Section,
    earlier: Section,
    ensemble: int,
    rounds: Rounds,
    rng: Rng,
    *,
    asked: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """How many bars back each bar of a section returns, and how closely; int64 [bars] each."""
    bars = np.arange(section.bars)
    source = np.full(section.bars, -1)
    as_it_was = _AS_IT_WAS_ASKED if asked and earlier is not section else _AS_IT_WAS[ensemble]
    least = _AS_IT_WAS_ROUND if rounds.all else 0.0
    kind = AGAIN if rng.random() < max(as_it_was, least) else VARIED
    if earlier is not section:
        source = earlier.start + bars % earlier.bars
    elif section.bars >= _PHRASE_BARS and section.name not in (INTRO, END):
        if section.bars >= 2 * _PHRASE_BARS and rng.random() < _PLAYED_TWICE[ensemble]:
            kept = _PHRASE_BARS - _OTHER_ENDING_BARS * (rng.random() < _OTHER_ENDING)
            place = bars % _PHRASE_BARS
            again = (bars >= _PHRASE_BARS) & (place < kept)
            source = np.where(again, section.start + place, -1)
        elif ensemble == BAND and rng.random() < rounds.all:
            again = bars % _PHRASE_BARS >= section.bars // 2
            source = np.where(again, section.start + bars - section.bars // 2, -1)
            kind = AGAIN
        elif rng.random() < _HALF_RETURNS[ensemble]:
            # The second half goes its own way at its end, or it would not lead on.
            half = section.bars // 2
            begins = (bars >= half) & (bars < half + max(1, half // 2))
            source = np.where(begins, section.start + bars - half, -1)
    head_alone = not asked and earlier is not section and kind == VARIED
    if head_alone and rng.random() < _HEAD_RETURNS[ensemble]:
        source[max(1, section.bars // 2) :] = -1
    distance = section.start + bars - source
    here = plan.lengths[section.start : section.end]
    can = (source >= 0) & (distance <= FARTHEST_BARS) & (plan.lengths[source] == here)
    distance, kinds = np.where(can, distance, 0), np.where(can, kind, NEW)
    if earlier is section and section.name not in (INTRO, END):
        _repeat_ideas(distance, kinds, here, ensemble, rng)
    return distance, kinds


def _repeat_ideas(
    distance: np.ndarray, kinds: np.ndarray, lengths: np.ndarray, ensemble: int, rng: Rng
) -> None:
    """Let phrases of a new section begin with one bar or two that come again at once.

    Args:
        distance, kinds: of its bars, as of `_returns`; they are written to.
        lengths: ticks of its bars.
    """
    for first in range(0, len(distance) - _PHRASE_BARS // 2 + 1, _PHRASE_BARS):
        drawn = rng.random()
        kind = AGAIN if rng.random() < _IDEA_AS_IT_WAS else VARIED
        bars = 2 if drawn < _TWO_AGAIN[ensemble] else 1
        again = slice(first + bars, first + 2 * bars)
        same = (lengths[again] == lengths[first : first + bars]).all()
        is_drawn = drawn < _TWO_AGAIN[ensemble] + _ONE_AGAIN[ensemble]
        if is_drawn and same and not distance[again].any():
            distance[again], kinds[again] = bars, kind


def _held_under(
    plan: Plan, section: Section, before: Section | None, rounds: Rounds, rng: Rng
) -> np.ndarray:
    """How many bars back the accompaniment of a new section comes from, int64 [bars], 0 for none.

    Its last bar is its own, or it would not lead on.
    """
    bars = np.arange(section.bars)
    same, drawn = rng.random() < _SAME_UNDER, rng.random()
    found = np.zeros(section.bars, np.int64)
    for around, chance in rounds.under.items():
        if 0 <= drawn < chance:
            found[bars % _PHRASE_BARS >= around] = around
        drawn -= chance
    if same and before is not None:
        distance = section.start - before.start
        shared = (bars < before.bars) & (distance <= FARTHEST_BARS)
        found[shared] = distance
    source = section.start + bars - found
    found[plan.lengths[source] != plan.lengths[section.start : section.end]] = 0
    found[-1] = 0
    return found


def _interlude_bars(section: Section, rng: Rng) -> int:
    """For how many bars at the end of a section of a song whoever sings leaves it to the others."""
    if section.bars < _PHRASE_BARS // 2 or rng.random() >= _INTERLUDE:
        return 0
    if section.name == END:
        return section.bars // 2
    return int(rng.integers(1, section.bars // _PHRASE_BARS + 2))


def _accompanists(plan: Plan) -> np.ndarray:
    """Who of a band is neither its drummer nor its melody, bool [players]."""
    drums = np.array([player.is_drum for player in plan.players], bool)
    found = ~drums & drums.any()
    if (melody := melody_of(plan.players)) is not None:
        found[melody] = False
    return found


def _players(
    plan: Plan,
    section: Section,
    ensemble: int,
    rests: Mapping[str, float],
    drumming: Drumming,
    *,
    again: bool,
    rng: Rng,
) -> np.ndarray:
    """Who plays in a section, bool [players]."""
    count = len(plan.players)
    who = np.ones(count, bool)
    drums = np.array([player.is_drum for player in plan.players], bool)
    full = section.name == END or (section.name in _FULL and not rests)
    if count < 2 or len(plan.sections) < 2 or again or full:
        return who
    if section.name in _FULL and rng.random() < _FULL_WHERE_ALL_REST:
        return who
    if section.name == INTRO:
        all_begin = _BAND_BEGINS if drums.any() and count > 2 and not rests else 0.0
        if rng.random() < all_begin:
            return who
        pitched = np.flatnonzero(~drums)
        above = pitched[~_basses(plan)[pitched]]
        if len(above) > 1:
            melody = melody_of(plan.players)
            pitched, above = pitched[pitched != melody], above[above != melody]
        chosen = rng.permutation(pitched)[: max(1, count // 2)]
        if len(above) and not np.isin(chosen, above).any():
            chosen = rng.permutation(above)[:1]
        who[:] = False
        who[chosen if len(chosen) else 0] = True
        who[drums] |= rng.random() < (drumming.begins - all_begin) / (1.0 - all_begin)
    elif count > 2 and rests:
        return _who_stays(plan, rests, rng)
    elif count > 2:
        chance = _DRUMS_LEAVE_THIN if section.name in _THIN else drumming.leaves
        # The melody stays, as a bass does.
        between = np.flatnonzero(
            ~drums & ~_basses(plan) & (np.arange(count) != melody_of(plan.players))
        )
        if drums.any() and rng.random() < chance:
            who[drums] = False
        elif len(between) > 1:
            who[rng.choice(between)] = rng.random() >= _LEAVES[ensemble]
        elif len(between) and section.name in _THIN and rng.random() < _ONLY_ONE_LEAVES:
            who[between] = False
    return who


def _lead_in(plan: Plan, plays: np.ndarray, drumming: Drumming, rng: Rng) -> None:
    """Let drummers begin in the bar before a section that they enter in, where that is open.

    Args:
        plays: of a plan that is filled in; it is written to.
    """
    for section in plan.sections[1:]:
        before = section.start - 1
        for drummer in (at for at, player in enumerate(plan.players) if player.is_drum):
            enters = plays[before, drummer] == 0 and plays[section.start, drummer] != 0
            is_open = plan.plays[before, drummer] == OPEN
            if enters and is_open and rng.random() < drumming.leads_in:
                plays[before, drummer] = 1


def _who_stays(plan: Plan, rests: Mapping[str, float], rng: Rng) -> np.ndarray:
    """Who plays in a section of music whose players come and go; bool [players], half at least."""
    melody = melody_of(plan.players)
    chances = [
        rests.get(role_of(player, is_melody=place == melody), 0.0)
        for place, player in enumerate(plan.players)
    ]
    if melody is not None:
        chances[melody] = 0.0  # nobody would take the tune over
    order = rng.random(len(chances)) - chances  # the likeliest to stay come last
    who = order >= 0
    who[np.argsort(order)[-((len(who) + 1) // 2) :]] = True
    return who


def _basses(plan: Plan) -> np.ndarray:
    """Who of the players is a bass, bool [players]."""
    return np.array([player.instrument in BASSES for player in plan.players], bool)
