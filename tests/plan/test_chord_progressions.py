"""Chords of a form: home at its beginning and its end, the same where bars return."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.music.chords import CHORD_OPEN, QUALITIES, Chord, chord_class, chord_of_class
from ritornello.music.keys import KeyName
from ritornello.plan.chord_progressions import with_progressions
from ritornello.plan.form_filling import fill_form
from ritornello.plan.plan import Plan
from ritornello.plan.song_form import form_plan, parse_form

KEYS = st.builds(KeyName, st.integers(0, 11), st.sampled_from(["major", "minor"]))


def form(text: str, seed: int) -> Plan:
    return fill_form(form_plan(parse_form(text)), np.random.default_rng(seed))


def pitch_classes(chord: int) -> set[int]:
    return {(chord + step) % 12 for step in [*QUALITIES.values()][chord // 12]}


@given(KEYS, st.integers(0, 1000), st.sampled_from([None, "band_rock", "freedoom_midi"]))
def test_a_piece_begins_and_ends_at_home_in_chords_that_its_notes_may_have(
    key: KeyName, seed: int, style: str | None
) -> None:
    plan = form("intro 4, A 8, B 8, A 8, end 4", seed)
    rng = np.random.default_rng(seed)
    told = with_progressions(plan, key, rng, style, within=key.pitch_classes)
    assert all(pitch_classes(chord) <= key.pitch_classes for chord in told.chords.ravel().tolist())
    home = chord_class(Chord(key.tonic, "min" if key.is_minor else "maj"))
    assert {told.chords[bar, 0] for bar in (0, 4, 20, -1)} == {home}  # intro, A, A, end
    back = np.flatnonzero(plan.back[:-1] > 0)
    assert (told.chords[back] == told.chords[back - plan.back[back]]).all()


def test_a_scale_without_the_chords_of_its_key_still_has_a_home() -> None:
    plan = form("A 8, B 8", 0)
    told = with_progressions(plan, KeyName(0), np.random.default_rng(0), within={0, 1, 6})
    assert {*told.chords.ravel().tolist()} == {chord_class(Chord(0))}


def test_harmony_moves_about_as_in_real_bands() -> None:
    """Of 45 training pieces each: new chords in .66 of the bars, 8 different ones in 32 bars; the
    second section begins at home in .32."""
    changes, kinds, homes = [], [], []
    for seed in range(200):
        plan = form("A 8, B 8, A 8, C 8", seed)
        told = with_progressions(plan, KeyName(0), np.random.default_rng(seed), "band_rock")
        chords = told.chords[:, 0]
        changes.append((chords[1:] != chords[:-1]).mean())
        kinds.append(len({*chords[:32].tolist()}))
        homes.append(chords[8] == chords[0])
    assert np.mean(changes) == pytest.approx(0.7, abs=0.1)  # less is heard of it
    assert np.mean(kinds) == pytest.approx(8.5, abs=1.0)
    assert np.mean(homes) < 0.5


def test_what_is_stated_stays_and_other_scales_state_nothing() -> None:
    plan, rng = form("A 8, B 8", 0), np.random.default_rng(0)
    stated = plan.chords.copy()
    stated[3] = 7
    assert (with_progressions(replace(plan, chords=stated), KeyName(0), rng).chords == stated).all()
    assert (with_progressions(plan, KeyName(0, "dorian"), rng).chords == CHORD_OPEN).all()
    bare = replace(plan, sections=())
    assert (with_progressions(bare, KeyName(0), rng).chords == CHORD_OPEN).all()


def test_within_a_scale_sevenths_stay_sevenths() -> None:
    scale = {0, 2, 4, 5, 7, 9, 11}
    kinds: Counter[str] = Counter()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        told = with_progressions(form("A 8, B 8", 1), KeyName(0), rng, "band_swing", within=scale)
        chords = [*map(chord_of_class, told.chords[:, 0].tolist())]
        assert all(chord is not None and chord.pitch_classes <= scale for chord in chords)
        kinds.update(chord.quality for chord in chords if chord is not None)
    assert kinds["min7"] > 0.1 * kinds.total()


def test_a_style_has_its_sevenths() -> None:
    plan = form("A 8, B 8, A 8", 1)
    sevenths = {"band_swing": 0, "open_hymnal_midi": 0}
    for style in sevenths:
        for seed in range(40):
            rng = np.random.default_rng(seed)
            told = with_progressions(plan, KeyName(0), rng, style)
            kinds = [*QUALITIES]
            sevenths[style] += sum("7" in kinds[c // 12] for c in told.chords[:, 0].tolist())
    assert sevenths["band_swing"] > 2.5 * sevenths["open_hymnal_midi"]
