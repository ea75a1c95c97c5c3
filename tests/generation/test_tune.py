"""What a tune is held to: phrases without holes, notes that move, a compass that can be sung."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ritornello.generation.composer import Composer
from ritornello.generation.job import Job, whole_piece
from ritornello.generation.plan_drafts import complete_plan
from ritornello.generation.planned import by_plan, in_compass
from ritornello.generation.rules import Rules
from ritornello.generation.tune import Steps, Tune
from ritornello.metrics.keeping import tunes
from ritornello.music.instruments import parse_instrument
from ritornello.note_model.encoding.notes import part_of
from ritornello.plan.song_form import form_plan, parse_form

SONG = ("voice", "piano")
BAND = ("lead", "piano", "bass", "drums")


@pytest.fixture(scope="module")
def composer() -> Composer:
    return Composer.load()


def planned(rules: Rules, form: str = "A 8, B 4") -> Job:
    plan = form_plan(parse_form(form))
    made = whole_piece(rules)
    return by_plan(made, complete_plan(plan, made, 1), np.random.default_rng(1), hears=False)


def test_a_phrase_may_end_in_each_fourth_bar_and_at_the_end_of_a_section() -> None:
    tune = Tune.by_plan(7, form_plan(parse_form("A 6, B 4")))
    bar = 96
    rests = [tune.longest_rest(place * bar + 10, bar) for place in range(10)]
    assert [place for place, rest in enumerate(rests) if rest == bar] == [3, 5, 9]
    assert {rest for rest in rests if rest != bar} == {12}
    assert Tune.free(7).longest_rest(10, bar) == bar


def test_a_tune_that_repeats_its_note_too_often_moves() -> None:
    steps = Steps()
    for onset, pitch in enumerate((60, 60)):
        assert not steps.to_leave(24 * onset)
        steps = steps.after(24 * onset, pitch)
    assert (steps.count, steps.repeats) == (1, 1)
    assert steps.to_leave(48) == [60]
    steps = steps.after(48, 62).after(72, 64)
    assert (steps.count, steps.repeats) == (3, 1)
    assert not steps.to_leave(96)
    steps = steps.after(96, 64)
    assert steps.to_leave(120) == [64]
    assert not steps.to_leave(96 + 49)  # another phrase
    chord = steps.after(96, 67)
    assert not chord.to_leave(120)  # chords are no tune


def test_who_is_asked_for_a_density_may_rest_and_a_player_alone_has_no_tune() -> None:
    assert planned(Rules(12, parts=("piano",))).tune is None
    assert planned(Rules(12, parts=("piano", "bass", "drums"))).tune is None
    held, free = (planned(Rules(12, parts=SONG, densities=wish)) for wish in ({}, {"voice": 1.0}))
    voice = part_of(parse_instrument("voice"), 0)
    assert held.tune is not None
    assert replace(held.tune, registers=()) == Tune(voice, (288, 672, 1056), (384, 768, 1152))
    assert free.tune == Tune.free(voice)


def test_a_tune_has_a_compass_unless_the_rules_say_something_of_its_range() -> None:
    for parts, widest in ((SONG, 17), (("violin", "violin", "viola", "cello"), 26)):
        lows = set()
        for seed in range(20):
            job = in_compass(whole_piece(Rules(8, parts=parts)), np.random.default_rng(seed))
            ((low, high),) = job.ranges.values()
            assert high - low == widest
            lows.add(low)
        assert len(lows) > 3
    for rules in (
        Rules(8, parts=SONG, ranges={"voice": (50, 80)}),
        Rules(8, parts=("cello", "tuba")),
    ):
        job = whole_piece(rules)
        assert not in_compass(job, np.random.default_rng(1)).ranges


def test_sections_lie_low_and_high_by_turns_as_their_names_come() -> None:
    plan = form_plan(parse_form("intro 4, A 8, B 8, A 8, C 8, end 4"))
    for is_low, (a, b) in ((True, ((60, 72), (66, 78))), (False, ((66, 78), (60, 72)))):
        tune = Tune.by_plan(3, plan, (60, 78), is_low=is_low)
        found = [tune.register(bar * 96 + 95) for bar in (0, 4, 12, 20, 28, 36)]
        assert found == [(60, 78), a, b, a, a, (60, 78)]
    assert Tune.by_plan(3, plan).register(500) is None


def test_sections_of_composed_tunes_lie_apart_as_those_of_real_ones_do(composer: Composer) -> None:
    """Of 24 pieces of pop909 the means of neighbours are 2.9 semitones apart, of game music 4.5."""
    apart = []
    for piece in composer.compose_many(16, form="A 8, B 8, A 8", parts=BAND, metre="4/4", seed=1):
        notes = next(track.notes for track in piece.tracks if track.name == BAND[0])
        section = notes["onset"] // (32 * piece.resolution)
        one, other, again = (notes["pitch"][section == at].mean() for at in range(3))
        apart.append(abs(one - other))
        assert abs(one - again) < abs(one - other) + 3
    assert 2 < np.mean(apart) < 7


@pytest.mark.parametrize("parts", [SONG, BAND])
def test_composed_tunes_move_and_do_not_fall_apart(
    composer: Composer, parts: tuple[str, ...]
) -> None:
    pieces = composer.compose_many(6, bars=24, form="A 8, B 8, A 8", parts=parts, seed=1)
    for piece in pieces:
        tune = next(track.notes for track in piece.tracks if track.name == parts[0])
        assert np.ptp(tune["pitch"]) <= 17
    assert np.mean([tunes.repeated_notes(piece) for piece in pieces]) < 0.3
    waits = []
    for piece in pieces:
        tune = next(track.notes for track in piece.tracks if track.name == parts[0])
        ends = (tune["onset"] + tune["duration"])[:-1]
        bars = ends // (4 * piece.resolution) % 4
        waits += ((tune["onset"][1:] - ends) / piece.resolution)[bars < 3].tolist()
    assert np.mean(np.array(waits) >= 1.5) < 0.03


def test_a_tune_leaves_a_note_about_which_it_hovers() -> None:
    steps = Steps()
    for onset, pitch in enumerate((60, 62, 60, 64, 60, 62)):
        steps = steps.after(24 * onset, pitch)
    assert steps.to_leave(24 * 6) == []
    steps = steps.after(24 * 6, 60)
    assert steps.to_leave(24 * 7) == [60]
    for onset, pitch in enumerate((62, 64, 65), 7):
        steps = steps.after(24 * onset, pitch)
    assert steps.to_leave(24 * 10) == []  # the first of the four is long ago
