"""On the corpus grid a piece is as it sounds: notes last as long as the pedal holds them."""

from __future__ import annotations

from ritornello.music.controls import SUSTAIN
from ritornello.music.grid import on_grid
from ritornello.music.piece import Metre, Piece, Track

BEAT = 480
Presses = tuple[tuple[float, int], ...]


def durations(
    *notes: tuple[float, float, int], presses: tuple[tuple[float, int], ...]
) -> list[float]:
    """Of a piano, in quarter notes; onset and duration in them too."""
    rows = [(round(BEAT * at), round(BEAT * long), pitch, 80) for at, long, pitch in notes]
    controls = [(round(BEAT * at), SUSTAIN, value) for at, value in presses]
    piece = Piece((Track(rows, controls=controls),), BEAT, length_ticks=16 * BEAT)
    gridded, _ = on_grid(piece)
    assert gridded.length_ticks == 16 * 24
    return [float(each) / 24 for each in gridded.tracks[0].notes["duration"]]


def test_a_note_sounds_until_the_pedal_is_lifted() -> None:
    notes = [(0, 0.5, 60), (1, 0.5, 64), (3, 0.5, 67)]
    assert durations(*notes, presses=((0, 127), (2, 0))) == [2, 1, 0.5]


def test_a_key_struck_again_ends_its_note() -> None:
    notes = [(0, 0.5, 60), (1, 0.5, 60)]
    assert durations(*notes, presses=((0.25, 64), (4, 63))) == [1, 3]


def test_a_pedal_that_comes_after_the_key_or_is_half_down_holds_nothing() -> None:
    assert durations((0, 1, 60), presses=((0, 63), (1.5, 127), (3, 0))) == [1]


def test_a_pedal_that_is_never_lifted_holds_no_note_for_ever() -> None:
    assert durations((0, 1, 60), (13, 1, 62), presses=((0, 127),)) == [9, 3]


def test_drums_have_no_pedal() -> None:
    drums = Track([(0, 24, 36, 90)], is_drum=True, controls=[(0, SUSTAIN, 127)])
    gridded, _ = on_grid(Piece((drums,), BEAT, length_ticks=BEAT))
    assert gridded.tracks[0].notes["duration"].tolist() == [1]


def test_an_upbeat_before_a_repeat_fills_the_bar_that_the_repeat_cut() -> None:
    quarter = 480

    def metres(*ticks: int, numerator: int = 4) -> tuple[Metre, ...]:
        stated = tuple(Metre(tick * quarter, numerator, 4) for tick in ticks)
        notes = [(tick * quarter, quarter, 60, 80) for tick in range(70)]
        piece = Piece((Track(notes),), quarter, metres=stated, length_ticks=70 * quarter)
        return on_grid(piece)[0].metres

    def at(*ticks: int) -> tuple[Metre, ...]:
        return tuple(Metre(tick * 24, 4, 4) for tick in ticks)

    assert metres(0, 1, 32, 33, 64, 65) == at(0, 1)  # strains of 7 3/4 bars with an upbeat of 1/4
    assert metres(0, 1, 32, 34) == at(0, 1, 32, 34)  # too much to fill it
    assert metres(0, 31) == at(0, 31)  # nothing follows
    assert metres(0, 8, 16) == at(0)
