"""What people gave comes back from every verb: bends, controllers, markers, words, rights."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ritornello import Composer
from ritornello.files import convert
from ritornello.generation.partner import Result
from ritornello.music.controls import SUSTAIN
from ritornello.music.io import losses, read
from ritornello.music.io.midi_read import read_bytes
from ritornello.music.io.midi_write import write_bytes
from ritornello.music.piece import ChordSymbol, Lyric, Mark, Piece, Text, Track

BEATS = 480
MELODY = Track(
    [(beat * BEATS, BEATS, 60 + beat % 5, 80) for beat in range(32)],
    program=27,
    name="Guitar",
    controls=[(0, 7, 88), (0, SUSTAIN, 127), (31 * BEATS, 11, 60)],
    bends=[(beat * BEATS + 99, 64 * beat) for beat in range(32)],
    lyrics=(Lyric(0, "la"), Lyric(20 * BEATS, "lu")),
    marks=(Mark(0, "articulation", "staccato", 60),),
)
BASS = Track([(bar * 4 * BEATS, 4 * BEATS, 36, 80) for bar in range(8)], program=33, name="Bass")
SONG = Piece(
    (MELODY, BASS),
    copyright="me",
    composer="Me",
    markers=(Text(0, "Verse"), Text(16 * BEATS, "Chorus")),
    chords=(ChordSymbol(0, "C"), ChordSymbol(16 * BEATS, "Am7")),
)


@pytest.fixture(scope="module")
def composer(tiny_model: Path) -> Composer:
    return Composer.load(tiny_model)


EDITS: dict[str, Callable[[Composer, Piece], Result]] = {
    "continue": lambda composer, song: composer.continue_(song, bars=2),
    "arrange": lambda composer, song: composer.arrange(song, ["piano"]),
    "harmonise": lambda composer, song: composer.harmonise(song, voices=("alto",)),
    "fill": lambda composer, song: composer.fill(song, bars=(3, 4), parts=("Bass",)),
    "vary": lambda composer, song: composer.vary(song, parts=("Bass",)),
}


@pytest.mark.parametrize("name", EDITS)
def test_what_was_given_is_kept(composer: Composer, name: str) -> None:
    result = EDITS[name](composer, SONG)
    piece = result.piece.at_resolution(SONG.resolution)
    melody = piece.tracks[0]
    assert melody.controls[: len(MELODY.controls)].tolist() == MELODY.controls.tolist()
    assert melody.bends[: len(MELODY.bends)].tolist() == MELODY.bends.tolist()
    assert (melody.lyrics, melody.marks) == (MELODY.lyrics, MELODY.marks)
    assert (piece.copyright, piece.composer) == ("me", "Me")
    assert (piece.markers, piece.chords) == (SONG.markers, SONG.chords)
    again = read_bytes(write_bytes(piece), "")[0]
    assert again.tracks[0].bends.tolist() == melody.bends.tolist()
    assert (again.markers, again.chords) == (SONG.markers, SONG.chords)


def test_what_follows_has_no_pedal_and_no_bend_left_over(composer: Composer) -> None:
    melody = composer.continue_(SONG, bars=2).piece.at_resolution(BEATS).tracks[0]
    end = SONG.length_ticks
    assert melody.controls[melody.controls["number"] == SUSTAIN][-1].tolist() == (end, SUSTAIN, 0)
    assert melody.bends[-1].tolist() == (end, 0)


def test_what_goes_with_rewritten_notes_is_told(composer: Composer) -> None:
    result = composer.vary(SONG, parts=("Guitar",))
    assert any("pitch bends: 32 (Guitar)" in warning for warning in result.warnings)
    assert any("syllables of lyrics: 2 (Guitar)" in warning for warning in result.warnings)
    melody = result.piece.tracks[0]
    assert (len(melody.bends), melody.lyrics, melody.marks) == (0, (), ())
    assert melody.controls["number"].tolist() == [7, 11], "loudness belongs to the part"


def test_bars_filled_anew_leave_the_bends_around_them(composer: Composer) -> None:
    melody = (
        composer.fill(SONG, bars=(3, 4), parts=("Guitar",)).piece.at_resolution(BEATS).tracks[0]
    )
    gap = (melody.bends["tick"] > 8 * BEATS) & (melody.bends["tick"] < 16 * BEATS)
    assert not gap.any()
    outside = MELODY.bends[(MELODY.bends["tick"] < 8 * BEATS) | (MELODY.bends["tick"] > 16 * BEATS)]
    assert set(outside.tolist()) <= set(melody.bends.tolist())
    # Between the bars that were given, pedal and bend stand as they stood.
    assert (16 * BEATS, SUSTAIN, 127) in melody.controls.tolist()


def test_stated_chords_are_in_the_piece_and_in_its_files(
    composer: Composer, tmp_path: Path
) -> None:
    piece = composer.compose(bars=4, parts=("piano",), chords="Am F C/E G7sus4")
    written = [text for _, text in piece.chords]
    assert written == ["Am", "F", "C/E", "G7sus4"]
    for ending in ("mid", "musicxml", "abc"):
        again = read(piece.save(tmp_path / f"song.{ending}"))
        assert [text for _, text in again.chords] == written, ending
    filled = composer.fill(SONG, bars=(3, 4), chords="F | G").piece.at_resolution(BEATS)
    assert filled.chords == (
        ChordSymbol(0, "C"),
        ChordSymbol(8 * BEATS, "F"),
        ChordSymbol(12 * BEATS, "G"),
        ChordSymbol(16 * BEATS, "Am7"),
    )


def test_without_stated_chords_there_are_none(composer: Composer) -> None:
    assert composer.compose(bars=2, parts=("piano",)).chords == ()


def test_what_a_format_cannot_hold_is_told(tmp_path: Path) -> None:
    source = SONG.save(tmp_path / "song.mid")
    told = " ".join(convert(source, tmp_path / "song.npz"))
    for what in ("pedal", "pitch bends", "lyrics", "markers", "chord symbols", "copyright"):
        assert what in told, what
    assert losses(read(source), ".mid") == []
    plain = Piece((Track([(0, 480, 60, 80)]),))
    for ending in (".mid", ".npz", ".musicxml", ".abc"):
        assert losses(plain, ending) == []


def test_converting_to_midi_changes_nothing(tmp_path: Path) -> None:
    source = tmp_path / "song.mid"
    SONG.save(source)
    convert(source, tmp_path / "again.mid")
    assert (tmp_path / "again.mid").read_bytes() == source.read_bytes()
    shutil.rmtree(tmp_path)


def test_sections_of_a_song_are_cut_with_what_stands_in_them() -> None:
    from ritornello.music.slicing import slice_bars

    chorus = slice_bars(SONG, 4, 8)
    assert chorus.markers == (Text(0, "Chorus"),)
    assert chorus.chords == (ChordSymbol(0, "Am7"),)
    assert np.diff(chorus.tracks[0].bends["tick"]).min() >= 0
