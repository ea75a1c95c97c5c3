"""Chords stated with their seconds are those that a band plays, and what is no chord is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ritornello import api
from ritornello.accompany.form import Form, plan_form
from ritornello.accompany.stated_chords import chart_of, parse_stated
from ritornello.errors import ConfigError
from ritornello.music.chords import Chart, parse_chord
from ritornello.transcribe.values import HEARD_NOTE_DTYPE, Beats
from tests.examples import solo


def _form(duration_seconds: float | None = None) -> Form:
    """Four bars of 2 seconds, beats half a second apart, the first bar line at 0.5."""
    beats = Beats(0.5 + 0.5 * np.arange(17), (4, 4), 0, 4, 0.9, 0.9)
    rows = [(0.5 + 0.5 * beat, 0.9 + 0.5 * beat, 60, 80, 1.0) for beat in range(16)]
    notes = np.array(rows, HEARD_NOTE_DTYPE)
    return plan_form(beats, notes, 8.5, duration_seconds=duration_seconds)


def _names(chart: Chart) -> list[list[str]]:
    return [[str(chord) for chord in bar] for bar in chart]


def test_a_chord_begins_with_the_nearest_beat() -> None:
    chart = chart_of(parse_stated([(0.6, "Am"), (2.45, "F"), (3.6, "G7/B")]), _form())
    assert _names(chart)[:3] == [["Am"], ["F", "F", "G7/B", "G7/B"], ["G7/B"]]


def test_what_comes_round_again_has_its_chords_again() -> None:
    stated = parse_stated([(0.5, "C"), (4.5, "G")])
    chart = chart_of(stated, _form(16.5))
    assert _names(chart)[:8] == [["C"], ["C"], ["G"], ["G"]] * 2


@pytest.mark.parametrize(
    ("chords", "said"), [([], "No chord"), ([(1.0, "Hx")], "Hx"), ([(-1.0, "C")], "0 seconds")]
)
def test_what_is_no_chord_is_told(chords: list[tuple[float, str]], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_stated(chords)


def test_a_bass_plays_the_roots_that_are_stated(tmp_path: Path, tiny_model: Path) -> None:
    take = tmp_path / "take.wav"
    api.render(solo(bars=4, tempo_bpm=120), take)
    beats = [0.5 * beat for beat in range(16)]
    hints = api.Hints(metre=(4, 4), downbeat_seconds=0.0, beats_seconds=tuple(beats))
    stated = [(0.0, "Ebm"), (2.0, "B"), (4.0, "Db/F"), (6.0, "Ebm")]
    made = api.remix(
        take, tmp_path / "out", parts=["bass"], hints=hints, chords_at=stated, model=tiny_model
    )
    bass, starts = made.piece.tracks[1].notes, made.piece.bar_starts_ticks()
    seconds = made.piece.ticks_to_seconds(starts)
    for start, symbol in stated:
        line = starts[np.abs(seconds - start).argmin()]
        chord = parse_chord(symbol)
        lowest = chord.root if chord.bass is None else chord.bass
        for pitch in bass["pitch"][bass["onset"] == line]:
            assert pitch % 12 == lowest, (symbol, pitch)
    assert len(bass)
