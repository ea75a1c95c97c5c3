"""A job by a plan: players open for the bars they play in, chords hold, what returns comes back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ritornello.errors import ConfigError
from ritornello.generation.job import (
    ENDLESS,
    Job,
    Opening,
    is_drums,
    melody_part,
    parts_of,
    player_of,
)
from ritornello.generation.reprise import Reprise, open_runs, plan_reprise
from ritornello.generation.rhythms import Rhythms, usual_rhythms
from ritornello.generation.tune import Tune
from ritornello.generation.two_hands import lower_hand
from ritornello.music.chords import CHORD_CLASSES
from ritornello.music.instruments import BASSES, DRUMS, INSTRUMENTS, parse_instrument
from ritornello.music.piece import ChordSymbol, Piece, Text
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.bar_plan import BarPlan
from ritornello.note_model.encoding.given import Given
from ritornello.plan.analysis import analyse
from ritornello.plan.bar_strokes import RESOLUTION
from ritornello.plan.chord_progressions import told_drafts
from ritornello.plan.drum_grooves import BEAT_KEYS, CRASH, STATED_KEYS, Drummers
from ritornello.plan.feel import EIGHTHS, SWUNG
from ritornello.plan.held_rhythms import ANSWERS_BARS, draw_rhythms
from ritornello.plan.plan import Plan
from ritornello.plan.plan_text import chord_name
from ritornello.plan.players import CHAMBER, LINES, SONG, ensemble_of, melody_of
from ritornello.plan.returning_bars import NEW, VARIED
from ritornello.plan.style_usages import usages_of
from ritornello.rng import Rng

_LEAST_DENSITY, _LEAST_POLYPHONY = 2.0, 4  # with which a beat may be stated
# Where a style has no registers of its own; in training pieces of band_arranged_synth 95 of 100
# notes of those who accompany are up to 73, and 999 of 1,000 of their chords have up to 4 notes.
_HIGHEST_ACCOMPANIMENT, _LARGEST_CHORD = 73, 4
# Of tunes, and of those that a voice sings or a band plays, the lowest note, from and to, and the
# semitones above it: nine of ten are no wider (400 training pieces), see docs/decisions/tunes.md.
_COMPASS = ((54, 62), 26), ((58, 64), 17)
# How often the tune of the first section lies lower than that of the second; verses always do.
_BEGINS_LOW, _CHORUS = 0.7, "chorus"
_LEFT_HAND = (36, 41), 24  # of the left hands of 133 pieces for two
_VOICE = "voice"
_PHRASE_BARS = 4  # of songs, whose accompanists are free in the last of them
_LIMBS = 4  # of a drummer, who strikes no more at a time
_LEAST_RANGE, _LEAST_REGISTER = 24, 14  # semitones that are left to anyone; of a style
_DRUMS_SHARE = 0.6  # of the notes of a piece whose density is asked for that a beat may have
BEAT_STROKES = 3  # struck together at most; what is written beside them leaves room for so many


def by_plan(job: Job, plan: Plan, rng: Rng, *, hears: bool) -> Job:
    """A whole piece, or a band beside a whole song, written by a plan.

    Players that the plan states play where it says so and nowhere else; notes may sound on. The
    last bar of a piece that must end is open to all of them. Chords that the plan states hold as
    those of the rules do, which come first. Bars that return take up the notes of the bars they
    return to, see `ritornello.generation.reprise`.

    Args:
        job: of a whole piece, see `job.whole_piece`, or of parts that play all through a song.
        plan: with the bars and the metre of the job.
        rng: what is varied is drawn from it.
        hears: whether the model is told plans; the rest of the plan is told to it then.

    Raises:
        ConfigError: if the plan has other bars than the job, or players that the rules leave out.
    """
    job = in_compass(in_a_band(job), rng)
    told = BarPlan.of(_told_plan(plan))
    if job.length_ticks != int(told.starts[-1]) or job.metres != plan.metres:
        raise ConfigError(
            f"The plan has {plan.bars} bars up to tick {int(told.starts[-1])}, the piece ends at "
            f"{job.length_ticks}.",
            next_step="Let the rules have the bars and the metre of the plan.",
        )
    given, is_draft = job.given, False
    if len(told.chord_ticks) and not len(given.chord_ticks):
        is_draft = plan.drafted_chords
        stated = told.chord_ticks, told.chord_classes
        ticks, classes = _told_drafts(plan) if is_draft else stated
        given = replace(given, chord_ticks=ticks, chord_classes=classes)
    drafts = _drafts_of(plan) if is_draft else job.drafts
    parts = _parts(job, plan)
    beats = may_state_beats(job)
    usages = usages_of(job.rules.collection)
    reprise = plan_reprise(
        plan,
        told.starts,
        parts,
        plan.chords if plan.drafted_chords else chords_of_bars(given, told.starts),
        rng,
        ensemble=ensemble_in(job, plan),
        ending=job.ending,
        beats=beats,
        held_bars=0 if _is_thin(job) else job.held_bars,
        own_drummers=_own_drummers(job) if beats else (),
        alone=drums_as_usual(job),
        may_crash=beats and _may_crash(job),
        goes_round=usages is not None and usages.rounds is not None,
    )
    tune, rhythms = _tune_of(job, plan, rng), _rhythms_of(job, plan, reprise, rng)
    if tune is not None and not tune.is_free and usages is not None and not job.given_players:
        shares = dict(zip(ANSWERS_BARS, usages.answers, strict=False))
        tune = tune.answering(plan, reprise, shares, rng, ending=job.ending)
    return replace(
        job,
        given=given,
        told=told if hears else None,
        plan=plan,
        chords_hold=job.chords_hold or (bool(len(given.chord_ticks)) and not drafts),
        drafts=drafts,
        openings=_openings(job, plan, told, reprise),
        reprise=reprise,
        polyphony=beside_beats(job) if reprise.beats else job.polyphony,
        leaves_figures=True,
        tune=tune,
        rhythms=rhythms,
        beat_keys=frozenset(
            int(pitch) - notes.DRUM_PITCH
            for rows in reprise.beats.values()
            for pitch in rows[:, notes.PITCH]
        ),
        beats=tuple(
            (int(told.starts[bar]), int(told.starts[bar + 1])) for bar in sorted(reprise.beats)
        ),
    )


def ensemble_in(job: Job, plan: Plan) -> int:
    """What the players of a plan are, see `players.ensemble_of`; beside given ones a song's."""
    ensemble = ensemble_of(plan.players)
    return min(ensemble, SONG) if job.given_players else ensemble


