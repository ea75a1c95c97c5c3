"""`ritornello.load` opens whatever holds a piece."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mido
import pytest

import ritornello
from ritornello.errors import ConfigError, InputError, RitornelloError
from ritornello.music.io.content import ending_of
from ritornello.music.piece import ChordSymbol, Lyric, Metre, Piece, Tempo, Track

TUNE = Piece(
    tracks=(
        Track(
            [(0, 480, 60, 80), (480, 480, 64, 70), (960, 960, 65, 70)],
            program=40,
            name="Violin",
            lyrics=(Lyric(0, "sing"),),
        ),
    ),
    tempos=(Tempo(0, 90.0),),
    metres=(Metre(0, 4, 4),),
    chords=(ChordSymbol(0, "C"),),
    length_ticks=1920,
)
ENDINGS = ("mid", "musicxml", "mxl", "abc", "npz")


def notes_of(piece: Piece) -> list[tuple[int, ...]]:
    piece = piece.at_resolution(480)
    return sorted(tuple(note)[:3] for track in piece.tracks for note in track)


@pytest.fixture
def file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return TUNE.save(tmp_path / f"tune.{request.param}")


@pytest.mark.parametrize("file", ENDINGS, indirect=True)
def test_bytes_and_open_files_give_what_the_path_gives(file: Path) -> None:
    expected = ritornello.load(file)
    data = file.read_bytes()
    assert ritornello.load(str(file)) == expected
    assert ritornello.load(data) == expected
    assert ritornello.load(bytearray(data)) == ritornello.load(memoryview(data)) == expected
    assert ritornello.load(io.BytesIO(data)) == expected
    with file.open("rb") as opened:
        assert ritornello.load(opened) == expected
    assert ritornello.load(expected) is expected


@pytest.mark.parametrize("file", ["musicxml", "abc"], indirect=True)
def test_text_may_be_read_as_text(file: Path) -> None:
    text = file.read_text("utf-8")
    assert ritornello.load(io.StringIO(text)) == ritornello.load(file)


@pytest.mark.parametrize("library", ["symusic", "pretty_midi", "music21"])
def test_objects_of_other_libraries_come_back(library: str) -> None:
    pytest.importorskip(library)
    piece = ritornello.load(TUNE.to(library))
    assert notes_of(piece) == notes_of(TUNE)
    assert [track.program for track in piece.tracks] == [40]
    assert piece.tempos[0].bpm == pytest.approx(90)


@pytest.mark.parametrize("unit", ["quarter", "second"])
def test_scores_of_symusic_may_count_otherwise(unit: str) -> None:
    assert notes_of(ritornello.load(TUNE.to("symusic").to(unit))) == notes_of(TUNE)


def test_arrays_of_symusic_and_pretty_midi() -> None:
    score = TUNE.to("symusic")
    assert notes_of(ritornello.load(score.tracks[0].notes.numpy())) == notes_of(TUNE)
    roll = pytest.importorskip("pretty_midi") and TUNE.to("pretty_midi").get_piano_roll(fs=36)
    found = notes_of(ritornello.load(roll))  # 36 steps a second are 24 a quarter note at 90
    assert found == notes_of(TUNE)


def test_a_list_of_rows_of_numbers_is_notes() -> None:
    rows = [(0, 480, 60, 80), (480, 240, 62, 70)]
    piece = ritornello.load(rows)
    assert piece.tracks[0].notes.tolist() == rows
    assert ritornello.load(list(piece.tracks[0])).tracks == piece.tracks
    beats = ritornello.load([[0, 1, 60], [1.5, 0.5, 62]])
    assert [onset / beats.resolution for onset, *_ in beats.tracks[0].notes.tolist()] == [0, 1.5]


def test_a_file_of_mido_or_miditoolkit(tmp_path: Path) -> None:
    opened = mido.MidiFile(file=io.BytesIO(TUNE.to("symusic").dumps_midi()))
    assert notes_of(ritornello.load(opened)) == notes_of(TUNE)
    other = pytest.importorskip("miditoolkit").MidiFile(TUNE.save(tmp_path / "tune.mid"))
    assert notes_of(ritornello.load(other)) == notes_of(TUNE)


def test_a_stream_of_music21_keeps_what_is_written() -> None:
    music21 = pytest.importorskip("music21")
    stream = music21.converter.parse("tinynotation: 3/4 c4 d8 f g16 a g f# g2.")
    stream.flatten().notes[0].articulations.append(music21.articulations.Staccato())
    stream.flatten().notes[0].lyric = "la"
    stream.measure(1).insert(0, music21.harmony.ChordSymbol("Am7"))
    piece = ritornello.load(stream)
    assert (piece.metres[0].numerator, piece.metres[0].denominator) == (3, 4)
    assert [note.pitch for note in piece.tracks[0]][:4] == [60, 62, 65, 67]
    assert [chord.text for chord in piece.chords] == ["Am7"]
    assert [lyric.text for lyric in piece.tracks[0].lyrics] == ["la"]
    assert "staccato" in [mark.name for mark in piece.tracks[0].marks]


def test_a_part_or_a_note_of_music21_is_a_piece_too() -> None:
    music21 = pytest.importorskip("music21")
    assert ritornello.load(music21.note.Note("C#4")).tracks[0].notes["pitch"].tolist() == [61]
    assert ritornello.load(TUNE.to("music21").parts[0]).note_count == 3


def test_a_table_of_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"onset": [0.0, 1.0], "duration": [1.0, 0.5], "pitch": [60, 62]})
    assert notes_of(ritornello.load(table)) == [(0, 480, 60), (480, 240, 62)]


def test_verbs_and_players_take_what_load_takes(tmp_path: Path) -> None:
    score = TUNE.to("symusic")
    composer = ritornello.Composer.load()
    longer = composer.continue_(score, bars=1, seed=1).piece
    assert notes_of(longer)[:3] == notes_of(TUNE)
    assert ritornello.render(score, tmp_path / "tune.wav")[0].exists()


def test_what_was_mended_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "ritornello"):
        ritornello.load(b"X:1\nK:C\nC\nw:a b\n")
    assert "syllable" in caplog.text


@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        (b"", InputError, "no bytes"),
        (b"no music", InputError, "no music that is known"),
        (b"MThd", InputError, "MIDI"),
        (b"PK\x03\x04 and no more", InputError, "no music"),
        (io.BytesIO(b""), InputError, "no bytes"),
        (io.StringIO("words"), InputError, "no music"),
        (None, ConfigError, "NoneType"),
        (3, ConfigError, "int"),
        ([1, 2], ConfigError, "list"),
        (object(), ConfigError, "object"),
    ],
)
def test_what_is_no_piece_is_said(source: Any, error: type[RitornelloError], said: str) -> None:
    with pytest.raises(error, match=said):
        ritornello.load(source)


def test_an_object_that_its_own_library_cannot_write_is_an_error_of_ours() -> None:
    score = pytest.importorskip("pretty_midi").PrettyMIDI()
    score.instruments.append(None)
    with pytest.raises(InputError, match="pretty_midi cannot write"):
        ritornello.load(score)


def test_of_a_book_of_music21_the_first_tune_is_taken() -> None:
    converter = pytest.importorskip("music21").converter
    tunes = "X:1\nL:1/4\nK:C\nC|\n\nX:2\nL:1/4\nK:C\nDE|\n"
    assert notes_of(ritornello.load(converter.parse(tunes, format="abc"))) == [(0, 480, 60)]


@pytest.mark.parametrize(
    "change", [lambda data: b"\xef\xbb\xbf" + data, lambda data: data.replace(b"\n", b"\r")]
)
def test_the_content_of_text_tells_its_format(change: Callable[[bytes], bytes]) -> None:
    assert ending_of(change(b"%abc-2.1\n\nX:1\nK:C\n")) == ".abc"
    assert ending_of(change(b"% a remark\n\nX:1\nK:C\n")) == ".abc"
    assert ending_of(change(b"<?xml version='1.0'?>\n<score-partwise/>")) == ".musicxml"
    assert ending_of("<score-partwise/>".encode("utf-16")) == ".musicxml"
