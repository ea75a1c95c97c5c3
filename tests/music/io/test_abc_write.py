"""ABC is written as players write it, read back as promised, and read by others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings

from ritornello.errors import InputError
from ritornello.music.io import losses
from ritornello.music.io.abc.read import read_bytes
from ritornello.music.io.abc.write import holdable, write_bytes
from ritornello.music.keys import KeyName
from ritornello.music.note_tables import BEND_DTYPE, event_table
from ritornello.music.piece import (
    ChordSymbol,
    KeyChange,
    Lyric,
    Mark,
    Metre,
    Piece,
    Tempo,
    Text,
    Track,
)
from tests.strategies import full_pieces

Q = 480
MELODY = Piece(
    tracks=(
        Track(
            [(0, Q, 67, 64), (Q, 2 * Q, 66, 64), (3 * Q, 3 * Q, 67, 64), (6 * Q, Q, 69, 112)],
            program=40,
            lyrics=(Lyric(0, "Sil-"), Lyric(Q, "ver_"), Lyric(6 * Q, "*-"), Lyric(0, "zwei", 2)),
            marks=(Mark(0, "articulation", "staccato"), Mark(6 * Q, "fermata", "upright")),
        ),
    ),
    tempos=(Tempo(0, 96.5), Tempo(3 * Q, 60)),
    metres=(Metre(0, 3, 4),),
    keys=(KeyChange(0, KeyName(7)), KeyChange(3 * Q, KeyName(9, "dorian"))),
    length_ticks=9 * Q,
    title="100% & more",
    composer="Anon.",
    copyright="nobody",
    chords=(ChordSymbol(0, "G"), ChordSymbol(2 * Q, "D7/F#"), ChordSymbol(6 * Q, "N.C.")),
    markers=(Text(3 * Q, "Chorus [2]"),),
)


def test_a_melody_is_written_as_one_would_by_hand() -> None:
    assert write_bytes(MELODY).decode().splitlines() == [
        "X:1",
        r"T:100\% \& more",
        "C:Anon.",
        "Z:abc-copyright nobody",
        "M:3/4",
        "L:1/8",
        "Q:1/4=96.5",
        "%%MIDI program 40",
        "K:G clef=treble",
        r'"G"!mp!!staccato!G2 F2- "D7/F#"F2 | [K:Ador][Q:1/4=60][P:Chorus \u005b2\u005d]G6 | '
        r'"N.C."!ff!!fermata!A2 z2 z2 |]',
        r"w:Sil- ver _ _ \u002a-",
        "w:zwei",
    ]


def test_what_is_written_comes_back() -> None:
    again, told = read_bytes(write_bytes(MELODY), "melody.abc")
    assert told == []
    assert again == holdable(MELODY)
    assert again.chords == MELODY.chords
    assert again.tracks[0].lyrics == MELODY.tracks[0].lyrics
    assert again.markers == MELODY.markers
    assert (again.title, again.composer, again.copyright) == ("100% & more", "Anon.", "nobody")


_SEMITONE_OVER_A_BAR_LINE = Piece(
    (Track([(0, 96, 12, 1), (0, 96, 13, 1)]),),
    resolution=24,
    metres=(Metre(0, 3, 4),),
    keys=(KeyChange(0, KeyName(0, "major")), KeyChange(96, KeyName(0, "minor"))),
    length_ticks=96,
)


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(piece=full_pieces())
@example(piece=_SEMITONE_OVER_A_BAR_LINE)
def test_any_piece_comes_back_as_holdable_says(piece: Piece) -> None:
    assume(piece.note_count)
    again, told = read_bytes(write_bytes(piece), "any.abc")
    assert again == holdable(piece)
    assert [line for line in told if "jump" not in line] == []
    assert all(sentence.startswith(("ABC holds", "A ")) for sentence in losses(piece, ".abc"))


def test_a_keyboard_has_two_staves_and_stays_one_part() -> None:
    piano = Piece((Track([(0, Q, 36, 80), (0, Q, 76, 80)], name="Piano"), Track([(0, Q, 60, 80)])))
    text = write_bytes(piano).decode()
    assert "%%score {1 2} 3" in text, "a tune on the piano is one voice"
    assert 'V:2 clef=bass name="Piano"' in text
    again, _ = read_bytes(text.encode(), "piano.abc")
    assert [len(track) for track in again.tracks] == [2, 1]


def test_what_cannot_be_held_is_told_and_what_can_is_not() -> None:
    assert losses(MELODY, ".abc") == []
    track = replace(
        MELODY.tracks[0],
        bends=event_table([(0, 100)], BEND_DTYPE),
        lyrics=(*MELODY.tracks[0].lyrics, Lyric(7, "off")),
        marks=(Mark(0, "ornament", "schleifer"),),
        name="Lead",
    )
    piece = replace(MELODY, tracks=(track,), chords=(ChordSymbol(0, "what"),))
    assert losses(piece, ".abc") == [
        "ABC holds no pitch bends; left out: 1 (Lead).",
        "ABC holds a mark only with a sign: 1 are left out (part Lead).",
        "ABC holds a syllable only at a note: 1 are left out (part Lead).",
        "ABC holds chord symbols that name a chord: 1 are left out.",
    ]


def test_a_piece_without_notes_is_refused() -> None:
    with pytest.raises(InputError, match="has no notes"):
        write_bytes(Piece((Track([]),)))


def test_music21_reads_the_same_notes_and_chords() -> None:
    music21 = pytest.importorskip("music21")
    score = music21.converter.parse(write_bytes(MELODY).decode(), format="abc")
    flat = score.stripTies().flatten()
    symbols = flat.getElementsByClass(music21.harmony.ChordSymbol)
    notes = [n for n in flat.notes if not isinstance(n, music21.harmony.ChordSymbol)]
    assert [(float(n.offset), n.pitch.midi) for n in notes] == [(0, 67), (1, 66), (3, 67), (6, 69)]
    assert [float(n.quarterLength) for n in notes] == [1, 2, 3, 1]
    assert [(float(s.offset), s.figure) for s in symbols][:2] == [(0, "G"), (2, "D7/F#")]


@pytest.mark.data
def test_real_pieces_come_back(data_dir: Path) -> None:
    from ritornello.music.io import read

    folders = ("freedoom_midi", "pop909", "openscore_quartets_midi", "groove_midi")
    for folder in folders:
        path = sorted((data_dir / folder).rglob("*.mid"))[5]
        piece = read(path)
        assert read_bytes(write_bytes(piece), path.name)[0] == holdable(piece), path
