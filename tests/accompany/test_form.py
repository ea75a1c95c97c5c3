"""A remix lasts exactly as long as asked for, in whole bars, and knows where it ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ritornello.accompany.form import plan_form
from ritornello.errors import ConfigError
from ritornello.transcribe.values import HEARD_NOTE_DTYPE, Beats


def heard(onsets: list[float], length: float = 0.4) -> np.ndarray:
    rows = [(onset, onset + length, 60, 80, 1.0) for onset in onsets]
    return np.array(rows, HEARD_NOTE_DTYPE)


def steady(first: float = 0.5, period: float = 0.5, count: int = 32, downbeat: int = 0) -> Beats:
    return Beats(first + period * np.arange(count), (4, 4), downbeat, 4, 0.9, 0.9)


@st.composite
def takes(draw: st.DrawFn) -> tuple[Beats, np.ndarray, float]:
    count = draw(st.integers(8, 60))
    periods = draw(st.lists(st.floats(0.3, 1.0), min_size=count, max_size=count))
    times = draw(st.floats(0, 2)) + np.cumsum(periods)
    per_bar = draw(st.integers(2, 4))
    downbeat = draw(st.integers(0, per_bar - 1))
    played = sorted(draw(st.lists(st.floats(0, times[-1]), min_size=1, max_size=30)))
    beats = Beats(times, (per_bar, 4), downbeat, per_bar, 0.5, 0.5)
    return beats, heard(played), float(times[-1]) + draw(st.floats(0, 3))


@given(takes(), st.one_of(st.none(), st.floats(5, 200)), st.booleans())
def test_a_form_is_whole_bars_in_exactly_the_time_asked_for(
    take: tuple[Beats, np.ndarray, float], asked: float, loop: bool
) -> None:
    beats, notes, seconds = take
    try:
        form = plan_form(beats, notes, seconds, duration_seconds=asked, loop=loop)
    except ConfigError:
        assume(False)
    lines = form.beats.downbeats_seconds
    assert form.duration_seconds == asked if asked else form.duration_seconds >= seconds
    assert form.last_bar_seconds in lines
    assert form.first_bar_seconds < form.last_bar_seconds < form.duration_seconds
    assert form.ringing_seconds > 1.5 - 1e-3
    assert (np.diff(form.beats.times_seconds) > 0).all()
    assert form.beats.times_seconds[-1] > form.end_seconds > form.last_bar_seconds
    if asked is None or asked >= seconds:  # the recording is there, and unchanged
        once = form.notes["onset_seconds"][: len(notes)]
        np.testing.assert_allclose(once, notes["onset_seconds"][: len(once)])


def test_without_a_duration_the_band_ends_with_the_player() -> None:
    onsets = [0.5 + 0.5 * beat for beat in range(13)]  # three bars and the first beat of a fourth
    form = plan_form(steady(), heard(onsets), 9.0)
    assert (form.first_bar_seconds, form.last_bar_seconds) == (0.5, 6.5)
    assert form.duration_seconds == 9.0
    assert form.loop_seconds is None


def test_a_player_who_stops_in_the_middle_of_a_bar_is_given_an_ending() -> None:
    onsets = [0.5 + 0.5 * beat for beat in range(14)]
    form = plan_form(steady(), heard(onsets), 7.5)
    assert form.last_bar_seconds == 8.5
    assert form.duration_seconds == 10.5
    assert (form.loop_seconds, form.plays_on, len(form.notes)) == (None, False, 14)


def test_a_pickup_is_played_alone() -> None:
    form = plan_form(steady(downbeat=3), heard([0.5, 1.0, 1.5, 2.0, 4.0, 6.0]), 8.0)
    assert form.first_bar_seconds == 2.0


def test_silence_before_the_player_is_not_filled() -> None:
    form = plan_form(steady(), heard([8.5, 9.0, 9.5, 10.5, 12.5]), 16.0)
    assert form.first_bar_seconds == 8.5


def test_a_longer_remix_brings_the_recording_round_again_on_the_bar() -> None:
    onsets = [0.3, *(0.5 + 0.5 * beat for beat in range(16))]  # an upbeat and four bars
    form = plan_form(steady(), heard(onsets), 9.0, duration_seconds=30.0)
    assert form.loop_seconds == (0.5, 8.5)
    again = form.notes["onset_seconds"][17:33]
    np.testing.assert_allclose(again, np.array(onsets[1:]) + 8.0)
    assert form.notes["end_seconds"].max() <= form.last_bar_seconds
    assert form.duration_seconds - form.last_bar_seconds < 2.0 + 2.0


def test_or_lets_it_rest() -> None:
    onsets = [0.5 + 0.5 * beat for beat in range(16)]
    form = plan_form(steady(), heard(onsets), 9.0, duration_seconds=30.0, loop=False)
    assert form.loop_seconds is None
    assert len(form.notes) == 16
    assert form.last_bar_seconds > 26


def test_two_bars_are_the_least() -> None:
    with pytest.raises(ConfigError, match=r"comes in at 0\.5 seconds"):
        plan_form(steady(), heard([0.5, 4.0]), 5.0, duration_seconds=3.0)
