"""Plans read from pieces whose form is known, and what holds for any piece."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.errors import InputError
from ritornello.files import load as read
from ritornello.music.chords import chord_class, parse_chord
from ritornello.music.piece import Metre, Piece, Track
from ritornello.plan.analysis import analyse
from ritornello.plan.bar_strokes import FARTHEST_BARS, Shared, Strokes
from ritornello.plan.feel import FEELS
from ritornello.plan.plan import OPEN
from ritornello.plan.returning_bars import AGAIN, NEW, VARIED
from tests.examples import band
from tests.plan.songs import BAR, phrase, song, transposed, varied
from tests.strategies import pieces

A, B, C = (phrase(seed) for seed in (1, 2, 3))


def form(piece: Piece) -> str:
    return " ".join(f"{section.name}{section.bars}" for section in analyse(piece).sections)


def test_a_song_form_is_read_bar_for_bar() -> None:
    plan = analyse(song(A, A, B, A))
    assert plan.back.tolist() == [0] * 8 + [8] * 8 + [0] * 8 + [16] * 8
    assert plan.close.tolist() == [NEW] * 8 + [AGAIN] * 8 + [NEW] * 8 + [AGAIN] * 8
    assert [(section.name, section.bars) for section in plan.sections] == [
        ("A", 8), ("A", 8), ("B", 8), ("A", 8),
    ]  # fmt: skip
    drums, *_, flute = plan.back_by_player.T  # by chance the bass returns from elsewhere as well
    np.testing.assert_array_equal(drums, plan.back)
    np.testing.assert_array_equal(flute, plan.back)


def test_what_returns_varied_is_the_same_section() -> None:
    plan = analyse(song(A, varied(A, 5), B, A))
    assert plan.back.tolist() == [0] * 8 + [8] * 8 + [0] * 8 + [24] * 8  # the unvaried one
    assert VARIED in plan.close[8:16].tolist()
    assert NEW not in plan.close[8:16].tolist()
    assert form(song(A, varied(A, 5), B, A)) == "A8 A8 B8 A8"
    melody = plan.players.index(max(plan.players))  # the flute
    bass = [str(player) for player in plan.players].index("bass")
    assert (plan.close_by_player[8:16, bass] == AGAIN).all()
    assert (plan.close_by_player[8:16, melody] == VARIED).any()


def test_a_section_in_another_key_is_the_same_section_of_new_bars() -> None:
    piece = song(A, B, transposed(A, 2))
    plan = analyse(piece)
    assert plan.back[16:].tolist() == [0] * 8
    assert form(piece) == "A8 B8 A8"


def test_a_thin_beginning_is_an_intro_and_a_short_close_the_end() -> None:
    intro, close = phrase(7, bars=4, per_bar=1), phrase(8, bars=4)
    piece = song(intro, A, B, A, close, silent={0: ("drums", "bass")})
    assert form(piece) == "intro4 A8 B8 A8 end4"


def test_players_density_and_loudness_are_counted() -> None:
    plan = analyse(song(A, B, silent={1: ("drums", "melody")}))
    names = [str(player) for player in plan.players]
    assert names == ["drums", "bass", "piano", "flute"]
    assert plan.plays[:8].tolist() == [[1, 1, 1, 1]] * 8
    assert plan.plays[8:].tolist() == [[0, 1, 1, 0]] * 8
    assert plan.density[8:].tolist() == [7 / 4] * 8
    assert plan.loudness[8:].tolist() == [round((4 * 80 + 3 * 70) / 7)] * 8
    assert plan.tempo_bpm == 100


def test_chords_are_those_at_the_beginning_of_each_half() -> None:
    notes = []
    for bar, chords in enumerate((("C", "C"), ("F", "G"), ("Am", "Am"))):
        for half, name in enumerate(chords):
            start = bar * BAR + half * 48
            classes = sorted(parse_chord(name).pitch_classes)
            notes += [(start, 48, 48 + pitch_class, 80) for pitch_class in classes]
            notes.append((start, 48, 36 + parse_chord(name).root, 80))
    plan = analyse(Piece((Track(notes, 0),), 24))
    wanted = [["C", "C"], ["F", "G"], ["Am", "Am"]]
    assert plan.chords.tolist() == [[chord_class(parse_chord(n)) for n in row] for row in wanted]


@pytest.mark.parametrize(
    ("places", "feel", "swing"),
    [
        ((0,), "quarters", None),
        ((0, 12), "eighths", 1.0),
        ((0, 16), "swung", 2.0),
        ((0, 15), "swung", 1.67),
        ((0, 8, 16), "triplets", 2.0),
        ((0, 6, 12, 18), "sixteenths", None),
    ],
)
def test_feel_and_swing_of_an_even_rhythm(
    places: tuple[int, ...], feel: str, swing: float | None
) -> None:
    notes = [(beat * 24 + place, 4, 60 + beat % 5, 80) for beat in range(16) for place in places]
    plan = analyse(Piece((Track(notes, 0),), 24))
    assert {FEELS[index] for index in plan.feel} == {feel}
    if swing is None:
        assert np.isnan(plan.swing).all()
    else:
        assert plan.swing.tolist() == [swing] * 4


def test_a_played_rhythm_keeps_its_feel() -> None:
    rng = np.random.default_rng(0)
    notes = [
        (max(0, beat * 24 + place + int(rng.integers(-1, 2))), 4, 60, 80)
        for beat in range(64)
        for place in ((0, 16) if beat % 8 else (0,))
    ]
    plan = analyse(Piece((Track(notes, 0),), 24))
    assert {FEELS[index] for index in plan.feel} == {"swung"}
    assert 1.6 < np.nanmean(plan.swing) < 2.5


def test_bars_of_other_lengths_do_not_return_to_each_other() -> None:
    plan = analyse(replace(band(0, 8), metres=(Metre(0, 4, 4), Metre(4 * 96, 3, 4))))
    assert plan.lengths[:5].tolist() == [96] * 4 + [72]
    for bar in np.flatnonzero(plan.back > 0):
        assert plan.lengths[bar] == plan.lengths[bar - plan.back[bar]]


def test_a_piece_without_notes_has_no_plan() -> None:
    with pytest.raises(InputError, match="no note"):
        analyse(Piece((Track([], 0),)))


def likeness(piece: Piece) -> np.ndarray:
    """`Shared.alike`, counted with Python's sets."""
    strokes = Strokes.of(piece)
    rows = zip(strokes.bar, strokes.tick, strokes.player, strokes.pitch, strict=True)
    bars: list[set[tuple[int, ...]]] = [set() for _ in range(strokes.bars)]
    for bar, *stroke in rows:
        bars[bar].add(tuple(map(int, stroke)))
    found = np.zeros((strokes.bars, FARTHEST_BARS + 1))
    for now in range(strokes.bars):
        for distance in range(1, min(now, FARTHEST_BARS) + 1):
            one, other = bars[now], bars[now - distance]
            if strokes.bar_lengths[now] == strokes.bar_lengths[now - distance] and one | other:
                found[now, distance] = len(one & other) / len(one | other)
    return found