def _tune_of(job: Job, plan: Plan, rng: Rng) -> Tune | None:
    """Who has the tune of a piece with sections; None for a player alone, and beside given ones."""
    melody = _accompanied(job)
    if melody is None or not plan.sections:
        return None
    busy = job.rules.busy()
    asked = job.rules.density is not None or notes.instrument_of(melody) in busy
    if asked:
        return Tune.free(melody)
    # Of chamber music the tunes lie on top, and apart as they are.
    compass = job.ranges.get(melody) if ensemble_of(plan.players) != CHAMBER else None
    has_chorus = any(section.name == _CHORUS for section in plan.sections)
    is_low = has_chorus or bool(rng.random() < _BEGINS_LOW)
    if compass is not None and compass[1] - compass[0] > _COMPASS[1][1]:
        compass = None  # of low instruments
    return Tune.by_plan(melody, plan, compass, is_low=is_low)


def _rhythms_of(job: Job, plan: Plan, reprise: Reprise, rng: Rng) -> Rhythms:
    """When those who accompany a band strike; as they like whose density is asked for."""
    counts = job.metres[0].numerator, job.metres[0].denominator
    joining = None if job.joining_tune is None else plan.players.index(player_of(job.joining_tune))
    tune = joining if job.given_players else melody_of(plan.players)
    players = {column: player.instrument for column, player in enumerate(plan.players)}
    usual = usual_rhythms(job.rules, counts, players, tune, beside=bool(job.given_players))
    drawn = draw_rhythms([section.name for section in plan.sections], usual, rng)
    if not drawn:
        return Rhythms()
    phrase_bars = _PHRASE_BARS if ensemble_of(plan.players) == SONG else None
    return Rhythms.of(plan, reprise, drawn, ending=job.ending, phrase_bars=phrase_bars)


