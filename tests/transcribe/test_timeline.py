"""Timelines: the player's beats, in pieces and in MIDI files, are where the player played them."""

from __future__ import annotations

import io

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.music.io import midi_write
from ritornello.music.piece import Metre
from ritornello.transcribe.timeline import RESOLUTION, Timeline
from ritornello.transcribe.values import HEARD_NOTE_DTYPE, Beats

METRES = {(4, 4): 4, (3, 4): 3, (2, 2): 2, (6, 8): 2, (12, 8): 4, (5, 8): 5, (7, 8): 7, (2, 4): 2}


def beats_of(
    first_seconds: float,
    intervals_seconds: list[float] | np.ndarray,
    metre: tuple[int, int] = (4, 4),
    downbeat: int = 0,
) -> Beats:
    times = first_seconds + np.cumsum(np.append(0, intervals_seconds))
    return Beats(times, metre, downbeat % METRES[metre], METRES[metre], 0.9, 0.9)


@st.composite
def played(draw: st.DrawFn) -> tuple[Beats, float]:
    """A player's beats, from rigid to very free, and how long the recording lasts."""
    period = draw(st.floats(0.2, 2.0))
    rubato = st.floats(0.6, 1.6)
    intervals = period * np.array(draw(st.lists(rubato, min_size=1, max_size=60)))
    first = draw(st.one_of(st.just(0.0), st.floats(0.03, 30.0)))
    metre = draw(st.sampled_from(list(METRES)))
    beats = beats_of(first, intervals, metre, draw(st.integers(0, 20)))
    return beats, float(beats.times_seconds[-1]) + draw(st.floats(0.0, 20.0))


def beat_ticks(timeline: Timeline, beats: Beats) -> np.ndarray:
    """Where the beats should be, counted from the first bar line."""
    beat = Metre(0, *beats.metre).beat_ticks(RESOLUTION)
    away = np.arange(len(beats.times_seconds)) - beats.first_downbeat
    ticks = timeline.first_bar_tick + away * beat
    # The first bar line may be one of beats that were added before the first.
    bar = timeline.bar_ticks
    nearest = round((timeline.ticks(beats.times_seconds[0]) - ticks[0]) / bar)
    result: np.ndarray = ticks + nearest * bar
    return result


def midi_seconds(data: bytes, ticks: np.ndarray) -> np.ndarray:
    """When ticks of a MIDI file come, with the tempi as mido reads them."""
    file = mido.MidiFile(file=io.BytesIO(data))
    now, at, tempi = 0, [], []
    for message in file.tracks[0]:
        now += message.time
        if message.type == "set_tempo":
            at.append(now)
            tempi.append(message.tempo)
    starts = np.append(0, np.cumsum(np.diff(at) * tempi[:-1]))
    node = np.searchsorted(at, ticks, side="right") - 1
    result: np.ndarray = (starts[node] + (ticks - np.array(at)[node]) * np.array(tempi)[node]) / (
        file.ticks_per_beat * 1e6
    )
    return result


@given(played())
@settings(max_examples=150)
def test_beats_are_where_the_player_played_them(found: tuple[Beats, float]) -> None:
    beats, duration = found
    timeline = Timeline.of_beats(beats, duration)
    ticks = beat_ticks(timeline, beats)
    piece = timeline.piece(np.zeros(0, HEARD_NOTE_DTYPE))
    np.testing.assert_allclose(piece.ticks_to_seconds(ticks), beats.times_seconds, atol=1e-5)
    np.testing.assert_allclose(timeline.seconds(ticks), beats.times_seconds, atol=1e-5)
    data = midi_write.write_bytes(piece)
    np.testing.assert_allclose(midi_seconds(data, ticks), beats.times_seconds, atol=1e-5)


@given(played())
@settings(max_examples=150)
def test_bars_begin_on_downbeats(found: tuple[Beats, float]) -> None:
    beats, duration = found
    timeline = Timeline.of_beats(beats, duration)
    assert timeline.seconds(0) == 0
    assert 0 <= timeline.first_bar_tick <= timeline.bar_ticks
    starts = timeline.piece(np.zeros(0, HEARD_NOTE_DTYPE)).bar_starts_ticks()
    if timeline.first_bar_tick < timeline.length_ticks:
        assert timeline.first_bar_tick in starts
    downbeats = timeline.ticks(beats.downbeats_seconds)
    assert not ((downbeats - timeline.first_bar_tick) % timeline.bar_ticks).any()


