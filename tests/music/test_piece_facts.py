"""What lists say of a piece."""

from __future__ import annotations

from ritornello.music.piece import Metre, Piece, Track
from ritornello.music.piece_facts import facts_of


def test_the_metre_of_a_piece_is_the_one_that_holds_longest() -> None:
    """Played music begins with a short bar up to its first beat, written ones with an upbeat."""
    rows = [(24 * beat, 24, 60, 80) for beat in range(10)]
    played = Piece((Track(rows, 0),), 24, metres=(Metre(0, 1, 4), Metre(24, 3, 4)))
    assert facts_of(played)["metre"] == "3/4"
    assert facts_of(Piece((), 24))["metre"] == "4/4"
