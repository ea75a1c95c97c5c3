"""Forms and durations as people write them."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.errors import ConfigError
from ritornello.plan.song_form import (
    bars_of_duration,
    form_plan,
    form_text,
    parse_duration,
    parse_form,
    usual_form,
)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("intro 4, A 8, B 8, A 8, end 4", "intro 4, A 8, B 8, A 8, end 4"),
        ("Intro, a; B 16 | a 8 bars, outro", "intro 4, A 8, B 16, A 8, end 4"),
        ("AABA", "A 8, A 8, B 8, A 8"),
        ("verse 12, refrain", "verse 12, chorus 8"),
        ("A8,B8", "A 8, B 8"),
    ],
)
def test_forms(text: str, form: str) -> None:
    assert form_text(parse_form(text)) == form
    assert parse_form(form) == parse_form(text)


def test_a_form_as_a_plan_states_its_sections_alone() -> None:
    sections = parse_form("A 8, B 4")
    plan = form_plan(sections, (3, 4))
    assert (plan.bars, plan.sections) == (12, sections)
    assert plan.lengths.tolist() == [72] * 12
    assert (plan.back == -1).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("intro 4, vers 8", "No section is called 'vers'.\n.*'verse'"),
        ("A 4001", "4001 bars; a piece has at most 4000"),
        ("A 2000, B 2000, A 8", "4008 bars"),
        ("A 0", "at least one bar"),
        ("A 8 8", "'A 8 8' is no section"),
        ("8", "'8' is no section"),
        (" , ", "no section in the form"),
        ("A 8, intro 4", "An intro stands first"),
        ("end 4, A 8", "an end last"),
    ],
)
def test_bad_forms_are_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"(?s){message}"):
        parse_form(text)


def test_a_form_must_have_the_bars_asked_for() -> None:
    assert parse_form("A 8, B 8", bars=16)
    with pytest.raises(ConfigError, match="16 bars together, and 20"):
        parse_form("A 8, B 8", bars=20)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2:00", 120), ("1:02:30", 3750), ("0:07.5", 7.5), ("90", 90), ("90s", 90), ("1m30s", 90),
     ("2 min", 120), ("1.5m", 90), ("45 sec", 45)],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "two minutes", "1:75", "-5", "2:00:00:00", "nan"])
def test_bad_durations_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a duration"):
        parse_duration(text)


def test_a_duration_in_bars() -> None:
    assert bars_of_duration(120, 120) == 60
    assert bars_of_duration(120, 90, (3, 4)) == 60
    assert bars_of_duration(60, 120, (6, 8)) == 40
    assert bars_of_duration(0.1, 120) == 1
    with pytest.raises(ConfigError, match="at most 4000"):
        bars_of_duration(36_000, 120)


@given(st.integers(1, 400), st.integers(0, 99), st.booleans(), st.booleans())
def test_a_usual_form_has_just_the_bars_asked_for(
    bars: int, seed: int, twice: bool, late: bool
) -> None:
    sections = usual_form(bars, np.random.default_rng(seed), twice=twice, late=late)
    assert sections[0].start == 0
    assert sections[-1].end == bars
    assert all(one.end == two.start for one, two in itertools.pairwise(sections))
    assert all(section.bars > 0 for section in sections)
    assert parse_form(form_text(sections)) == sections


def test_songs_come_back_after_any_number_of_bars_and_bands_after_eights() -> None:
    def returns(**how: bool) -> Counter[int]:
        found: Counter[int] = Counter()
        for seed in range(60):
            first: dict[str, int] = {}
            for section in usual_form(64, np.random.default_rng(seed), **how):
                begun = first.setdefault(section.name, section.start)
                found[section.start - begun] += section.start > begun
        return found

    assert all(distance % 8 == 0 for distance in returns())
    assert max(returns(late=True).values()) < 0.2 * returns(late=True).total()
    assert len([*returns(late=True)]) > 12
