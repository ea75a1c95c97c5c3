"""A piece as an object of other libraries."""

from __future__ import annotations

import sys

import pytest

from ritornello.errors import ConfigError, MissingExtraError
from ritornello.music.io.interop import LIBRARIES, to_library
from ritornello.music.keys import KeyName
from ritornello.music.piece import (
    ChordSymbol,
    KeyChange,
    Lyric,
    Mark,
    Metre,
    Piece,
    Tempo,
    Track,
)

PIECE = Piece(
    tracks=(
        Track([(0, 480, 60, 80), (480, 160, 64, 70), (640, 160, 65, 70)], program=40, name="Vl"),
        Track([(0, 240, 36, 100)], is_drum=True, name="Drums"),
    ),
    tempos=(Tempo(0, 60.0),),
    metres=(Metre(0, 3, 4),),
    length_ticks=1440,
)


def test_symusic() -> None:
    score = to_library(PIECE, "symusic")
    assert (score.tpq, score.note_num()) == (480, 4)
    assert [track.name for track in score.tracks] == ["Vl", "Drums"]


def test_pretty_midi() -> None:
    violin, drums = to_library(PIECE, "pretty_midi").instruments
    assert (violin.program, drums.is_drum) == (40, True)
    assert [round(note.start, 4) for note in violin.notes] == [0, 1, 1.3333]


def test_music21() -> None:
    violin, _ = to_library(PIECE, "music21").parts
    stripped = violin.stripTies().flatten().notes
    found = [(note.pitch.midi, float(note.offset)) for note in stripped]
    assert found == [(60, 0.0), (64, 1.0), (65, pytest.approx(4 / 3))]


def test_music21_gets_what_is_written() -> None:
    lead = Track(
        [(0, 480, 70, 80), (480, 960, 72, 80)],
        program=73,
        lyrics=(Lyric(0, "one-"), Lyric(480, "two")),
        marks=(Mark(0, "articulation", "staccato", 70), Mark(480, "fermata", "normal", 72)),
    )
    piece = Piece(
        (lead,),
        metres=(Metre(0, 3, 4),),
        keys=(KeyChange(0, KeyName(10, "major")),),
        chords=(ChordSymbol(0, "Bb7"),),
        title="Air",
        composer="Nobody",
    )
    score = to_library(piece, "music21")
    assert (score.metadata.title, score.metadata.composer) == ("Air", "Nobody")
    (part,) = score.parts
    assert part.flatten().keySignature.sharps == -2
    assert part.flatten().timeSignature.ratioString == "3/4"
    assert len(part.getElementsByClass("Measure")) == 1
    first, second = part.flatten().getElementsByClass("Note")
    assert (first.name, first.lyric) == ("B-", "one")
    assert [each.name for each in first.articulations] == ["staccato"]
    assert [each.name for each in second.expressions] == ["fermata"]
    (chord,) = part.flatten().getElementsByClass("ChordSymbol")
    assert chord.figure == "B-7"


def test_pypianoroll_gets_a_file() -> None:
    with pytest.raises(ConfigError, match=r"handed .* as files") as error:
        to_library(PIECE, "pypianoroll")
    assert "song.npz" in error.value.next_step


def test_an_unknown_library_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="pretty_midi"):
        to_library(PIECE, "numpy")


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_missing_library_names_the_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match="interop"):
        to_library(PIECE, name)
