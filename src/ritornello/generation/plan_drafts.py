"""What is asked of the form of a piece, as rules and a plan; that plan completed for a piece."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ritornello.errors import ConfigError
from ritornello.generation.job import Job, player_of
from ritornello.generation.rhythms import usual_rhythms
from ritornello.generation.rules import MAX_BARS, Rules
from ritornello.generation.two_hands import lower_hand
from ritornello.music.instruments import DRUMS, INSTRUMENTS, parse_instrument
from ritornello.music.keys import KeyName
from ritornello.plan.activity import with_activity
from ritornello.plan.chord_progressions import with_progressions
from ritornello.plan.form_filling import Drumming, Rounds, fill_form
from ritornello.plan.plan import OPEN, Plan
from ritornello.plan.players import melody_of
from ritornello.plan.sections import Section
from ritornello.plan.song_form import (
    bars_of_duration,
    form_plan,
    parse_duration,
    parse_form,
    usual_form,
)
from ritornello.plan.style_usages import StyleUsages, usages_of
from ritornello.rng import Rng

FREE = "none"  # asks for a piece without a form
USUAL_FORM_FROM_BARS = 4  # shorter pieces have room for nothing that returns
# Of a piece whose duration is asked for and whose tempo is not:
_USUAL_BPM = 112.0  # near which its tempo is where nothing is usual
_USUAL_BPMS = 60.0, 180.0  # between which what is usual counts
_PHRASES = (24, 8), (6, 4)  # from so many bars on their number is a multiple of so many
_SLOWEST_BPM, _FASTEST_BPM = 40.0, 240.0  # that a duration may lead to


def asked_plan(
    rules: Rules,
    rng: Rng,
    *,
    form: str | None = None,
    plan: Plan | None = None,
    duration: str | float | None = None,
    bars: int | None = None,
    usual_bpm: float | None = None,
) -> tuple[Rules, Plan | None]:
    """The rules with bars, metre, tempo and parts of a plan, and that plan; None for none.

    A form has no metre of its own: where the rules leave it open, `complete_plan` takes that of the
    job.

    A piece of 4 bars or more has a usual form if nothing else is asked: a network that goes on
    from bar to bar returns to nothing after so long, and repeats one figure instead.

    Args:
        rng: a usual form is drawn from it.
        form: sections as in "intro 4, A 8, B 8, A 8, end 4"; "none" for a piece without a form.
        plan: with all that is stated; what it leaves open is filled in later.
        duration: seconds, or text such as "2:00". Without a form or a plan the piece has a usual
            form. The tempo is that of the rules, else one with which it lasts exactly so long.
        bars: that were asked for, if they were.
        usual_bpm: the tempo of a piece of some duration is near it where none is asked for.

    Raises:
        ConfigError: if it makes no sense, or contradicts itself or the rules.
    """
    if form is not None and plan is not None:
        raise ConfigError(
            "A form and a plan were both given.", next_step="A plan has sections: give it alone."
        )
    seconds = None if duration is None else _seconds(duration)
    if seconds is not None and bars is None and plan is None and form in (None, FREE):
        rules = replace(rules, bars=_bars_lasting(seconds, rules, usual_bpm or _USUAL_BPM))
    wanted: Plan | None = None
    if plan is not None:
        wanted, rules = plan, _with_plan(rules, plan, bars)
    elif sections := _sections(rules, form, bars, rng, usual=seconds is not None):
        wanted = form_plan(sections, rules.counts)
        rules = replace(rules, bars=wanted.bars)
    return rules if seconds is None else _lasting(rules, seconds), wanted


def _sections(
    rules: Rules, form: str | None, bars: int | None, rng: Rng, *, usual: bool
) -> tuple[Section, ...]:
    """The sections of a form that is asked for or usual; none for a piece without a form.

    Args:
        usual: whether a short piece has a usual form as well.
    """
    if form == FREE:
        return ()
    if form is None:
        has_one = usual or rules.bars >= USUAL_FORM_FROM_BARS
        usages = usages_of(rules.collection)
        goes_round = usages is not None and usages.rounds is not None
        late = not _has_drums(rules, usages)
        return usual_form(rules.bars, rng, twice=goes_round, late=late) if has_one else ()
    sections = parse_form(form, bars=bars)
    if sections[-1].end > MAX_BARS:
        raise ConfigError(f"A piece has 1 to {MAX_BARS} bars; the form has {sections[-1].end}.")
    return sections


def _has_drums(rules: Rules, usages: StyleUsages | None) -> bool:
    """Whether somebody drums, as far as is known before players are drawn."""
    if rules.parts is not None:
        return DRUMS in map(parse_instrument, rules.parts)
    return usages is None or bool(usages.drummers)


def _seconds(duration: str | float) -> float:
    return parse_duration(duration if isinstance(duration, str) else f"{duration}s")


def _with_plan(rules: Rules, plan: Plan, bars: int | None) -> Rules:
    """The rules with what the plan states."""
    if len(plan.metres) > 1:
        raise ConfigError(
            f"The plan has {len(plan.metres)} metres; a composed piece has one.",
            next_step="Take a song in one metre, or change the plan.",
        )
    if bars is not None and bars != plan.bars:
        raise ConfigError(
            f"The plan has {plan.bars} bars, and {bars} were asked for.",
            next_step="Leave out the number of bars.",
        )
    metre = plan.metres[0].numerator, plan.metres[0].denominator
    if rules.metre is not None and rules.counts != metre:
        raise ConfigError(
            f"The plan is in {metre[0]}/{metre[1]}, and {rules.counts[0]}/{rules.counts[1]} was "
            "asked for.",
            next_step="Leave out the metre.",
        )
    names = tuple(INSTRUMENTS[player.instrument].name for player in plan.players)
    two_hands = rules.parts is not None and names == 2 * rules.parts  # of a player alone
    if names and rules.parts is not None and not two_hands and sorted(rules.parts) != sorted(names):
        raise ConfigError(
            f"The plan is for {', '.join(names)}; asked for {', '.join(rules.parts)}.",
            next_step="Leave out the parts, or the players of the plan.",
        )
    return replace(
        rules,
        bars=plan.bars,
        metre=metre,
        parts=rules.parts if two_hands else names or rules.parts,
        tempo_bpm=rules.tempo_bpm or plan.tempo_bpm,
        key=plan.key if rules.key is None else rules.key,
    )


def _bars_lasting(seconds: float, rules: Rules, usual_bpm: float) -> int:
    """How many bars last about so long: whole phrases, unless a tempo is asked for."""
    if rules.tempo_bpm is not None:
        return bars_of_duration(seconds, rules.tempo_bpm, rules.counts)
    bars = bars_of_duration(seconds, float(np.clip(usual_bpm, *_USUAL_BPMS)), rules.counts)
    phrase = next((n for least, n in _PHRASES if bars >= least), 1)
    return round(bars / phrase) * phrase


def _lasting(rules: Rules, seconds: float) -> Rules:
    """The rules with the tempo at which the bars last so long, unless a tempo is asked for."""
    quarters = rules.bars * rules.counts[0] * 4 / rules.counts[1]
    if rules.tempo_bpm is not None:
        found = quarters * 60 / rules.tempo_bpm
        bar = found / rules.bars
        if abs(found - seconds) > bar:
            raise ConfigError(
                f"{rules.bars} bars at {rules.tempo_bpm:g} bpm last {found:.0f} seconds, and "
                f"{seconds:.0f} were asked for.",
                next_step="Leave out the tempo, the bars or the duration.",
            )
        return rules
    tempo = quarters * 60 / seconds
    if not _SLOWEST_BPM <= tempo <= _FASTEST_BPM:
        raise ConfigError(
            f"{rules.bars} bars in {seconds:.0f} seconds need {tempo:.0f} bpm; a tempo that a "
            f"duration leads to is {_SLOWEST_BPM:g} to {_FASTEST_BPM:g}.",
            next_step="Ask for other bars or another duration.",
        )
    return replace(rules, tempo_bpm=tempo)


def form_of(plan: Plan) -> Plan:
    """The form of a song alone: sections, what returns, who plays; not its chords, key, tempo."""
    bare = Plan.open(plan.bars, plan.metres, plan.players)
    return replace(
        bare,
        back=plan.back,
        close=plan.close,
        plays=plan.plays,
        density=plan.density,
        sections=plan.sections,
        back_by_player=plan.back_by_player,
        close_by_player=plan.close_by_player,
    )


def without_players(plan: Plan) -> Plan:
    """A plan that leaves open who plays."""
    bare = Plan.open(plan.bars, plan.metres)
    return replace(
        plan,
        players=(),
        plays=bare.plays,
        back_by_player=bare.back_by_player,
        close_by_player=bare.close_by_player,
    )


def complete_plan(wanted: Plan, job: Job, seed: int, *, asked: bool = False) -> Plan:
    """A plan for the players of a job, with what is open of its form and chords filled in.

    Args:
        wanted: of `asked_plan`. A form that was asked for in no metre gets that of the job.
        asked: whether somebody asked for its form, so that what comes again is to be known again.
    """
    if wanted.metres != job.metres:
        wanted = replace(wanted, metres=job.metres[:1])
    if not wanted.players:
        players = tuple(sorted(map(player_of, job.composed_parts)))
        open_ = np.full((wanted.bars, len(players)), -1)
        wanted = replace(
            wanted, players=players, plays=open_, back_by_player=open_, close_by_player=open_.copy()
        )
    rng = np.random.default_rng((seed, 1))
    usages = usages_of(job.rules.collection)
    known = None if usages is None else usages.rounds
    rounds = Rounds() if known is None else Rounds.of(*known)
    rests, drumming = (None, Drumming()) if usages is None else (usages.rests, usages.drumming)
    filled = fill_form(wanted, rng, rounds=rounds, rests=rests, drumming=drumming, asked=asked)
    filled = _on_grid(_busy_as_usual(filled, job, seed), job.feel)
    key = job.rules.key or job.key
    pitched = any(not player.is_drum for player in filled.players)
    if len(job.given.chord_ticks) or not isinstance(key, KeyName) or not pitched:
        return filled
    collection, within = job.rules.collection, job.rules.pitch_classes
    return with_progressions(filled, key, rng, collection, within=within)


def _on_grid(plan: Plan, feel: int) -> Plan:
    """The plan with a grid in its bars; as it is where some state one."""
    if feel == OPEN or (plan.feel != OPEN).any():
        return plan
    return replace(plan, feel=np.full_like(plan.feel, feel))


def _busy_as_usual(plan: Plan, job: Job, seed: int) -> Plan:
    """The plan with grid and density as in the style, where nobody asks for or gives any.

    Drummers, those who accompany them and who accompanies a singer hold rhythms of the style
    instead. Told them, the two hands of a player alone often share one line.
    """
    usages, asked = usages_of(job.rules.collection), job.rules
    has_drums = any(player.is_drum for player in plan.players)
    has_hands = lower_hand(job.composed_parts) is not None
    is_asked = asked.density or asked.densities or asked.swing is not None
    if usages is None or has_drums or has_hands or job.given_players or is_asked:
        return plan
    players = {column: player.instrument for column, player in enumerate(plan.players)}
    if usual_rhythms(asked, asked.counts, players, melody_of(plan.players)):
        return plan
    usual = usages.activities.get(len(plan.players), ())
    return with_activity(plan, usual, np.random.default_rng((seed, 2)))