def _accompanied(job: Job) -> int | None:
    """The part that has the tune, and nothing but the tune; None where nobody does.

    That is one of a band, somebody who plays one line, or the first of two of a kind: two pianos
    are two hands.
    """
    pitched = [part for part in job.composed_parts if not is_drums(part)]
    above = [part for part in pitched if notes.instrument_of(part) not in BASSES]
    melody = melody_part(job.composed_parts)
    if job.given_players:
        return job.joining_tune
    if melody is None or len(above) < 2:
        return None
    instrument = notes.instrument_of(melody)
    is_alone = [*map(notes.instrument_of, above)].count(instrument) == 1
    plays_chords = INSTRUMENTS[instrument].name not in LINES and is_alone
    return None if plays_chords and len(pitched) == len(job.composed_parts) else melody


def in_compass(job: Job, rng: Rng) -> Job:
    """A job whose tune stays within a compass: so many semitones from a lowest note on.

    So does the left hand of a player with two.
    Whoever plays low instruments keeps them, as do players that the rules say something of.
    """
    if (melody := _accompanied(job)) is None:
        return job
    instrument = notes.instrument_of(melody)
    is_sung = any(map(is_drums, job.composed_parts)) or INSTRUMENTS[instrument].name == _VOICE
    (lowest, highest), span = _COMPASS[is_sung]
    begins = int(rng.integers(lowest, highest + 1))
    low, high = job.range_of(melody)
    if instrument in set(map(parse_instrument, job.rules.ranges)) or high < lowest + span:
        return job
    found = {melody: _within(low, high, begins, span)}
    if (lower := lower_hand(job.composed_parts)) is not None:
        (first, last), span = _LEFT_HAND
        found[lower] = _within(*job.range_of(lower), int(rng.integers(first, last + 1)), span)
    return replace(job, ranges={**job.ranges, **found})


def _within(low: int, high: int, begins: int, span: int) -> tuple[int, int]:
    """So many semitones from a pitch on, as near as a range has them."""
    low = max(low, min(begins, high - span))
    return low, min(high, low + span)


def in_a_band(job: Job) -> Job:
    """A job with a drummer, a melody and who accompanies it, in the registers that bands use.

    Where somebody is given, they have the melody, and all others accompany. Players that the rules
    say something of are left alone, as are all but the drummer where there is no band.
    """
    pitched = [part for part in job.composed_parts if not is_drums(part)]
    above = [part for part in pitched if notes.instrument_of(part) not in BASSES]
    has_drums = len(pitched) < len(job.composed_parts)
    rules, ranges, polyphony = job.rules, dict(job.ranges), dict(job.polyphony)
    if not rules.polyphony:
        polyphony |= dict.fromkeys(filter(is_drums, job.composed_parts), _LIMBS)
    if not job.given_players and not (has_drums and len(above) > 1):
        return replace(job, polyphony=polyphony)
    with_range = set(map(parse_instrument, rules.ranges))
    usages = usages_of(rules.collection)
    registers = {} if usages is None else usages.registers
    melody = job.joining_tune if job.given_players else melody_part(job.composed_parts)
    for part in above:
        instrument = notes.instrument_of(part)
        low, high = job.range_of(part)
        if part == melody:
            if not rules.polyphony:
                polyphony[part] = 1
        else:
            usual = registers.get(INSTRUMENTS[instrument].name)
            if usual is not None and usual[1] - usual[0] >= _LEAST_REGISTER:
                low, high = max(low, usual[0]), min(high, usual[1])
            else:
                high = min(high, max(_HIGHEST_ACCOMPANIMENT, low + _LEAST_RANGE))
            if not rules.polyphony:
                polyphony[part] = min(_LARGEST_CHORD, job.polyphony_of(part) or _LARGEST_CHORD)
        if instrument not in with_range:
            ranges[part] = low, high
    return replace(job, ranges=ranges, polyphony=polyphony)