@given(played(), st.lists(st.floats(0, 100), min_size=1, max_size=20))
@settings(max_examples=100)
def test_ticks_and_seconds_undo_each_other(
    found: tuple[Beats, float], seconds: list[float]
) -> None:
    timeline = Timeline.of_beats(*found)
    ticks = timeline.ticks(np.array(seconds))
    np.testing.assert_array_equal(timeline.ticks(timeline.seconds(ticks)), ticks)
    coarsest = timeline.quarter_microseconds.max() / RESOLUTION / 1e6
    np.testing.assert_allclose(timeline.seconds(ticks), seconds, atol=coarsest / 2 + 1e-9)
    order = np.sort(seconds)
    assert (np.diff(timeline.ticks(order)) >= 0).all()


def test_two_hours_of_rubato_stay_in_time_in_a_midi_file() -> None:
    rng = np.random.default_rng(5)
    intervals = 0.4731 * np.exp(0.2 * rng.standard_normal(14_500))
    beats = beats_of(0.333, intervals[np.cumsum(intervals) < 7200])
    timeline = Timeline.of_beats(beats, 7200)
    notes = np.zeros(len(beats.times_seconds), HEARD_NOTE_DTYPE)
    notes["onset_seconds"] = beats.times_seconds
    notes["end_seconds"] = beats.times_seconds + 0.1
    notes["pitch"], notes["velocity"] = 60, 80
    file = mido.MidiFile(file=io.BytesIO(midi_write.write_bytes(timeline.piece(notes))))
    heard, now = [], 0.0
    for message in file:
        now += message.time  # seconds between messages
        if message.type == "note_on" and message.velocity:
            heard.append(now)
    np.testing.assert_allclose(heard, beats.times_seconds, atol=1e-5)


@pytest.mark.parametrize(
    ("first", "downbeat", "metres"),
    [
        (0.0, 0, (Metre(0, 4, 4),)),
        (0.0, 1, (Metre(0, 1, 4), Metre(960, 4, 4))),
        (0.25, 0, (Metre(0, 1, 8), Metre(480, 4, 4))),
        (0.37, 2, (Metre(0, 11, 16), Metre(2640, 4, 4))),
        (0.04, 0, (Metre(0, 1, 32), Metre(120, 4, 4))),
        (0.003, 0, (Metre(0, 4, 4),)),
        (2.5, 2, (Metre(0, 3, 4), Metre(2880, 4, 4))),
    ],
)
def test_the_lead_in_is_an_incomplete_bar_near_the_tempo(
    first: float, downbeat: int, metres: tuple[Metre, ...]
) -> None:
    timeline = Timeline.of_beats(beats_of(first, [0.5] * 12, downbeat=downbeat), 9)
    assert timeline.metres == metres


def test_the_last_tempo_goes_on() -> None:
    timeline = Timeline.of_beats(beats_of(0, [0.5] * 10 + [0.6] * 20), 100)
    assert timeline.seconds(timeline.ticks(17) + 4 * 960) == pytest.approx(17 + 4 * 0.6, abs=1e-6)


def test_notes_keep_the_players_time_and_end_with_the_recording() -> None:
    timeline = Timeline.of_beats(beats_of(0.1, [0.5] * 7), 4.0)
    notes = np.array(
        [(0.1, 0.4, 60, 90, 0.9), (1.234, 1.234, 64, 0, 0.5), (3.9, 9.0, 67, 200, 0.5)],
        HEARD_NOTE_DTYPE,
    )
    piece = timeline.piece(notes, program=25, name="guitar")
    table = piece.tracks[0].notes
    np.testing.assert_allclose(
        piece.ticks_to_seconds(table["onset"]), notes["onset_seconds"], atol=6e-4
    )
    assert table["velocity"].tolist() == [90, 1, 127]
    assert table["duration"].min() >= 1
    assert piece.length_ticks == timeline.length_ticks
