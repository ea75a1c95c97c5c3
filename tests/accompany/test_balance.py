"""Levels of a band: the solo in front, each instrument in its place, nothing pulled up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.accompany.balance import USUAL_LUFS, levels_db
from ritornello.music.instruments import parse_instrument

DRUMS, BASS, PIANO, STRINGS = map(parse_instrument, ("drums", "bass", "piano", "strings"))
NAMES = {"a": {DRUMS}, "b": {BASS}, "c": {PIANO}, "d": {STRINGS}, "e": {PIANO, STRINGS}}


def test_rhythm_stands_before_chords_and_chords_before_held_chords() -> None:
    played = dict.fromkeys(NAMES, USUAL_LUFS)
    levels = levels_db(played, NAMES, -20.0)
    assert levels["a"] > levels["b"] > levels["c"] > levels["d"]
    assert levels["e"] == levels["c"]


@given(
    played=st.fixed_dictionaries({name: st.floats(-60, -5) | st.just(-np.inf) for name in NAMES}),
    solo=st.floats(-50, -5) | st.just(-np.inf),
)
def test_solo_is_louder_than_the_band(played: dict[str, float], solo: float) -> None:
    levels = levels_db(played, NAMES, solo)
    reference = solo if np.isfinite(solo) else -20.0
    power = sum(10 ** ((played[name] + levels[name]) / 10) for name in NAMES)
    assert power <= 10 ** ((reference - 1 + 1e-6) / 10)
    assert all(levels[name] == 0 for name in NAMES if played[name] == -np.inf)


def test_soft_part_is_not_pulled_up_without_bound() -> None:
    soft, usual = (levels_db({"a": lufs}, NAMES, -20.0)["a"] for lufs in (-55.0, USUAL_LUFS))
    assert soft == pytest.approx(usual + 9)
