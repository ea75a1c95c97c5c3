"""Plans as text: what is written is read back, and what cannot be read is said where."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from ritornello.errors import ConfigError, InputError
from ritornello.music.chords import chord_class, parse_chord
from ritornello.music.piece import Metre, Piece
from ritornello.plan.analysis import analyse
from ritornello.plan.plan import OPEN, Plan
from ritornello.plan.plan_text import parse_plan, plan_text
from ritornello.plan.returning_bars import AGAIN, NEW
from tests.examples import band
from tests.plan.songs import phrase, song
from tests.strategies import pieces


def without_players(plan: Plan) -> Plan:
    """What of a plan is written."""
    nothing = np.zeros((0, 0), np.int64)
    return replace(plan, back_by_player=nothing, close_by_player=nothing)


def test_a_plan_is_read_as_it_was_written() -> None:
    for piece in (song(phrase(1), phrase(1), phrase(2)), band(3, metre=(6, 8))):
        plan = without_players(analyse(piece))
        assert parse_plan(plan_text(plan)) == plan


@settings(max_examples=60)
@given(pieces(bars=8))
def test_any_plan_is_read_as_it_was_written(piece: Piece) -> None:
    if piece.note_count:
        plan = without_players(analyse(piece))
        # A bar that a later metre cuts short is as long as its own metre says when read again.
        if (plan.lengths == [plan.metre_of(b).bar_ticks(24) for b in range(plan.bars)]).all():
            assert parse_plan(plan_text(plan)) == plan


def test_what_a_line_does_not_say_is_open() -> None:
    plan = parse_plan("""
        metre = "3/4"
        players = ["piano", "violin 2", "violin"]
        bars = [
          { bar = 1, section = "verse", new = true, chords = "Am G7" },
          { bar = 2, plays = ["violin 2"], metre = "4/4" },
          { bar = 3, section = "outro", again = 2, loudness = 64, feel = "swung", swing = 1.5 },
          { bar = 4 },
        ]""")
    assert [str(player) for player in plan.players] == ["piano", "violin", "violin 2"]
    assert plan.back.tolist() == [0, OPEN, 1, OPEN]
    assert plan.close.tolist() == [NEW, OPEN, AGAIN, OPEN]
    assert plan.chords[0].tolist() == [chord_class(parse_chord(name)) for name in ("Am", "G7")]
    assert plan.plays.tolist()[1] == [0, 0, 1]
    assert plan.metres == (Metre(0, 3, 4), Metre(72, 4, 4))
    assert [(s.name, s.bars) for s in plan.sections] == [("verse", 2), ("end", 2)]
    assert plan.loudness[2] == 64
    assert np.isnan(plan.loudness[3])
    assert parse_plan(plan_text(plan)) == plan


LINE = '{ bar = 1, chords = "C" }'


@pytest.mark.parametrize(
    ("bars", "message"),
    [
        (['{ bar = 1, chrods = "C" }'], "bar 1: .*'chrods'.*\n.*'chords'"),
        ([LINE, "{ bar = 3 }"], "bar 2: Expected bar = 2, found bar = 3"),
        ([LINE, "{ chords = 'F' }"], "bar 2: Expected bar = 2"),
        (['{ bar = 1, chords = "H7" }'], "bar 1: 'H7' is not a chord"),
        (['{ bar = 1, chords = "C F G" }'], "bar 1: .*one or two chords"),
        ([LINE, "{ bar = 2, again = 2 }"], "bar 2: again names an earlier bar"),
        ([LINE, "{ bar = 2, again = 1, varied = 1 }"], "bar 2: .*not both"),
        ([LINE, "{ bar = 2, new = 3 }"], "bar 2: Write new = true"),
        (
            [LINE, '{ bar = 2, metre = "3/4", again = 1 }'],
            "bar 2 of the plan: It returns to the bar 1 before",
        ),
        (['{ bar = 1, section = "vers" }'], "bar 1: No section is called 'vers'.\n.*'verse'"),
        ([LINE, '{ bar = 2, section = "A" }'], "first section begins at bar 1"),
        (['{ bar = 1, plays = ["oboe"] }'], "bar 1: oboe is not among the players"),
        (['{ bar = 1, plays = ["obo"] }'], "bar 1: No instrument is called 'obo'"),
        (["{ bar = 1, density = -1 }"], "bar 1: density is a number from 0"),
        (["{ bar = 1, loudness = 'loud' }"], "bar 1: loudness is a number"),
        (["{ bar = 1, feel = 'swing' }"], "bar 1: 'swing' is no feel.\n.*swung"),
        (["7"], "bar 1: A line is a table"),
        ([], "1 to 4000 bars; found 0"),
        ([f"{{ bar = {bar + 1} }}" for bar in range(4001)], "1 to 4000 bars; found 4001"),
    ],
)
def test_bad_lines_are_refused_with_their_bar(bars: list[str], message: str) -> None:
    text = f'players = ["piano"]\nbars = [{", ".join(bars)}]'
    with pytest.raises(ConfigError, match=f"(?s)song.toml.*{message}"):
        parse_plan(text, "song.toml")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("bars = [", InputError, "no TOML"),
        (f"bras = [{LINE}]", ConfigError, "'bras'.*\n.*'bars'"),
        (f'key = "H"\nbars = [{LINE}]', ConfigError, "'H' is not a key"),
        (f'metre = "4/5"\nbars = [{LINE}]', ConfigError, "'4/5' is not a metre"),
        (f'players = ["oboe", "oboe"]\nbars = [{LINE}]', ConfigError, "named twice"),
        (f'format = "other"\nbars = [{LINE}]', InputError, "Expected the format"),
        (f"tempo = 0\nbars = [{LINE}]", ConfigError, "tempo is a number from 1"),
    ],
)
def test_bad_files_are_refused(text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"(?s)song.toml: .*{message}"):
        parse_plan(text, "song.toml")
