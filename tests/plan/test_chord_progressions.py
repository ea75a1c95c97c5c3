"""Chords of a form: of the key, home at beginnings and at the end, the same where bars return."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.music.chords import CHORD_OPEN, QUALITIES
from ritornello.music.keys import KeyName
from ritornello.plan.chord_progressions import with_progressions
from ritornello.plan.form_filling import fill_form
from ritornello.plan.plan import Plan
from ritornello.plan.song_form import form_plan, parse_form
from ritornello.plan.style_usages import usages_of

KEYS = st.builds(KeyName, st.integers(0, 11), st.sampled_from(["major", "minor"]))


def form(text: str, seed: int) -> Plan:
    return fill_form(form_plan(parse_form(text)), np.random.default_rng(seed))


def pitch_classes(chord: int) -> set[int]:
    return {(chord + step) % 12 for step in [*QUALITIES.values()][chord // 12]}


@given(KEYS, st.integers(0, 1000))
def test_chords_are_of_the_key_and_end_at_its_tonic(key: KeyName, seed: int) -> None:
    plan = form("intro 4, A 8, B 8, A 8, end 4", seed)
    told = with_progressions(plan, key, np.random.default_rng(seed))
    assert all(pitch_classes(chord) <= key.pitch_classes for chord in told.chords.ravel().tolist())
    home = [told.chords[section.start, 0] % 12 for section in told.sections]
    assert {*home, told.chords[-1, 0] % 12} == {key.tonic}
    back = np.flatnonzero(plan.back[:-1] > 0)
    assert (told.chords[back] == told.chords[back - plan.back[back]]).all()


def test_a_piece_changes_its_chord_about_as_often_as_music_does() -> None:
    changes = []
    for seed in range(200):
        plan = form("A 8, B 8, A 8", seed)
        told = with_progressions(plan, KeyName(0), np.random.default_rng(seed))
        changes.append((told.chords[1:, 0] != told.chords[:-1, 0]).mean())
    assert np.mean(changes) == pytest.approx(0.58, abs=0.12)  # of 24,417 bars of training music


def test_what_is_stated_stays_and_other_scales_state_nothing() -> None:
    plan, rng = form("A 8, B 8", 0), np.random.default_rng(0)
    stated = plan.chords.copy()
    stated[3] = 7
    assert (with_progressions(replace(plan, chords=stated), KeyName(0), rng).chords == stated).all()
    assert (with_progressions(plan, KeyName(0, "dorian"), rng).chords == CHORD_OPEN).all()
    bare = replace(plan, sections=())
    assert (with_progressions(bare, KeyName(0), rng).chords == CHORD_OPEN).all()


def test_a_style_has_its_sevenths() -> None:
    plan = form("A 8, B 8, A 8", 1)
    sevenths = {"band_swing": 0, "open_hymnal_midi": 0}
    for style in sevenths:
        for seed in range(40):
            rng = np.random.default_rng(seed)
            told = with_progressions(plan, KeyName(0), rng, usages_of(style))
            kinds = [*QUALITIES]
            sevenths[style] += sum("7" in kinds[c // 12] for c in told.chords[:, 0].tolist())
    assert sevenths["band_swing"] > 3 * sevenths["open_hymnal_midi"]
