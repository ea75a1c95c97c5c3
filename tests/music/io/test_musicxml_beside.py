"""What stands beside the notes of a score comes back: words, chords, signs, marks, pedals."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.music.io.musicxml.read import read_bytes
from ritornello.music.io.musicxml.write import holdable, losses, write_bytes
from ritornello.music.piece import (
    ChordSymbol,
    Lyric,
    Mark,
    Metre,
    Piece,
    Text,
    Track,
)
from tests.strategies import playing, scores

from .test_musicxml_read import FIRST, note, read, score

CHORDS = st.sampled_from(["C", "Am7", "F#m7b5", "Bbmaj7/D", "N.C.", "G7(b9)", "E♭6/9", "foo"])
SYLLABLES = st.sampled_from(["la", "Hal-", "lu_", "a-_", "<&>", "-", "_", "ああ"])
TEXTS = st.sampled_from(["A", "Verse 1", "<&>"])
SIGNS = st.sampled_from(
    [
        ("articulation", "staccato"),
        ("articulation", "odd one"),
        ("ornament", "trill-mark"),
        ("ornament", "tremolo 3"),
        ("ornament", "wavy-line start"),
        ("technical", "fingering 3"),
        ("technical", "up-bow"),
        ("fermata", "upright"),
        ("fermata", "angled"),
        ("slur", "start"),
        ("slur", "stop"),
        ("arpeggio", "arpeggiate"),
        ("dynamic", "mf"),
        ("dynamic", "molto f"),
        ("wedge", "crescendo"),
        ("words", "dolce"),
        ("other", "thing"),
    ]
)


@st.composite
def full_scores(draw: st.DrawFn) -> Piece:
    """A score with anything beside its notes, as a score can hold it."""
    piece = draw(scores(max_tracks=2, bars=3))
    ticks = st.integers(0, piece.length_ticks)

    def full(track: Track) -> Track:
        onsets = sorted(set(track.notes["onset"].tolist()))
        at_notes = st.sampled_from(onsets) if onsets else ticks
        marks = []
        for _ in range(draw(st.integers(0, 3))):
            tick = draw(st.one_of(at_notes, ticks))
            here = sorted(set(track.notes["pitch"][track.notes["onset"] == tick].tolist()))
            of_one = len(here) > 1 and draw(st.booleans())
            pitch = draw(st.sampled_from(here)) if of_one else -1
            marks.append(Mark(tick, *draw(SIGNS), pitch))
        lyrics = st.lists(st.builds(Lyric, at_notes, SYLLABLES, st.integers(1, 2)), max_size=4)
        controllers = st.sampled_from([64, 66, 67, 1, 7, 10])
        return replace(
            track,
            **draw(playing(ticks, controllers)),
            lyrics=tuple(draw(lyrics)),
            marks=tuple(marks),
        )

    def texts() -> tuple[Text, ...]:
        return tuple(draw(st.lists(st.builds(Text, ticks, TEXTS), max_size=2)))

    chords = draw(st.dictionaries(ticks, CHORDS, max_size=3))
    return replace(
        piece,
        tracks=tuple(full(track) for track in piece.tracks),
        composer=draw(st.sampled_from(["", "J. S. Bach"])),
        copyright=draw(st.sampled_from(["", "© me"])),
        chords=tuple(ChordSymbol(*chord) for chord in chords.items()),
        markers=texts(),
        cues=texts(),
        texts=texts(),
    )


@given(full_scores())
def test_reading_a_written_score_gives_the_same_piece(piece: Piece) -> None:
    again = read_bytes(write_bytes(piece), "written")[0]
    if holdable(piece):
        assert again == piece
        assert losses(piece) == []
    # What was read once does not change any more.
    assert read_bytes(write_bytes(again), "written")[0] == again


SONG = Piece(
    (
        Track(
            [(0, 480, 60, 80), (480, 480, 62, 80), (960, 960, 64, 80)],
            53,
            name="Voice",
            lyrics=(Lyric(0, "Hal-"), Lyric(480, "lo"), Lyric(960, "you"), Lyric(0, "Two", 2)),
            marks=(
                Mark(0, "articulation", "staccato"),
                Mark(0, "dynamic", "p"),
                Mark(480, "words", "dolce"),
                Mark(960, "fermata", "upright"),
            ),
            controls=[(0, 64, 127), (900, 64, 0)],
        ),
        Track([(0, 1920, 36, 80)], 32, name="Bass"),
    ),
    metres=(Metre(0, 4, 4),),
    length_ticks=1920,
    title="Song",
    composer="Me",
    copyright="free",
    chords=(ChordSymbol(0, "Am7"), ChordSymbol(960, "C/E")),
    markers=(Text(0, "Verse"),),
)


def test_music21_finds_words_chords_and_marks() -> None:
    music21 = pytest.importorskip("music21")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parsed = music21.converter.parseData(write_bytes(SONG), format="musicxml")
    first = parsed.parts[0].flatten()
    symbols = first.getElementsByClass(music21.harmony.ChordSymbol)
    assert [(s.offset, s.root().name, s.bass().name) for s in symbols] == [
        (0, "A", "A"),
        (2, "C", "E"),
    ]
    words = [[lyric.text for lyric in sung.lyrics] for sung in first.notes if sung.lyrics]
    assert words == [["Hal", "Two"], ["lo"], ["you"]]
    assert [lyric.syllabic for sung in first.notes for lyric in sung.lyrics] == [
        "begin",
        "single",
        "end",
        "single",
    ]
    held = [sung for sung in first.notes if not isinstance(sung, music21.harmony.ChordSymbol)]
    assert [type(sign).__name__ for sign in held[0].articulations] == ["Staccato"]
    assert [type(sign).__name__ for sign in held[2].expressions] == ["Fermata"]
    assert parsed.metadata.composer == "Me"
    assert [mark.content for mark in first.getElementsByClass("RehearsalMark")] == ["Verse"]


def test_verovio_engraves_words_and_chords(capfd: pytest.CaptureFixture[str]) -> None:
    verovio = pytest.importorskip("verovio")
    verovio.enableLog(verovio.LOG_WARNING)
    toolkit = verovio.toolkit()
    assert toolkit.loadData(write_bytes(SONG).decode())
    page = toolkit.renderToSVG(1)
    for kind in ("verse", "harm", "fermata", "artic", "dynam", "reh", "pedal"):
        assert f'class="{kind}' in page, kind
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("harmony", "text"),
    [
        ("<kind>major-seventh</kind>", "Cmaj7"),
        ('<kind text="△7">major-seventh</kind>', "C△7"),
        ('<kind text="">minor</kind>', "Cm"),
        ('<kind text="7">minor-seventh</kind>', "Cm7"),
        ("<kind>dominant</kind><inversion>1</inversion>", "C7/E"),
        ("<kind>minor</kind><bass><bass-step>E</bass-step><bass-alter>-1</bass-alter></bass>",
         "Cm/Eb"),
        ("<kind>dominant</kind><degree><degree-value>9</degree-value><degree-alter>-1"
         "</degree-alter><degree-type>add</degree-type></degree>", "C7b9"),
        ("<kind>none</kind>", "N.C."),
    ],
)  # fmt: skip
def test_chord_symbols_of_others_are_read_as_they_are_printed(harmony: str, text: str) -> None:
    symbol = f"<harmony><root><root-step>C</root-step></root>{harmony}</harmony>"
    piece, repairs = read_bytes(score(FIRST + symbol + note()), "x")
    assert piece.chords == (ChordSymbol(0, text),)
    assert "1 x chord symbol kept beside the notes, which do not play it." in repairs


def test_a_verse_for_each_pass_of_a_repeat_is_sung_in_its_pass() -> None:
    words = "".join(
        f'<lyric number="{verse}"><syllabic>single</syllabic><text>{text}</text></lyric>'
        for verse, text in ((1, "one"), (2, "two"))
    )
    back = '<barline><repeat direction="backward"/></barline>'
    (track,) = read(score(FIRST + note(after=words) + back)).tracks
    assert track.lyrics == (Lyric(0, "one"), Lyric(4, "two"))


def test_a_sign_on_the_first_note_of_a_chord_is_for_the_chord() -> None:
    sign = "<notations><articulations><accent/></articulations></notations>"
    finger = "<notations><technical><fingering>3</fingering></technical></notations>"
    first = note(after=sign + finger)
    (track,) = read(score(FIRST + first + note("E", extra="<chord/>"))).tracks
    assert track.marks == (
        Mark(0, "articulation", "accent"),
        Mark(0, "technical", "fingering 3", 60),
    )


def test_what_a_score_changes_is_said() -> None:
    low = replace(SONG, tracks=(Track([(0, 480, 5, 80)], name="Low"),))
    assert losses(low) == [
        "MusicXML holds no notes below octave 0: 1 are written an octave up (track Low)."
    ]
