"""A part is found by whatever a person would call it."""

from __future__ import annotations

import pytest

from ritornello.errors import ConfigError
from ritornello.generation.edit.naming import find_tracks
from ritornello.music.piece import Piece, Track

SONG = Piece(
    (
        Track([], 40, name="Solo"),
        Track([], 40),
        Track([], 33, name="Low  End"),
        Track([], 0, name="violin"),
        Track([], is_drum=True),
    )
)


@pytest.mark.parametrize(
    ("names", "tracks"),
    [
        (["1"], [0]), ([5], [4]), (["solo"], [0]), (["low end"], [2]), (["bass"], [2]),
        (["Drums", "bass", 3], [2, 4]), (["violin"], [1, 3]), (["violin 1"], [0]),
        (["violin 2"], [1]), (["piano"], [3]), (["percussion"], [4]), ([], []),
        (["all"], [0, 1, 2, 3, 4]),
    ],
)  # fmt: skip
def test_a_part_is_its_number_its_name_or_its_instrument(
    names: list[int | str] | list[int] | list[str], tracks: list[int]
) -> None:
    assert find_tracks(SONG, names) == tracks


@pytest.mark.parametrize("name", ["0", "6", "violin 3", "flute", "solo 2", "", "kazoo 1"])
def test_an_unknown_part_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(ConfigError, match=r"1 'Solo', 2 'violin', 3 'Low  End', 4 'violin', 5"):
        find_tracks(SONG, [name])
