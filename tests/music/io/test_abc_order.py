"""Repeats, endings and parts of ABC are played as printed music is."""

from __future__ import annotations

import pytest

from ritornello.errors import InputError
from ritornello.music.io.abc.read import read_bytes


def played(music: str, order: str = "") -> str:
    """The notes of whole bars, each a letter, in the order they are played."""
    header = f"X:1\nM:4/4\nL:1/1\n{f'P:{order}' if order else ''}\nK:C\n"
    piece, _ = read_bytes(f"{header}{music}\n".encode(), "tune.abc")
    return "".join("CDEFGAB"[[0, 2, 4, 5, 7, 9, 11].index(n.pitch % 12)] for n in piece.tracks[0])


@pytest.mark.parametrize(
    ("music", "expected"),
    [
        ("|:C:|", "CC"),
        ("C:|D", "CCD"),
        ("|:C::D:|", "CCDD"),
        ("|:C:||:D:|", "CCDD"),
        ("|:C:|D:|", "CCDD"),
        ("C||D:|", "CDD"),
        ("|:C||D:|", "CDCD"),
        ("|:C|:D:|", "CDD"),
        ("|::C::|", "CCC"),
        ("C[|]D:|", "CDCD"),
        ("|:C|1D:|2E|]", "CDCE"),
        ("|:C[1D:|[2E||F", "CDCEF"),
        ("|:C|1D:|2E:|F", "CDCEF"),
        ("|:C|1D:|2E:|3F|]", "CDCECF"),
        ("|:C|1,2D:|3E|]", "CDCDCE"),
        ("|:C|1-3D:|4E|]", "CDCDCDCE"),
        ("|:C|1,3D:|2E:|4F|]", "CDCECDCF"),
        ("|:C|1D:|E", "CDCE"),
        ("|:C|1D||E:|2F|]", "CDECF"),
        ("|:C|1D:|2E||\nF|1G:|2A|]", "CDCEFGFA"),
        ("|:C|1D:|2E|\nF|1G:|2A|]", "CDCEFGFA"),
        ("|:C|1D|2E|]", "CDCE"),
        ("|:C|1D:|2E|F|G:|", "CDCEFGFG"),
        ("C|1D|]E", "CDE"),
        ("|:C|\n|1D:|\n|2E|]", "CDCE"),
        ("|:C|1D:|2E|:F:|", "CDCEFF"),
        ("C|[1D:|[2E:|\n|:F|G:|", "CDCEFGFG"),
    ],
)
def test_repeats_and_endings(music: str, expected: str) -> None:
    assert played(music) == expected


@pytest.mark.parametrize(
    ("order", "music", "expected"),
    [
        ("AABA", "P:A\nC|\nP:B\nD|", "CCDC"),
        ("A2(BA)2", "P:A\nC|\nP:B\nD|", "CCDCDC"),
        ("A.B", "P:A\n|:C:|\nP:B\nD|1E:|2F|]", "CCDEDF"),
        ("BA", "G|\nP:A\nC|\nP:B\nD|", "GDC"),
        ("AB", "[P:A]C|[P:B]D|", "CD"),
        ("AZ", "P:A\nC|", "C"),
        ("Z", "P:A\nC|D|", "CD"),
        ("AA", "C|D|", "CD"),
    ],
)
def test_the_order_of_parts(order: str, music: str, expected: str) -> None:
    assert played(music, order) == expected


def test_repeats_written_in_one_voice_hold_for_all() -> None:
    data = b"X:1\nL:1/1\nK:C\nV:1\n|:C:|D|\nV:2\nE|F|\n"
    piece, _ = read_bytes(data, "tune.abc")
    assert [track.notes["pitch"].tolist() for track in piece.tracks] == [[60, 60, 62], [64, 64, 65]]


def test_a_jump_back_restates_the_key_and_the_tempo() -> None:
    data = b"X:1\nM:4/4\nL:1/1\nQ:1/4=60\nK:C\n|:C|[K:D][Q:1/4=90]D:|\n"
    piece, _ = read_bytes(data, "tune.abc")
    assert [(tempo.tick // 1920, tempo.bpm) for tempo in piece.tempos] == [
        (0, 60),
        (1, 90),
        (2, 60),
        (3, 90),
    ]
    assert [str(change.key) for change in piece.keys] == ["C major", "D major"] * 2


@pytest.mark.parametrize("order", ["((((A999)999)999)999)", "(" * 60 + "A" + ")" * 60])
def test_absurd_orders_are_refused_at_once(order: str) -> None:
    with pytest.raises(InputError, match="unfold to more than"):
        played("P:A\nC|", order)