@settings(max_examples=60)
@given(pieces(bars=8))
def test_likeness_is_the_jaccard_of_sets(piece: Piece) -> None:
    if piece.note_count:
        np.testing.assert_allclose(Shared.of(Strokes.of(piece)).alike, likeness(piece))


@settings(max_examples=60)
@given(pieces(bars=8), st.integers(-3, 3))
def test_a_moved_piece_has_the_same_plan_with_its_chords_moved(
    piece: Piece, semitones: int
) -> None:
    pitches = [track.notes["pitch"] for track in piece.tracks if not track.is_drum and len(track)]
    if not piece.note_count or any(p.min() < 3 or p.max() > 124 for p in pitches):
        return
    here, there = analyse(piece), analyse(piece.transposed(semitones))
    assert replace(here.transposed(semitones), key=None) == replace(there, key=None)


@settings(max_examples=60)
@given(pieces(bars=8))
def test_a_plan_leaves_nothing_open_and_is_the_same_again(piece: Piece) -> None:
    if not piece.note_count:
        return
    plan = analyse(piece)
    assert plan == analyse(piece)
    assert OPEN not in (*plan.back, *plan.close, *plan.plays.ravel(), *plan.feel)
    assert not np.isnan(plan.density).any()
    assert not np.isnan(plan.loudness).any()
    assert sum(section.bars for section in plan.sections) == plan.bars
    assert plan.bars == piece.at_resolution(24).bar_count
    assert ((plan.close == NEW) == (plan.back == 0)).all()


@pytest.mark.data
def test_real_sets_swing_and_return_as_they_are_said_to(data_dir: Path) -> None:
    swing = sorted((data_dir / "band_arranged_synth" / "valid").glob("*swing*.mid"))[:12]
    rock = sorted((data_dir / "band_arranged_synth" / "valid").glob("*rock*.mid"))[:12]

    def in_three(paths: list[Path]) -> float:
        feels = np.concatenate([analyse(read(path)).feel for path in paths])
        return float(np.isin(feels, [FEELS.index("swung"), FEELS.index("triplets")]).mean())

    assert in_three(swing) > 0.6
    assert in_three(rock) < 0.1