def _told_drafts(plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Ticks and classes of the drafted chords that a model is told."""
    beat = plan.metres[0].beat_ticks(RESOLUTION)
    chords, starts = plan.chords[:, 0].tolist(), plan.starts.tolist()
    found = [
        told_drafts(chords[section.start : section.end], starts[section.start : section.end], beat)
        for section in plan.sections
    ]
    ticks, classes = (
        np.array([x for part in parts for x in part]) for parts in zip(*found, strict=True)
    )
    return ticks, classes


def _drafts_of(plan: Plan) -> dict[int, int]:
    """The chord at each bar line, by tick."""
    return dict(zip(plan.starts.tolist(), plan.chords[:, 0].tolist(), strict=True))


def _told_plan(plan: Plan) -> Plan:
    """A plan as a model is told it.

    Swung bars are in eighths: they are written so, and swung when played. Bars that return varied
    are new: what comes back of them is given, and the rest would come as it was as well.
    """
    varied = plan.close == VARIED
    return replace(
        plan,
        feel=np.where(plan.feel == SWUNG, EIGHTHS, plan.feel),
        back=np.where(varied, 0, plan.back),
        close=np.where(varied, NEW, plan.close),
    )


def players_of(plan: Plan) -> list[int]:
    """The instruments of a plan's players, one for each."""
    return [player.instrument for player in plan.players]


def section_markers(plan: Plan) -> tuple[Text, ...]:
    """Where each section begins, with its name."""
    starts = plan.starts.tolist()
    return tuple(Text(starts[section.start], section.name) for section in plan.sections)


def with_heard_chords(piece: Piece, plan: Plan | None) -> Piece:
    """A piece with symbols of the chords that sound in it where those of its plan were a draft."""
    if plan is None or not plan.drafted_chords or not piece.note_count:
        return piece
    heard = plan_symbols(analyse(piece))
    scale = piece.resolution // RESOLUTION
    return replace(piece, chords=tuple(s._replace(tick=s.tick * scale) for s in heard))


def plan_symbols(plan: Plan) -> tuple[ChordSymbol, ...]:
    """The chords that a plan states, where they change."""
    told = BarPlan.of(plan, ("chords",))
    pairs = zip(told.chord_ticks.tolist(), told.chord_classes.tolist(), strict=True)
    return tuple(
        ChordSymbol(tick, chord_name(index, plan.key))
        for tick, index in pairs
        if index < CHORD_CLASSES
    )


def chords_of_bars(given: Given, starts: np.ndarray) -> np.ndarray:
    """The chord stated at each tick of each bar, int64 [bars, ticks of the longest]; starts as of
    `Reprise`. The last one of a shorter bar goes on."""
    lengths = np.diff(starts)[:, None]
    at = starts[:-1, None] + np.minimum(np.arange(lengths.max()), lengths - 1)
    return given.chords(at.ravel())[:, 0].reshape(at.shape)


def _is_thin(job: Job) -> bool:
    """Whether fewer notes are asked for than a drummer needs to hold a beat."""
    asked = (job.rules.density, job.rules.busy().get(DRUMS))
    return any(density is not None and density < _LEAST_DENSITY for density in asked)


def beside_beats(job: Job) -> dict[int, int]:
    """Most notes at a time by part class, those of drummers without the beat that is given."""
    drums = filter(is_drums, job.composed_parts)
    return dict(job.polyphony) | {
        part: most - BEAT_STROKES for part in drums if (most := job.polyphony_of(part)) is not None
    }


def may_state_beats(job: Job) -> bool:
    """Whether the rules leave room for a stated beat, and for something beside it.

    Drummers of somebody's own music hold beats that they wrote.
    """
    if job.own_beats:
        return False
    for part in job.composed_parts:
        if not is_drums(part):
            continue
        keys = set(job.allowed_pitches(part))
        fits = keys >= STATED_KEYS and bool(keys - {*BEAT_KEYS})
        most = job.polyphony_of(part)
        return fits and not _is_thin(job) and (most is None or most >= _LEAST_POLYPHONY)
    return False


def _may_crash(job: Job) -> bool:
    """Whether the rules leave the drummer a crash cymbal."""
    drums = [part for part in job.composed_parts if is_drums(part)]
    return bool(drums) and CRASH in job.allowed_pitches(drums[0])


def drums_as_usual(job: Job) -> bool:
    """Whether a drummer may play what is usual in a style and nothing else: who plays alone, or so
    densely as somebody asks, plays more."""
    busy = job.rules.density is not None or DRUMS in job.rules.busy()
    return not busy and not all(map(is_drums, job.composed_parts))


def _own_drummers(job: Job) -> Drummers:
    """The grooves of the style that is asked for, or drawn, as far as its drummer may strike
    them."""
    usages = usages_of(job.rules.collection)
    drums = [part for part in job.composed_parts if is_drums(part)]
    if usages is None or not drums:
        return ()
    counts = job.metres[0].numerator, job.metres[0].denominator
    found = usages.drummers_within(counts, job.allowed_pitches(drums[0]))
    asked = [_DRUMS_SHARE * job.rules.density] if job.rules.density is not None else []
    if (of_drums := job.rules.busy().get(DRUMS)) is not None:
        asked.append(of_drums)
    quarters = counts[0] * 4 / counts[1]
    most = min(asked, default=np.inf) * quarters
    return [
        own
        for own in found
        if max(len(beat.strokes()) for groove in own for beat in groove.beats) <= most
    ]


def _parts(job: Job, plan: Plan) -> tuple[int, ...]:
    """The part classes of a plan's players, as its columns."""
    parts = [notes.part_of(player.instrument, player.desk) for player in plan.players]
    if sorted(parts) != job.composed_parts:
        wanted = sorted(parts_of(players_of(plan)))
        raise ConfigError(
            "The plan has other players than the rules.",
            next_step="Let the rules have the parts of the plan."
            if wanted == sorted(parts)
            else "Number the players of one instrument from 1.",
        )
    return tuple(parts)


def _openings(job: Job, plan: Plan, told: BarPlan, reprise: Reprise) -> tuple[Opening, ...]:
    """Where each part is composed: openings of all parts that are through the same bars.

    Where a part takes up its earlier notes it is not composed; notes sound on up to there. Who
    plays by the plan rests for no longer than a bar, unless less is asked of it.
    """
    required = any(opening.required for opening in job.openings)
    rest = _longest_rest(job, told) if required else None
    edges = reprise.half_lines
    spans: dict[tuple[int, int, int], list[int]] = {}
    for column, part in enumerate(reprise.parts):
        kept = reprise.given_halves(column)
        open_halves = np.repeat(_open_bars(plan.plays[:, column], ending=job.ending), 2) & ~kept
        for start, end in open_runs(open_halves):
            until = int(edges[end + kept[end:].argmax()]) if kept[end:].any() else ENDLESS
            spans.setdefault((int(edges[start]), int(edges[end]), until), []).append(part)
    return tuple(
        Opening(tuple(sorted(members)), start, end, required, until, longest_rest_ticks=rest)
        for (start, end, until), members in sorted(spans.items())
    )


def _longest_rest(job: Job, told: BarPlan) -> int:
    """Ticks that a player may rest: a bar, or two notes' time of a density that is asked for."""
    bar = int((told.starts[1:] - told.starts[:-1]).max())
    densities = [*job.rules.busy().values()]
    if job.rules.density is not None:
        densities.append(job.rules.density / len(job.composed_parts))
    return max(bar, *(int(2 * notes.RESOLUTION / density) for density in densities), 0)


def _open_bars(plays: np.ndarray, *, ending: bool) -> np.ndarray:
    """In which bars a part may play: where it is said or nothing is, and in a bar that must end."""
    found: np.ndarray = plays != 0
    if ending:
        found = found.copy()
        found[-1] = True
    return found
