"""Masks open what a rule allows and close what it forbids, one event at a time.

Whole pieces are judged in `test_compose`; here each case is small enough to be told by hand. Ticks
are 24 a quarter note, so that a bar of 4/4 has 96.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ritornello.generation.beat_chords import BeatChords
from ritornello.generation.job import ENDLESS, Job, Opening, given_events, whole_piece
from ritornello.generation.masks import RuleMasks
from ritornello.generation.pitches import Pitches
from ritornello.generation.rules import Rules
from ritornello.music.chords import chord_class, parse_chord
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.piece import Metre
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.notes import DURATIONS, END, MAX_SHIFT, NONE, REST, TEMPO
from ritornello.plan.swing import Swing

NAMES = [instrument.name for instrument in INSTRUMENTS]
PIANO, BASS, DRUMS = (notes.part_of(NAMES.index(name)) for name in ("piano", "bass", "drums"))
BAR = 96
QUARTER = int(np.flatnonzero(DURATIONS == 24)[0])
EIGHTH = int(np.flatnonzero(DURATIONS == 12)[0])
A_TEMPO = (0, TEMPO, notes.TEMPO_PITCH + 20, NONE[3], NONE[4])


def masks(
    *openings: Opening,
    rules: Rules | None = None,
    length: int | None = 4 * BAR,
    given: tuple[tuple[int, int, int], ...] = (),
    begun: bool = True,
    **more: Any,
) -> RuleMasks:
    """Of a piece in 4/4 with notes given as (onset, part, pitch), after its tempo if `begun`."""
    events = np.array([(0, part, pitch, QUARTER, 20) for _, part, pitch in given], np.int64)
    onsets = np.array([onset for onset, _, _ in given], np.int64)
    there = given_events(length, events.reshape(-1, 5), onsets)
    job = Job(rules or Rules(bars=4), (Metre(0, 4, 4),), length, there, openings, **more)
    made = RuleMasks(job)
    if begun and not given:
        made.advance(A_TEMPO, made.ahead)
    return made


def opening(*parts: int, start: int = 0, end: int = 4 * BAR, **more: Any) -> Opening:
    return Opening(tuple(sorted(parts)), start, end, **more)


def play(made: RuleMasks, shift: int, part: int, pitch: int, duration: int = QUARTER) -> None:
    made.advance((shift, part, pitch, duration, 20), made.ahead)


def open_shifts(made: RuleMasks) -> list[int]:
    found: list[int] = np.flatnonzero(made.shifts()).tolist()
    return found


def open_parts(made: RuleMasks, shift: int) -> list[int]:
    found: list[int] = np.flatnonzero(made.parts(shift)).tolist()
    return found


def longest(made: RuleMasks, shift: int, part: int, pitch: int = 60) -> int:
    return int(DURATIONS[made.durations(shift, part, pitch)].max())


# --- tempo and rests ------------------------------------------------------------------------------


def test_a_piece_begins_with_its_tempo() -> None:
    made = masks(opening(PIANO), begun=False)
    assert (open_shifts(made), open_parts(made, 0)) == ([0], [TEMPO])
    assert np.flatnonzero(made.pitches(0, TEMPO)).tolist() == list(range(notes.TEMPO_PITCH, 304))
    assert made.forced_event is None


def test_an_asked_tempo_is_the_only_one_and_does_not_change() -> None:
    made = masks(opening(PIANO), rules=Rules(bars=4, tempo_bpm=121), begun=False)
    asked = notes.TEMPO_PITCH + notes.tempo_class(121)
    assert np.flatnonzero(made.pitches(0, TEMPO)).tolist() == [asked]
    made.advance(A_TEMPO, made.ahead)
    assert TEMPO not in open_parts(made, 24)


def test_an_open_tempo_changes_later_but_not_where_the_piece_ends() -> None:
    made = masks(opening(PIANO))
    assert [TEMPO in open_parts(made, shift) for shift in (0, 1, 95)] == [False, True, True]
    play(made, MAX_SHIFT, PIANO, 60)
    assert TEMPO in open_parts(made, MAX_SHIFT - 1)
    assert TEMPO not in open_parts(made, MAX_SHIFT)  # the final bar line


def test_a_song_that_is_given_keeps_its_tempo() -> None:
    made = masks(opening(PIANO), given=((200, BASS, 40),))
    assert TEMPO not in open_parts(made, 24)


def test_only_the_longest_shift_leads_to_a_rest() -> None:
    made = masks(opening(PIANO))
    play(made, 0, PIANO, 60)
    rests = [shift for shift in range(MAX_SHIFT + 1) if REST in open_parts(made, shift)]
    assert rests == [MAX_SHIFT]


def test_no_rest_stands_where_a_given_event_comes() -> None:
    made = masks(opening(PIANO), given=((MAX_SHIFT, BASS, 40),))
    assert REST not in open_parts(made, MAX_SHIFT)
    assert BASS in open_parts(made, MAX_SHIFT)


def test_specials_have_nothing_to_choose() -> None:
    made = masks(opening(PIANO))
    for special in (REST, END):
        assert made.pitches(MAX_SHIFT, special).all()
        assert made.durations(MAX_SHIFT, special, 60).all()
    assert made.durations(0, TEMPO, 60).all()


# --- openings -------------------------------------------------------------------------------------


def test_notes_begin_inside_of_an_opening() -> None:
    made = masks(opening(PIANO, start=30, end=60))
    assert open_shifts(made) == [*range(30, 60), MAX_SHIFT]
    assert [PIANO in open_parts(made, shift) for shift in (29, 30, 59, 60)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_openings_of_several_parts_are_their_own() -> None:
    made = masks(opening(PIANO, start=10, end=20), opening(BASS, start=15, end=40))
    assert open_shifts(made) == [*range(10, 40), MAX_SHIFT]
    parts = {shift: {*open_parts(made, shift)} & {PIANO, BASS} for shift in (12, 17, 25)}
    assert parts == {12: {PIANO}, 17: {PIANO, BASS}, 25: {BASS}}


def test_openings_are_where_they_are_from_anywhere() -> None:
    made = masks(opening(PIANO, end=100))
    play(made, 50, PIANO, 60)
    assert open_shifts(made) == [*range(50), MAX_SHIFT]
    far = masks(opening(PIANO, start=300))
    play(far, MAX_SHIFT, BASS, 40)
    assert open_shifts(far) == [*range(108, MAX_SHIFT + 1)]


def test_a_note_ends_with_its_opening_unless_it_may_sound_on() -> None:
    assert longest(masks(opening(PIANO, end=60)), 40, PIANO) == 20
    assert longest(masks(opening(PIANO, end=60, sounds_until_ticks=76)), 40, PIANO) == 36
    for_ever = opening(PIANO, end=60, sounds_until_ticks=ENDLESS)
    assert longest(masks(for_ever), 40, PIANO) == 336  # the piece ends 344 on
    assert longest(masks(opening(PIANO, end=60)), 59, PIANO) == 1
    assert longest(masks(opening(PIANO)), 4 * BAR - 12, PIANO) == 12


def test_in_endless_music_a_note_may_be_as_long_as_any() -> None:
    made = masks(opening(PIANO, end=ENDLESS), length=None)
    assert longest(made, 10, PIANO) == DURATIONS[-1]


# --- order, polyphony -----------------------------------------------------------------------------


def test_what_begins_together_ascends_in_part_and_pitch_by_more_than_a_semitone() -> None:
    low, high = sorted((PIANO, BASS))
    made = masks(opening(PIANO, BASS))
    play(made, 12, high, 60 if high == PIANO else 40)
    assert {*open_parts(made, 0)} & {low, high} == {high}
    assert {*open_parts(made, 1)} & {low, high} == {low, high}
    legal = np.flatnonzero(made.pitches(0, high))
    assert legal.min() == (62 if high == PIANO else 42)
    assert made.pitches(1, high)[: legal.min()].any()


def test_nothing_is_added_above_the_highest_pitch() -> None:
    made = masks(opening(PIANO), rules=Rules(bars=4, ranges={"piano": (60, 72)}))
    play(made, 12, PIANO, 70)
    assert PIANO in open_parts(made, 0)
    play(made, 0, PIANO, 72)
    assert PIANO not in open_parts(made, 0)
    assert 0 not in open_shifts(made)
    play(made, 12, PIANO, 71)  # a semitone below the highest
    assert PIANO not in open_parts(made, 0)
    assert 0 not in open_shifts(made)


@pytest.mark.parametrize(("most", "free"), [(1, 30), (2, 24), (3, 1)])
def test_a_part_waits_until_a_held_note_ends(most: int, free: int) -> None:
    """Two notes are held, one for 24 ticks and one for 30."""
    rules = Rules(bars=4, polyphony={"all": most})
    made = masks(opening(PIANO, BASS), rules=rules)
    play(made, 0, PIANO, 50, int(np.flatnonzero(DURATIONS == 24)[0]))
    if most > 1:
        play(made, 0, PIANO, 60, int(np.flatnonzero(DURATIONS == 30)[0]))
    else:
        free = 24
    assert [PIANO in open_parts(made, shift) for shift in (free - 1, free)] == [free == 1, True]
    assert BASS in open_parts(made, 1)


def test_where_all_parts_wait_no_note_comes() -> None:
    made = masks(opening(PIANO), rules=Rules(bars=4, polyphony={"all": 1}))
    play(made, 0, PIANO, 60)
    assert open_shifts(made) == [*range(24, MAX_SHIFT + 1)]
    play(made, 30, PIANO, 60, EIGHTH)
    assert open_shifts(made) == [*range(12, MAX_SHIFT + 1)]


# --- given events ---------------------------------------------------------------------------------


def test_nothing_is_composed_past_a_given_event() -> None:
    low, high = sorted((PIANO, BASS))
    made = masks(opening(low, high), given=((50, low, 60),))
    assert open_shifts(made) == list(range(51))
    assert open_parts(made, 50) == [low]  # of the parts after it none, until it has come
    made = masks(opening(low, high), given=((50, high, 60),))
    assert open_parts(made, 50) == [low, high]
    assert open_parts(made, 49) == [low, high]


def test_a_given_event_comes_where_nothing_can_be_composed_before_it() -> None:
    made = masks(opening(PIANO, start=2 * BAR, end=3 * BAR), given=((100, BASS, 40),))
    forced = made.forced_event
    assert forced is not None
    assert (forced[0], forced[1][1:3]) == (100, (BASS, 40))
    assert masks(opening(PIANO, start=99), given=((100, BASS, 40),)).forced_event is None
    # On its own tick something may come before it.
    assert masks(opening(PIANO, start=100), given=((100, BASS, 40),)).forced_event is None


def test_an_opening_that_begins_after_it_or_is_over_holds_no_given_event_up() -> None:
    later = masks(opening(PIANO, start=101), given=((100, BASS, 40),)).forced_event
    assert later is not None
    over = masks(opening(PIANO, end=100), given=((100, BASS, 40), (150, BASS, 42)))
    over.advance((100, BASS, 40, QUARTER, 20), over.job.given.events[1])
    assert over.forced_event is not None
    assert over.forced_event[0] == 150
    one_of_two = (opening(PIANO, end=50), opening(DRUMS, start=2 * BAR))
    assert masks(*one_of_two, given=((100, BASS, 40),)).forced_event is None


def test_a_chord_that_is_given_is_struck_at_once() -> None:
    made = masks(opening(PIANO, start=BAR), given=((50, BASS, 40), (50, BASS, 45)))
    made.advance((50, BASS, 40, QUARTER, 20), made.job.given.events[1])
    assert open_shifts(made) == [0]
    assert open_parts(made, 0) == [BASS]


def test_the_tempo_comes_before_a_long_silence() -> None:
    assert masks(opening(PIANO, start=300), begun=False).forced_event is None


def test_a_far_given_event_is_reached_by_rests() -> None:
    made = masks(opening(PIANO, start=300), given=((250, BASS, 40),))
    assert made.forced_event == (MAX_SHIFT, (MAX_SHIFT, REST, *NONE[2:]))
    near = masks(opening(PIANO, start=300), given=((MAX_SHIFT, BASS, 40),))
    assert near.forced_event is not None
    assert near.forced_event[1][1] == BASS


def test_the_end_comes_when_all_openings_are_past() -> None:
    made = masks(opening(PIANO, end=100))
    play(made, 99, PIANO, 60)
    assert made.forced_event is None  # a chord may grow
    made.advance((MAX_SHIFT, REST, *NONE[2:]), made.ahead)
    assert made.forced_event is not None
    assert made.forced_event[0] == 4 * BAR
    assert made.forced_event[1][1] == END


def test_of_a_shared_part_a_lower_note_may_come_before_the_given_one() -> None:
    made = masks(opening(PIANO), given=((50, PIANO, 60),), shared_parts=frozenset({PIANO}))
    legal = np.flatnonzero(made.pitches(50, PIANO)).tolist()
    assert legal[-1] == 60  # which stands for the given note
    assert legal[0] < 60
    assert made.given_pitch(50, PIANO) == 60
    assert made.given_pitch(49, PIANO) is None
    alone = masks(opening(PIANO), given=((50, PIANO, 60),))
    assert alone.given_pitch(50, PIANO) is None
    closed = masks(
        opening(PIANO, start=BAR), given=((50, PIANO, 60),), shared_parts=frozenset({PIANO})
    )
    assert closed.given_pitch(50, PIANO) is None


# --- players who must play ------------------------------------------------------------------------


def test_who_must_play_comes_before_the_second_half_is_over() -> None:
    made = masks(opening(PIANO, BASS, end=2 * BAR, required=True), length=2 * BAR)
    both = {PIANO, BASS}
    assert {*open_parts(made, BAR - 1)} == both | {TEMPO}
    assert {*open_parts(made, BAR)} == both
    play(made, BAR, min(both), 40)
    assert open_parts(made, 4) == [max(both)]
    play(made, 4, max(both), 40)
    assert {*open_parts(made, 24)} == both | {TEMPO}


def test_each_who_must_play_has_a_tick_left() -> None:
    made = masks(opening(PIANO, BASS, end=BAR, required=True), length=BAR)
    assert max(open_shifts(made)) == BAR - 2
    made = masks(opening(PIANO, end=BAR, required=True), length=BAR)
    assert max(open_shifts(made)) == BAR - 1
    late = (opening(PIANO, BASS, start=95, end=BAR, required=True), opening(DRUMS, end=BAR))
    assert max(open_shifts(masks(*late, length=BAR))) == 95  # where both begin together


def test_the_last_tick_is_kept_for_who_must_play() -> None:
    made = masks(opening(PIANO, end=2, required=True), length=BAR)
    assert open_shifts(made) == [0, 1]
    made = masks(opening(PIANO, end=BAR, required=True), opening(BASS), length=2 * BAR)
    play(made, 40, BASS, 40)
    assert max(open_shifts(made)) == BAR - 1 - 40
    late = masks(opening(PIANO, start=95, end=BAR, required=True), opening(BASS), length=2 * BAR)
    play(late, 40, BASS, 40)
    assert max(open_shifts(late)) == BAR - 1 - 40


def test_of_two_openings_the_last_is_the_last_chance() -> None:
    spans = (opening(PIANO, end=20, required=True), opening(PIANO, start=BAR, required=True))
    made = masks(*spans, opening(DRUMS))
    play(made, 15, DRUMS, notes.DRUM_PITCH + 36)
    assert DRUMS in open_parts(made, 4)  # the second half of the first is no reason to hurry
    assert not made._is_late(PIANO, BAR)
    assert made._is_late(PIANO, (BAR + 4 * BAR) // 2)


def test_what_others_play_in_a_shared_part_is_not_its_own() -> None:
    must = opening(PIANO, end=BAR, required=True)
    made = masks(must, length=BAR, shared_parts=frozenset({PIANO}))
    made.advance((0, PIANO, 60, QUARTER, 20), made.ahead, composed=False)
    assert max(open_shifts(made)) == BAR - 1
    play(made, 1, PIANO, 60)
    assert max(open_shifts(made)) == BAR - 1  # the END, a tick nearer


# --- the ending -----------------------------------------------------------------------------------


@pytest.fixture
def ending() -> RuleMasks:
    rules = Rules(bars=2, parts=("piano", "bass"), key="C major", ending=True)
    made = RuleMasks(whole_piece(rules))
    made.advance(A_TEMPO, made.ahead)
    return made


def test_the_last_bar_is_begun_with_its_chord_and_nothing_else(ending: RuleMasks) -> None:
    for part, pitch in sorted([(PIANO, 60), (BASS, 40)]):
        play(ending, 0, part, pitch)
    assert max(open_shifts(ending)) == BAR  # nobody goes past it
    assert longest(ending, 24, PIANO) == BAR - 24  # and all that sounds ends there
    assert open_parts(ending, BAR) == [min(PIANO, BASS)]  # all strike it, one after another
    shortest = DURATIONS[ending.durations(BAR, PIANO, 60)].min()
    assert (shortest, longest(ending, BAR, PIANO)) == (BAR // 2, BAR)
    low, high = sorted([(PIANO, 60), (BASS, 36)])
    play(ending, BAR, *low)
    play(ending, 0, *high)
    assert open_shifts(ending) == [BAR]
    assert open_parts(ending, BAR) == [END]


def test_the_last_chord_is_no_larger_than_those_before(ending: RuleMasks) -> None:
    play(ending, 0, PIANO, 60)
    play(ending, 0, PIANO, 64)
    play(ending, BAR, PIANO, 60)
    assert PIANO in open_parts(ending, 0)
    play(ending, 0, PIANO, 64)
    assert PIANO not in open_parts(ending, 0)


@pytest.mark.parametrize(
    ("parts", "lowest"),
    [
        (("piano", "piano"), ("piano", 1)),
        (("timpani", "piano", "flute"), ("piano", 0)),
        (("violin", "violin", "viola", "cello"), ("cello", 0)),
        (("piano", "double bass"), ("double bass", 0)),
    ],
)
def test_the_last_chord_stands_on_the_tonic_of_its_lowest_part(
    parts: tuple[str, ...], lowest: tuple[str, int]
) -> None:
    job = whole_piece(Rules(bars=2, parts=parts, key="C major", ending=True))
    pitches = Pitches(job)
    name, number = lowest
    bass = notes.part_of(NAMES.index(name), number)
    for part in job.composed_parts:
        last = {int(pitch) % 12 for pitch in np.flatnonzero(pitches.allowed(part, BAR))}
        assert last == ({0} if part == bass else {0, 4, 7})
    pitches.advance(BAR, bass, 48, BAR)
    above = {int(pitch) % 12 for pitch in np.flatnonzero(pitches.allowed(bass, BAR))}
    assert above == {0, 4, 7}  # its other notes fill the chord


def test_from_anywhere_nobody_goes_past_the_last_chord(ending: RuleMasks) -> None:
    play(ending, 0, BASS, 40)
    play(ending, 50, PIANO, 60)
    assert max(open_shifts(ending)) == BAR - 50
    assert longest(ending, 10, PIANO) == BAR - 60


def test_once_all_have_struck_it_the_last_chord_may_grow_or_the_piece_ends(
    ending: RuleMasks,
) -> None:
    play(ending, 0, BASS, 40)
    for shift, pitch in ((24, 60), (0, 64), (0, 67), (0, 72)):
        play(ending, shift, PIANO, pitch)
    play(ending, BAR - 24, BASS, 36)
    for pitch in (60, 64, 67):  # whoever has struck chords strikes three notes at least
        assert open_shifts(ending) == [0]
        assert open_parts(ending, 0) == [PIANO]
        play(ending, 0, PIANO, pitch)
    assert open_shifts(ending) == [0, BAR]
    assert open_parts(ending, 0) == [PIANO]


def test_all_hold_the_last_chord_as_long_as_the_first_of_them(ending: RuleMasks) -> None:
    for part, pitch in sorted([(PIANO, 60), (BASS, 40)]):
        play(ending, 0, part, pitch)
    (first, low), (last, high) = sorted([(PIANO, 60), (BASS, 36)])
    ending.advance((BAR, first, low, int(np.flatnonzero(DURATIONS == 72)[0]), 80), ending.ahead)
    assert DURATIONS[ending.durations(0, last, high)].tolist() == [72]


def test_drums_alone_are_no_last_chord() -> None:
    rules = Rules(bars=2, parts=("piano", "drums"), key="C major", ending=True)
    made = RuleMasks(whole_piece(rules))
    made.advance(A_TEMPO, made.ahead)
    play(made, 0, DRUMS, notes.DRUM_PITCH + 36)
    play(made, 0, PIANO, 60)
    play(made, BAR, DRUMS, notes.DRUM_PITCH + 36)
    assert open_shifts(made) == [0]
    assert PIANO in open_parts(made, 0)
    assert DURATIONS[made.durations(0, DRUMS, notes.DRUM_PITCH + 38)].min() == 1


# --- density, swing, voices -----------------------------------------------------------------------


def test_density_closes_what_is_too_early_and_too_late() -> None:
    made = masks(opening(PIANO), rules=Rules(bars=4, density=4.0))
    for _ in range(12):  # three beats ahead of four notes a beat, of which two are allowed
        play(made, 0, PIANO, 60)
    assert min(open_shifts(made)) > 0
    made = masks(opening(PIANO), rules=Rules(bars=4, density=4.0))
    assert max(open_shifts(made)) <= 48


def test_a_part_that_is_early_waits_while_another_plays() -> None:
    made = masks(opening(PIANO, BASS), rules=Rules(bars=4, densities={"piano": 1.0}))
    for _ in range(8):
        play(made, 0, PIANO, 60)
    assert PIANO not in open_parts(made, 4)
    assert BASS in open_parts(made, 4)


def test_a_part_that_is_late_plays_next() -> None:
    made = masks(opening(PIANO, BASS), rules=Rules(bars=4, densities={"piano": 1.0}))
    assert max(open_shifts(made)) == 72  # three beats late at most
    play(made, 72, BASS, 40)
    assert PIANO in made._due(72)


def test_swung_beats_have_four_places() -> None:
    swing = Swing(np.arange(17.0), np.tile([0.0, 0.3, 2 / 3, 0.85], (16, 1)), np.full(16, 2.0))
    made = masks(opening(PIANO), swing=swing)
    assert open_shifts(made) == [*range(0, MAX_SHIFT + 1, 6)]
    assert open_parts(made, 3) == [TEMPO]
    assert PIANO in open_parts(made, 6)


def test_a_voice_neither_falls_silent_nor_holds_a_note_against_a_chord() -> None:
    c, g = (chord_class(parse_chord(text)) for text in ("C", "G"))
    chords = BeatChords((0, 24, 48, 72), (c, c, g, g), frozenset(), frozenset({0, 2, 4, 5, 7}))
    sung = opening(PIANO, longest_rest_ticks=12)
    made = masks(sung, voices=(PIANO,), beat_chords=chords, shared_parts=frozenset())
    play(made, 0, PIANO, 60)
    assert max(open_shifts(made)) == 24 + 12
    assert longest(made, 24, PIANO, 60) == 24  # C is no note of G
    assert longest(made, 24, PIANO, 67) > 24


def test_voices_rest_from_where_they_begin_and_come_back_in_turn() -> None:
    c = chord_class(parse_chord("C"))
    chords = BeatChords((0, 96), (c, c), frozenset(), frozenset({0, 2, 4, 5, 7}))
    voices = tuple(sorted((PIANO, notes.part_of(NAMES.index("strings")))))
    sung = opening(*voices, start=BAR, longest_rest_ticks=12)
    made = masks(sung, voices=voices, beat_chords=chords)
    assert max(open_shifts(made)) == BAR + 12
    play(made, BAR, voices[0], 64)
    assert max(open_shifts(made)) == 12  # the other has not sung yet
    play(made, 0, voices[1], 60, EIGHTH)
    assert max(open_shifts(made)) == 24
    assert open_parts(made, 24) == [voices[1]]
    assert open_parts(made, 36) == [voices[0]]  # both are due, and the first goes first


def test_the_lowest_voice_leaves_a_note_that_is_no_root_of_a_firm_chord() -> None:
    c = chord_class(parse_chord("C"))
    chords = BeatChords((0, 24), (c, c), frozenset({24}), frozenset({0, 2, 4, 5, 7}))
    voices = tuple(sorted((PIANO, notes.part_of(NAMES.index("strings")))))
    made = masks(opening(*voices), voices=voices, beat_chords=chords)
    assert longest(made, 0, voices[1], 52) == 24
    assert longest(made, 0, voices[0], 64) > 24


def test_notes_on_the_beat_are_of_the_stated_chord() -> None:
    rules = Rules(bars=3, parts=("piano",), chords="C G C", tempo_bpm=100)
    made = RuleMasks(whole_piece(rules))
    made.advance(A_TEMPO, made.ahead)
    play(made, 24, PIANO, 21)

    def classes(shift: int) -> set[int]:
        return {int(pitch) % 12 for pitch in np.flatnonzero(made.pitches(shift, PIANO))}

    assert classes(24) == {0, 4, 7}
    assert classes(72) == {7, 11, 2}
    assert len(classes(25)) == 12


def test_a_note_of_a_part_with_a_pace_ends_before_the_next_is_late() -> None:
    rules = Rules(bars=4, densities={"bass": 1.0}, polyphony={"piano": 4})
    made = masks(opening(PIANO, BASS), rules=rules)
    assert longest(made, 0, BASS, 40) == DURATIONS[DURATIONS <= 24 + 72].max()
    assert longest(made, 0, PIANO, 60) == DURATIONS[DURATIONS <= 4 * BAR].max()


# --- memory ---------------------------------------------------------------------------------------


def test_a_copy_goes_its_own_way() -> None:
    rules = Rules(bars=4, density=2.0, polyphony={"all": 1})
    made = masks(opening(PIANO, BASS, required=True), rules=rules)
    play(made, 0, BASS, 40)
    play(made, 20, PIANO, 60)
    before = made.shifts()
    twin = made.copy()
    assert np.array_equal(twin.shifts(), before)
    play(twin, 7, PIANO, 60)
    assert not np.array_equal(twin.shifts(), before)
    assert np.array_equal(made.shifts(), before)
    assert made.onset_ticks == 20
    assert made._pace is not None
    assert twin._pace is not None
    assert made._pace.due_ticks < twin._pace.due_ticks
