"""The grid and the density of a style are drawn for a form, once a name; what is stated stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.generation.composer import Composer
from ritornello.plan.activity import Activity, with_activity
from ritornello.plan.analysis import analyse
from ritornello.plan.feel import EIGHTHS, SIXTEENTHS, TRIPLETS
from ritornello.plan.plan import Plan
from ritornello.plan.song_form import form_plan, parse_form
from ritornello.plan.style_usages import StyleUsages

FORM = "intro 4, A 8, B 8, A 8, end 4"
USUAL = (Activity(EIGHTHS, 1.0), Activity(SIXTEENTHS, 3.0))


def formed() -> Plan:
    return form_plan(parse_form(FORM), (4, 4))


@given(seed=st.integers(0, 1000))
def test_sections_of_one_name_are_alike_and_of_a_style(seed: int) -> None:
    plan = with_activity(formed(), USUAL, np.random.default_rng(seed))
    by_name: dict[str, set[tuple[int, float]]] = {}
    for section in plan.sections:
        inside = slice(section.start, section.end)
        pairs = zip(plan.feel[inside].tolist(), plan.density[inside].tolist(), strict=True)
        by_name.setdefault(section.name, set()).update(pairs)
    assert all(len(found) == 1 for found in by_name.values())
    assert {*plan.feel.tolist()} <= {EIGHTHS, SIXTEENTHS}


def test_what_is_stated_stays() -> None:
    plan = formed()
    stated = replace(plan, density=np.where(np.arange(plan.bars) == 3, 2.0, np.nan))
    assert with_activity(stated, USUAL, np.random.default_rng(0)) == stated
    assert with_activity(plan, (), np.random.default_rng(0)) == plan


@pytest.mark.parametrize(("feel", "density"), [(EIGHTHS, 1.6), (TRIPLETS, 2.4), (SIXTEENTHS, 3.4)])
def test_music_for_two_goes_on_the_grid_and_as_busily_as_drawn(
    monkeypatch: pytest.MonkeyPatch, feel: int, density: float
) -> None:
    usages = StyleUsages((90.0,), activities={2: (Activity(feel, density),)})
    monkeypatch.setattr("ritornello.generation.plan_drafts.usages_of", lambda name: usages)
    pieces = Composer.load().compose_many(
        8, bars=16, parts=("violin", "piano"), metre=(4, 4),
        collection="openscore_lieder_midi", seed=1,
    )  # fmt: skip
    plans = [analyse(piece) for piece in pieces]
    feels = np.concatenate([plan.feel[:-1] for plan in plans])
    assert (feels == feel).mean() > 0.4
    each = float(np.mean([plan.density[:-1].mean() / 2 for plan in plans]))
    assert 0.6 * density < each < 1.6 * density
