"""A choir is engraved on two staves, stems up and down, and comes back as the four that sing."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.music.io.musicxml.read import read_bytes
from ritornello.music.io.musicxml.write import holdable, write_bytes
from ritornello.music.piece import Lyric, Mark, Piece, Track

NAMES = ("Tune", "alto", "tenor", "bass")


def choir(rows: list[list[tuple[int, int, int, int]]], program: int = 0) -> Piece:
    words = tuple(Lyric(onset, "la") for onset, *_ in rows[0])
    held = Mark(rows[0][-1][0], "fermata", "normal")
    tune = Track(rows[0], program, name=NAMES[0], lyrics=words, marks=(held,))
    lower = (Track(own, program, name=name) for own, name in zip(rows[1:], NAMES[1:], strict=True))
    return Piece((tune, *lower), 24)


def chorale(program: int = 0) -> Piece:
    return choir(
        [[(24 * beat, 24, low + beat % 5, 80) for beat in range(16)] for low in (67, 60, 55, 43)],
        program,
    )


@pytest.mark.parametrize("program", [0, 19, 52])
def test_four_voices_stand_on_two_staves(program: int) -> None:
    piece = chorale(program)
    written = write_bytes(piece)
    score = ElementTree.fromstring(written)
    assert [name.text for name in score.iter("part-name")] == ["Tune, alto", "tenor, bass"]
    assert [sign.text for sign in score.iter("sign")] == ["G", "F"]
    for part in score.iter("part"):
        stems = {
            (note.findtext("voice"), note.findtext("stem"))
            for note in part.iter("note")
            if note.find("rest") is None
        }
        assert stems == {("1", "up"), ("2", "down")}
    assert len([*score.iter("lyric")]) == 16
    assert holdable(piece)
    assert read_bytes(written, "score")[0] == piece


notes = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 6), st.integers(40, 80), st.integers(1, 127)),
    min_size=1,
    max_size=24,
)


@given(st.lists(notes, min_size=4, max_size=4), st.sampled_from([0, 19, 52]))
def test_whatever_they_sing_comes_back(
    sung: list[list[tuple[int, int, int, int]]], program: int
) -> None:
    rows = []
    for part in sung:
        now, own = 0, []
        for rest, length, pitch, velocity in part:
            own.append((now + 12 * rest, 12 * length, pitch, velocity))
            now += 12 * (rest + length)
        rows.append(own)
    piece = choir(rows, program)
    assert read_bytes(write_bytes(piece), "score")[0] == piece


def test_others_keep_a_staff_each() -> None:
    piece = chorale()
    first, *others = piece.tracks
    several = replace(piece, tracks=(replace(first, program=73), *others))
    flutes = replace(piece, tracks=tuple(replace(t, name="flute") for t in piece.tracks))
    long = Track([(0, 96, 60, 80), (24, 24, 64, 80)], name=others[0].name)
    chords = replace(piece, tracks=(first, long, *others[1:]))
    for open_score in (several, flutes, chords):
        written = write_bytes(open_score)
        assert len([*ElementTree.fromstring(written).iter("part")]) == 4
        assert read_bytes(written, "score")[0] == open_score


def test_a_melody_without_a_name_keeps_none() -> None:
    first, *others = chorale().tracks
    piece = Piece((replace(first, name=""), *others), 24)
    written = write_bytes(piece)
    names = [name.text for name in ElementTree.fromstring(written).iter("part-name")]
    assert names == ["melody, alto", "tenor, bass"]
    assert read_bytes(written, "score")[0] == piece
