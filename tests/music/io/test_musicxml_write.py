"""The written score: exact for whom reads it back, correct and readable for everyone else."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.errors import InputError
from ritornello.music.io import read
from ritornello.music.io.musicxml.read import read_bytes
from ritornello.music.io.musicxml.write import holdable, write_bytes
from ritornello.music.keys import KeyName
from ritornello.music.note_tables import NO_BENDS, NO_CONTROLS, NO_PRESSURES, Rows
from ritornello.music.piece import KeyChange, Metre, Piece, Tempo, Track

REAL_PIECES = [
    "band_arranged_synth/train/ewld__Auld_Lang_Syne__rock1.mid",
    "openscore_lieder_midi/midi/Arne__Thomas/By_Dimpled_Brook__lc8847705.mid",
    "open_hymnal_midi",
    "groove_midi/drummer1/eval_session/6_hiphop-groove6_87_beat_4-4.mid",
    "freedoom_midi",
]


def real_piece(data_dir: Path, name: str) -> Piece:
    path = data_dir / name
    return read(path if path.is_file() else sorted(path.rglob("*.mid"))[3])


def written(piece: Piece) -> ElementTree.Element:
    return ElementTree.fromstring(write_bytes(piece))


def read_back(piece: Piece) -> Piece:
    again, repairs = read_bytes(write_bytes(piece), "written")
    assert repairs == []
    return again


def one_bar(
    notes: Rows, *, resolution: int = 480, metre: tuple[int, int] = (4, 4), **track: Any
) -> Piece:
    return Piece(
        (Track(notes, **{"program": 40, **track}),), resolution, metres=(Metre(0, *metre),)
    )


def printed(piece: Piece) -> list[tuple[str, int]]:
    """Type and dots of each printed symbol of the first part; "bar" is a whole-bar rest."""
    return [
        (note.findtext("type") or "bar", len(note.findall("dot")))
        for note in written(piece).iter("note")
    ]


# --- nothing is lost --------------------------------------------------------------------------

RESOLUTIONS = st.sampled_from([1, 4, 7, 24, 96, 100, 480, 960])
METRES = st.sampled_from([(4, 4), (3, 4), (6, 8), (5, 8), (2, 2), (3, 16), (7, 64)])


@st.composite
def performances(draw: st.DrawFn) -> Piece:
    """Pieces with any timing, changing metres that cut bars, and crowded staves."""
    resolution = draw(RESOLUTIONS)
    end = resolution * draw(st.integers(1, 12))
    onset = st.integers(0, end - 1)
    note = st.tuples(onset, st.integers(1, end), st.integers(12, 127), st.integers(1, 127))
    track = st.builds(
        Track, st.lists(note, max_size=12), st.integers(0, 127), st.booleans(), st.just("")
    )
    changes = draw(st.lists(st.tuples(st.integers(0, 12), METRES), max_size=3))
    metres = [Metre(beat * resolution, *metre) for beat, metre in changes]
    return Piece(
        tuple(draw(st.lists(track, min_size=1, max_size=2))),
        resolution,
        (Tempo(0, 100.0), Tempo(draw(onset), draw(st.floats(1, 10_000)))),
        tuple(metres),
        length_ticks=max([end, *(metre.tick + 1 for metre in metres)]),
    )


@settings(max_examples=150)
@given(performances())
def test_reading_a_written_performance_gives_the_same_piece(piece: Piece) -> None:
    again = read_back(piece)
    if holdable(piece):
        assert again == piece
    else:
        assert again.note_count == piece.note_count


@pytest.mark.data
@pytest.mark.parametrize("name", REAL_PIECES)
def test_real_pieces_come_back_exactly(name: str, data_dir: Path) -> None:
    piece = real_piece(data_dir, name)
    assert holdable(piece)
    assert read_back(piece) == piece


def test_twelve_voices_on_a_staff_lose_no_note() -> None:
    piece = one_bar([(i * 120, 1900 - 140 * i, 60 + i, 80) for i in range(12)])
    voices = {note.findtext("voice") for note in written(piece).iter("note")}
    assert len(voices) <= 4
    assert read_back(piece) == piece


def test_what_cannot_be_held_is_changed_and_never_dropped() -> None:
    low = one_bar([(0, 480, 5, 80)])
    assert not holdable(low)
    assert read_back(low).tracks[0].notes["pitch"].tolist() == [17]
    odd_bars = Piece((Track([(0, 3, 60, 80)]),), 3, metres=(Metre(0, 6, 8), Metre(5, 3, 8)))
    assert not holdable(odd_bars)
    assert read_back(odd_bars).note_count == 1


def test_a_piece_without_parts_or_with_endless_bars_is_refused() -> None:
    with pytest.raises(InputError, match="no parts"):
        write_bytes(Piece(()))
    with pytest.raises(InputError, match="bars"):
        write_bytes(one_bar([(2**39, 1, 60, 80)]))


# --- it is readable ---------------------------------------------------------------------------


def test_human_timing_is_printed_on_a_simple_grid() -> None:
    played = [(i * 240 + late, 200, 72, 80) for i, late in enumerate([3, -7, 9, 5, -11, 8, 2, 14])]
    played = [(max(0, note[0]), *note[1:]) for note in played]
    assert printed(one_bar(played)) == [("eighth", 0)] * 8


def test_a_held_nine_tenths_of_a_beat_is_no_quintuplet() -> None:
    assert printed(one_bar([(i * 480, 432, 72, 80) for i in range(4)])) == [("quarter", 0)] * 4


def test_triplets_of_eighths_and_of_quarters_are_marked_once_each() -> None:
    notes = [(i * 160, 160, 72, 80) for i in range(3)] + [(480, 480, 72, 80)]
    notes += [(960 + i * 320, 320, 72, 80) for i in range(3)]
    piece = one_bar(notes)
    assert printed(piece) == [*[("eighth", 0)] * 3, ("quarter", 0), *[("quarter", 0)] * 3]
    edges = [edge.get("type") for edge in written(piece).iter("tuplet")]
    assert edges == ["start", "stop"] * 2


def test_values_show_the_beats() -> None:
    assert printed(one_bar([(240, 480, 72, 80), (720, 1200, 72, 80)]))[:4] == [
        ("eighth", 0),
        ("quarter", 0),
        ("eighth", 0),
        ("half", 0),
    ]
    assert printed(one_bar([(0, 1440, 72, 80)], metre=(6, 8))) == [("half", 1)]
    assert printed(one_bar([])) == [("bar", 0)]


def test_a_note_over_the_bar_line_is_tied_and_an_accidental_is_printed_once() -> None:
    notes = [(1440, 960, 66, 80), (2400, 480, 66, 80), (2880, 480, 65, 80)]
    piece = Piece(one_bar(notes).tracks, 480, keys=(KeyChange(0, KeyName(0)),))
    printed_notes = [note for note in written(piece).iter("note") if note.find("pitch") is not None]
    assert [[tie.get("type") for tie in note.findall("tie")] for note in printed_notes[:2]] == [
        ["start"],
        ["stop"],
    ]
    # A tied note takes its accidental over the bar line; the next one needs its own.
    accidentals = [note.findtext("accidental") for note in printed_notes]
    assert accidentals == ["sharp", None, "sharp", "natural"]


def test_pitches_are_spelled_in_the_key() -> None:
    notes = [(i * 480, 480, pitch, 80) for i, pitch in enumerate([61, 63, 66, 70])]

    def steps(key: KeyName) -> str:
        piece = Piece(one_bar(notes).tracks, 480, keys=(KeyChange(0, key),))
        return "".join(step.text or "" for step in written(piece).iter("step"))

    assert steps(KeyName(1, "major")) == "DEGB"
    assert steps(KeyName(11, "major")) == "CDFA"


def test_drums_are_unpitched_with_crosses_for_cymbals_and_feet_below() -> None:
    piece = one_bar([(0, 10, 36, 99), (0, 10, 42, 80), (480, 10, 38, 90)], is_drum=True)
    score = written(piece)
    heads = {note.findtext("unpitched/display-step"): note for note in score.iter("note")}
    assert heads["G"].findtext("notehead") == "x"
    assert heads["F"].findtext("voice") == "2"
    assert {key.text for key in score.iter("midi-unpitched")} == {"37", "43", "39"}
    assert score.findtext("part/measure/attributes/clef/sign") == "percussion"
    assert read_back(piece) == piece


def test_keyboards_have_two_staves_and_the_last_bar_a_final_line() -> None:
    score = written(one_bar([(0, 480, 48, 80), (0, 480, 76, 80)], program=0))
    assert score.findtext("part/measure/attributes/staves") == "2"
    staves = {note.findtext("pitch/octave"): note.findtext("staff") for note in score.iter("note")}
    assert (staves["3"], staves["5"]) == ("2", "1")
    assert score.findtext("part/measure/barline/bar-style") == "light-heavy"


# --- other programs agree ---------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.parametrize("name", REAL_PIECES)
def test_music21_reads_the_same_notes_without_a_warning(name: str, data_dir: Path) -> None:
    music21 = pytest.importorskip("music21")
    piece = real_piece(data_dir, name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # The Groove kit has hi-hat edges on keys 22 and 26, which General MIDI does not name.
        warnings.filterwarnings("ignore", "2[26] does not map to a valid instrument")
        score = music21.converter.parseData(write_bytes(piece), format="musicxml")
    assert len(score.parts) >= len(piece.tracks)
    found: Counter[tuple[Fraction, int | None]] = Counter()
    for part in score.parts:
        for note in part.flatten().notes:
            onset = Fraction(note.offset).limit_denominator(960)
            for member in getattr(note, "notes", (note,)):
                if member.tie is None or member.tie.type == "start":
                    found[onset, getattr(member, "pitch", None) and member.pitch.midi] += 1
    expected: Counter[tuple[Fraction, int | None]] = Counter()
    exact = True
    for track in piece.tracks:
        for note in track:
            onset = Fraction(note.onset_ticks, piece.resolution)
            exact &= onset.denominator in (1, 2, 4, 3, 6, 8)
            expected[onset, None if track.is_drum else note.pitch] += 1
    if exact:
        assert found == expected
    else:  # a performance: every note is there, near its time
        assert found.total() == expected.total()


@pytest.mark.data
@pytest.mark.parametrize("name", REAL_PIECES)
def test_verovio_engraves_without_complaint(
    name: str, data_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    verovio = pytest.importorskip("verovio")
    verovio.enableLog(verovio.LOG_WARNING)
    toolkit = verovio.toolkit()
    toolkit.loadData("this is no music")
    assert capfd.readouterr().err, "Verovio's complaints are heard here"
    piece = real_piece(data_dir, name)
    # Names as long as a hymn's first line leave no room on the page, and Verovio says so.
    tracks = tuple(replace(track, name=track.name[:20].strip()) for track in piece.tracks)
    # What is not printed is in a place that Verovio does not know, and says.
    nothing: dict[str, Any] = {
        "controls": NO_CONTROLS,
        "bends": NO_BENDS,
        "pressures": NO_PRESSURES,
    }
    tracks = tuple(replace(track, **nothing) for track in tracks)
    piece = replace(piece, tracks=tracks, texts=(), cues=())
    assert toolkit.loadData(write_bytes(piece).decode())
    assert 'class="note' in toolkit.renderToSVG(1)
    # What a score does not print stands in directions that Verovio passes over, and says so.
    complaints = capfd.readouterr().err.splitlines()
    assert [line for line in complaints if "other-direction" not in line] == []
