"""What a partner does to a song: continue, fill, arrange, harmonise, vary, each as a plan.

`compose.write` carries out the job of a plan, and `plans.finish` puts the result into the song.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np

from ritornello.errors import ConfigError, InputError
from ritornello.generation.edit.closeness import bars_to_vary, keep_near, key_of_song
from ritornello.generation.edit.form_after import (
    in_form_after,
    may_return,
    sections_after,
    song_sections,
)
from ritornello.generation.edit.form_beside import form_of
from ritornello.generation.edit.held_beat import hold_beat, hold_beat_in_gap
from ritornello.generation.edit.instrument_substitution import substitute_instrument
from ritornello.generation.edit.melody_chords import (
    Harmonisation,
)
from ritornello.generation.edit.plans import EditPlan, FittedSong, chords_of, plan
from ritornello.generation.edit.song_harmony import (
    harmony_of,
    has_tune,
    heard_as,
    may_accompany,
    with_drafted_chords,
    with_kept_chords,
)
from ritornello.generation.edit.usual_densities import (
    as_now,
    beside,
    densities_of,
    plays_in_each,
    with_lines,
)
from ritornello.generation.job import Job, changes_as_steps, stated_chords
from ritornello.generation.plan_drafts import FREE
from ritornello.generation.rules import MAX_BARS, Rules
from ritornello.music.chords import CHORD_CLASSES
from ritornello.music.instruments import DRUMS, INSTRUMENTS, parse_instrument
from ritornello.music.keys import KeyName
from ritornello.music.note_tables import note_table
from ritornello.music.piece import Piece, Track
from ritornello.music.selection import highest_track, without
from ritornello.music.slicing import bar_lines, drop_changes_after_end, slice_bars, whole_bars
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.notes import PARTS_PER_INSTRUMENT
from ritornello.plan.sections import Section
from ritornello.plan.song_form import parse_form

_REST_BARS = 2  # who was asked to join in may rest for a while, not for good
_VOICE_REST_BARS = 0  # within a phrase
_SILENT_BARS = 2  # so many at the end of a song are no rest of the music
PlanOfSeed = Callable[[int], EditPlan]
VOICES = {"soprano": (60, 81), "alto": (53, 74), "tenor": (48, 69), "bass": (40, 64)}


def continue_job(
    song: Piece,
    bars: int,
    *,
    rules: Rules,
    tracks: Collection[int] | None = None,
    known: frozenset[int] | None = None,
) -> EditPlan:
    """Go on where a song stops, in its last tempo and metre.

    Writing begins on the first beat after the last note, so that a bar that the song leaves half
    empty is filled up, and goes on for ``bars`` bars after that bar.

    Args:
        tracks: indices of those that go on; all that play where None.
        rules: their ``ending`` says whether the last bar must be an ending, see `pitches`.
        known: instruments the model has learned, see `primer.fit`.

    Raises:
        InputError: if the song has no notes.
        ConfigError: if bars or rules cannot be had.
    """
    song, told = _without_silent_bars(whole_bars(song))
    song = drop_changes_after_end(song)
    lines = bar_lines(song)
    if bars < 1 or len(lines) - 1 + bars > MAX_BARS:
        raise ConfigError(
            f"A song has 1 to {MAX_BARS} bars; asked for {bars} after {len(lines) - 1}."
        )
    metre = song.metres[-1]
    last, beat = lines[-2], metre.beat_ticks(song.resolution)
    silent = max([last, *(track.end_ticks for track in song.tracks)])
    start = min(lines[-1], last - (last - silent) // beat * beat)
    end = lines[-1] + bars * metre.bar_ticks(song.resolution)
    fitted_song = FittedSong.of(replace(song, length_ticks=end), known)
    written = fitted_song.tracks_with_notes if tracks is None else tracks
    homes = fitted_song.homes(written)
    # What was played stays; a pedal or a bend that stands at its end is not for what follows.
    kept = without(fitted_song.song, start, end, set(homes.values()))
    span = start, end
    made = plan(fitted_song, kept, span, rules, homes=homes, ending=rules.ending, written=written)
    return replace(made, warnings=(*told, *made.warnings))


def go_on(made: EditPlan, bars: int, form: str | None) -> PlanOfSeed:
    """By seed a plan of `continue_job` with what comes back of the song after it.

    Args:
        bars: that are added.
        form: their sections, such as "B 8, A 8"; by default they are drawn from those of the song,
            where it has some; `FREE` for none.

    Raises:
        ConfigError: if the form cannot be read or has other bars, beside rules that what comes back
            need not keep, or if the model reads the bars of the song as others.
    """
    job, rules = made.job, made.job.rules
    all_bars = made.kept.bar_count
    song_bars, read_bars = all_bars - bars, len(job.grid().bar_starts)
    may_have_form = form != FREE and read_bars == all_bars
    song = song_sections(slice_bars(made.kept, 0, song_bars), bars) if may_have_form else ()
    added: tuple[Section, ...] = ()
    if form is not None and form != FREE:
        if not may_return(rules):
            raise ConfigError(
                "Sections come back as they were, and new notes are to keep to a key, scale, "
                "density, range or number of voices.",
                next_step=f'Leave one of them out, or say "{FREE}" for the form.',
            )
        if not may_have_form:
            raise ConfigError(
                f"A form counts the bars of the song, which has {all_bars} with what is added; the "
                f"model reads its metres as {read_bars} bars.",
                next_step=f'Say "{FREE}" for the form.',
            )
        added = tuple(
            replace(section, start=section.start + song_bars)
            for section in parse_form(form, bars=bars)
        )
    elif not song or not may_return(rules):
        held = _with_beat(made, hold_beat(job))
        return lambda seed: held
    before = song or (Section("", 0, song_bars),)

    def drawn(seed: int) -> EditPlan:
        after = added or sections_after(before, bars, np.random.default_rng((seed, 2)))
        return _with_beat(made, in_form_after(job, before, after, seed))

    return drawn


def fill_job(
    song: Piece,
    first_bar: int,
    last_bar: int,
    tracks: Collection[int] | None = None,
    *,
    rules: Rules,
    known: frozenset[int] | None = None,
) -> EditPlan:
    """Write some bars of a song anew, so that both sides fit.

    Notes that begin before the gap and sound into it stay.

    Args:
        first_bar, last_bar: counted from 1; both are filled.
        tracks: indices of those with the gap; all that play where None.

    Raises:
        InputError, ConfigError: as of `continue_job`.
    """
    song = whole_bars(song)
    gap = _span_of(song, first_bar, last_bar)
    fitted_song = FittedSong.of(song, known)
    chosen = fitted_song.tracks_with_notes if tracks is None else tracks
    kept = without(fitted_song.song, *gap, chosen)
    homes = fitted_song.homes(chosen)
    made = plan(fitted_song, kept, gap, rules, homes=homes, written=chosen, by_chords=True)
    if may_accompany(homes, kept):
        made = with_kept_chords(made, fitted_song)

    def read_sections() -> tuple[Section, ...]:
        pitched = tuple(track for track in kept.tracks if not track.is_drum)
        form = form_of(replace(kept, tracks=pitched))
        return () if form is None else form.sections

    made = _with_beat(made, hold_beat_in_gap(made.job, read_sections))
    if rules.density is not None or rules.densities:
        return made
    # Only now, as a beat that is held need not keep what was counted beside it. Who rests on a
    # side may rest in the gap.
    spans = beside(song, first_bar, last_bar)
    playing = [index for index in chosen if plays_in_each(song.tracks[index], spans)]
    told = replace(made.job.rules, densities=densities_of(fitted_song, playing, spans))
    return replace(made, job=replace(made.job, rules=told))


def vary_job(
    song: Piece,
    tracks: Collection[int],
    *,
    closeness: float | None = None,
    rules: Rules,
    known: frozenset[int] | None = None,
) -> EditPlan:
    """Write whole tracks anew, or some of their bars; all others stay.

    Args:
        closeness: 0 to 1, the share of their bars that stays, see `closeness`; none where None.

    Where the rules state neither key nor scale, new notes are of the pitch classes that the parts
    have now; where they state no density, each part stays as dense as it is, unless it is written
    as a whole to accompany the others.

    Raises:
        InputError, ConfigError: as of `continue_job`.
    """
    fitted_song = FittedSong.of(whole_bars(song), known)
    whole = 0, fitted_song.song.length_ticks
    spans = (whole,) if closeness is None else bars_to_vary(fitted_song.song, tracks, closeness)
    kept = fitted_song.song
    for start, end in spans:
        kept = without(kept, start, end, tracks)
    homes = fitted_song.homes(tracks)
    accompanies = may_accompany(homes, kept)
    # Who does so all through holds another rhythm, which is not as dense as the one before.
    all_through = closeness is None and accompanies
    rules = as_now(fitted_song, tracks, spans, rules, dense=not all_through)
    made = plan(
        fitted_song,
        kept,
        whole,
        rules,
        homes=homes,
        longest_rest_bars=_REST_BARS,
        written=tracks,
        by_chords=True,
    )
    made = replace(made, accompanies=all_through)
    made = replace(made, job=replace(made.job, key=key_of_song(fitted_song.song)))
    if accompanies:
        made = with_kept_chords(made, fitted_song)
    return made if closeness is None else keep_near(made, spans, fitted_song.song)


def arrange_job(
    song: Piece,
    add: Sequence[str],
    *,
    bars: tuple[int, int] | None = None,
    end: bool = False,
    key: KeyName | None = None,
    rules: Rules,
    known: frozenset[int] | None = None,
) -> EditPlan:
    """Add instruments to a song; all of them play.

    Args:
        add: names of instruments; a name given twice means two players.
        bars: first and last that they play in, counted from 1; all where None.
        end: whether the last bar must be an ending for them, see `pitches`.
        key: of the song, a soft constraint; that of its notes where None.

    Raises:
        InputError, ConfigError: as of `continue_job`.
    """
    song = whole_bars(song)
    song, told = _without_silent_bars(song) if bars is None else (song, ())
    span = (0, song.length_ticks) if bars is None else _span_of(song, *bars)
    if end and span[1] < song.length_ticks:
        raise ConfigError(
            f"An ending is in the last bar, {len(bar_lines(song)) - 1}, and the bars stop before.",
            next_step="Leave out the ending, or let the bars reach the last one.",
        )
    fitted_song = FittedSong.of(song, known, quantised=True)
    new = fitted_song.free_parts([(parse_instrument(name), None) for name in add])
    tune = has_tune(fitted_song.song)
    made = plan(
        fitted_song,
        fitted_song.song,
        span,
        with_lines(fitted_song, new, span, rules, second=tune),
        new=new,
        longest_rest_bars=_REST_BARS,
        ending=end,
        by_chords=True,
    )
    job = replace(made.job, given_tune=tune)
    made = with_drafted_chords(replace(made, job=job), fitted_song)
    job = made.job if key is None else replace(made.job, key=key)
    return replace(made, job=job, warnings=(*told, *made.warnings))


def harmonise_job(
    song: Piece,
    voices: Sequence[str],
    *,
    rules: Rules,
    melody: int | None = None,
    end: bool = True,
    choir: int | None = None,
    known: frozenset[int] | None = None,
) -> EditPlan:
    """Set voices to a melody, each one note at a time in the range of singers.

    They are led by the rules of part writing, see `voice_leading`, sing while the melody does, and
    complete a chord on each beat: those of the rules, or else those of `melody_chords`.

    Args:
        voices: names in `VOICES`; each sounds like the melody.
        melody: index of its track; the highest of the pitched ones where None.
        end: whether the last chord must be that of the tonic.
        choir: index into `INSTRUMENTS` of the instrument that melody and voices are read as: one
            of which the model knows pieces in four voices. Where None, or where it has too few
            parts left, it is that of the melody or its nearest kin.

    Raises:
        InputError, ConfigError: as of `continue_job`.
    """
    if not 1 <= len(voices) < PARTS_PER_INSTRUMENT:
        raise ConfigError(
            f"A melody is set for 1 to {PARTS_PER_INSTRUMENT - 1} voices; asked for {len(voices)}."
        )
    for name in voices:
        if name not in VOICES:
            raise ConfigError(
                f"No voice is called {name!r}.", next_step=f"Known: {', '.join(VOICES)}."
            )
    song, told = _without_silent_bars(whole_bars(song))
    melody = highest_track(song) if melody is None else melody
    track = song.tracks[melody]
    if track.is_drum or not len(track):
        raise InputError(f"There is no melody in part {melody + 1} {track.label!r}.")
    voices = sorted(voices, key=[*VOICES].index)  # from the highest down, as in the training music
    singer = _with_room(FittedSong.of(song, known), melody, len(voices), choir, known)
    fitted_song = FittedSong.of(song, known, {melody: singer}, quantised=True)
    new = fitted_song.free_parts(
        [(singer, Track(note_table([]), track.program, track.is_drum, v)) for v in voices]
    )
    harmony = _harmony(fitted_song, melody, rules, end=end)
    made = plan(
        fitted_song,
        song,
        (0, song.length_ticks),
        rules,
        new=new,
        longest_rest_bars=_VOICE_REST_BARS,
        harmony=harmony,
        ranges=dict(zip(new, map(VOICES.__getitem__, voices), strict=True)),
        polyphony=dict.fromkeys(new, 1),
        voices=(fitted_song.fitted.parts[melody], *new),
    )
    return replace(made, warnings=(*told, *made.warnings))


def _with_beat(made: EditPlan, job: Job) -> EditPlan:
    """A plan whose players are given what comes back; all that they play there is new."""
    if job is made.job:
        return made
    given_anew = frozenset(made.job.composed_parts) - job.shared_parts
    (span,) = made.job.openings
    return replace(
        made,
        job=job,
        anew=given_anew,
        anew_from_ticks=span.start_ticks,
        anew_until_ticks=span.end_ticks,
    )


def _harmony(song: FittedSong, melody: int, rules: Rules, *, end: bool) -> Harmonisation:
    """What is planned for a melody; chords of the rules stand in for those that fit it."""
    length = song.fitted.piece.length_ticks
    if not length or int(heard_as(song, melody).notes["onset"][0]) >= length:
        raise InputError("The bars are too short to write in.", where=song.song.title)
    key = rules.key if isinstance(rules.key, KeyName) else None
    found = harmony_of(song, melody, key, ends=end)
    ticks, classes = stated_chords(rules, song.fitted.piece.metres, length)
    if not len(ticks):
        ticks, classes = changes_as_steps(chords_of(song.song))
    if not len(ticks):
        return found
    beats = np.array(found.chords.ticks)
    fits = np.array(found.chords.classes)
    at = np.searchsorted(ticks, beats, side="right") - 1
    stated = np.where((at >= 0) & (classes[at] < CHORD_CLASSES), classes[at], fits)
    return replace(found, chords=replace(found.chords, classes=tuple(stated.tolist())))


def _span_of(song: Piece, first_bar: int, last_bar: int) -> tuple[int, int]:
    """From where to where bars lie, in ticks; the song lasts until a bar line."""
    lines = bar_lines(song)
    if not 1 <= first_bar <= last_bar < len(lines):
        raise ConfigError(
            f"The song has bars 1 to {len(lines) - 1}; asked for {first_bar} to {last_bar}."
        )
    return lines[first_bar - 1], lines[last_bar]


def _without_silent_bars(song: Piece) -> tuple[Piece, tuple[str, ...]]:
    """A song without the empty bars at its end, where there are several, and what is told of them.

    A stray event far behind the music makes such bars in many files. One empty bar is a rest.
    """
    lines = bar_lines(song)
    heard = max((track.end_ticks for track in song.tracks), default=0)
    end = next((line for line in lines[1:] if line >= heard), lines[-1])
    silent = len(lines) - 1 - lines.index(end)
    if silent < _SILENT_BARS or heard == 0:
        return song, ()
    bars = f"the {silent} empty bars at its end were left off, from bar {lines.index(end) + 1} on."
    return drop_changes_after_end(replace(song, length_ticks=end)), (bars,)


def _with_room(
    fitted_song: FittedSong,
    melody: int,
    voices: int,
    choir: int | None,
    known: frozenset[int] | None,
) -> int:
    """The instrument to read a melody and its voices as: the choir, or the nearest with room."""
    others = Counter(
        notes.instrument_of(part)
        for index, part in enumerate(fitted_song.fitted.parts)
        if part >= 0 and index != melody
    )
    pitched = set(range(len(INSTRUMENTS))) - {DRUMS}
    roomy = {
        instrument
        for instrument in (pitched if known is None else pitched & known)
        if others[instrument] + 1 + voices <= PARTS_PER_INSTRUMENT
    }
    return (
        choir
        if choir in roomy
        else substitute_instrument(fitted_song.song.tracks[melody].instrument, roomy)
    )
