"""Scores of other programs: what sounds is read, what is not read is said, nothing crashes."""

from __future__ import annotations

import io
import random
import zipfile
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ritornello.errors import InputError
from ritornello.music.io.musicxml.read import read_bytes
from ritornello.music.io.musicxml.write import write_bytes, write_compressed_bytes
from ritornello.music.keys import KeyName
from ritornello.music.piece import Metre, Piece, Track


def note(
    step: str = "C",
    octave: int = 4,
    duration: object = 4,
    *,
    extra: str = "",
    after: str = "",
    alter: str = "",
    attributes: str = "",
) -> str:
    alter = f"<alter>{alter}</alter>" if alter else ""
    pitch = f"<pitch><step>{step}</step>{alter}<octave>{octave}</octave></pitch>"
    length = f"<duration>{duration}</duration>" if duration else ""
    return f"<note {attributes}>{extra}{pitch}{length}{after}</note>"


REST = "<note><rest/><duration>4</duration></note>"
FIRST = "<attributes><divisions>4</divisions></attributes>"


def score(*measures: str, part_list: str = "", root: str = "score-partwise") -> bytes:
    parts = part_list or '<score-part id="P1"><part-name>Flute</part-name></score-part>'
    body = "".join(f"<measure>{measure}</measure>" for measure in measures)
    return f"<{root}><part-list>{parts}</part-list><part id='P1'>{body}</part></{root}>".encode()


def notes_of(piece: Piece) -> list[tuple[Any, Any, int]]:
    """(onset, duration in quarters, pitch) of every note, in order of time."""
    return sorted(
        (Fraction(onset, piece.resolution), Fraction(duration, piece.resolution), pitch)
        for track in piece.tracks
        for onset, duration, pitch, _ in track.notes.tolist()
    )


def read(data: bytes) -> Piece:
    return read_bytes(data, "test.musicxml")[0]


def test_chords_voices_and_backup() -> None:
    chord = note() + note("E", extra="<chord/>") + note("G", 4, 12)
    lower = "<backup><duration>16</duration></backup><forward><duration>8</duration></forward>"
    piece = read(score(FIRST + chord + lower + note("C", 3, 8)))
    assert notes_of(piece) == [(0, 1, 60), (0, 1, 64), (1, 3, 67), (2, 2, 48)]


def test_ties_are_joined_over_bar_lines_even_where_only_the_start_is_written() -> None:
    start, stop = '<tie type="start"/>', '<tie type="stop"/>'
    whole = note(duration=16, after=start)
    assert notes_of(read(score(FIRST + whole, note(after=stop)))) == [(0, 5, 60)]
    assert notes_of(read(score(FIRST + whole, note()))) == [(0, 5, 60)]
    assert len(notes_of(read(score(FIRST + whole, note("D") + note())))) == 3


def test_transposing_instruments_sound_where_they_sound() -> None:
    shift = "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    key = "<key><fifths>2</fifths><mode>major</mode></key>"
    attributes = f"<attributes><divisions>4</divisions>{key}{shift}</attributes>"
    piece = read(score(attributes + note("D", 4, 16)))
    assert notes_of(piece) == [(0, 4, 60)]
    assert [change.key for change in piece.keys] == [KeyName(0)]


def test_what_is_left_out_is_counted() -> None:
    grace = note(extra="<grace/>", duration=0)
    _, repairs = read_bytes(score(FIRST + grace * 3 + note(alter="0.5")), "x")
    assert "3 x grace note left out." in repairs
    assert "1 x microtone rounded to a semitone." in repairs
    assert any("program" in repair for repair in repairs)


def test_velocities_come_from_marks_and_from_notes() -> None:
    loud = "<direction><direction-type><dynamics><ff/></dynamics></direction-type></direction>"
    piece = read(score(FIRST + note() + loud + note() + note(attributes='dynamics="50"')))
    assert piece.tracks[0].notes["velocity"].tolist() == [80, 112, 45]


def test_tempo_from_sound_and_from_metronome() -> None:
    sound = '<direction><sound tempo="90"/></direction>'
    mark = (
        "<direction><direction-type><metronome><beat-unit>quarter</beat-unit><beat-unit-dot/>"
        "<per-minute>c. 40</per-minute></metronome></direction-type></direction>"
    )
    piece = read(score(FIRST + sound + note(duration=8) + mark + note(duration=8)))
    assert [tempo.bpm for tempo in piece.tempos] == [90, 60]
    assert piece.tempos[1].tick == 2 * piece.resolution


def test_repeats_and_endings_are_played_out() -> None:
    back = '<barline><repeat direction="backward"/></barline>'
    first = f'<barline><ending number="1" type="start"/></barline>{note("E", 4, 16)}' + (
        '<barline><ending number="1" type="stop"/><repeat direction="backward"/></barline>'
    )
    second = f'<barline><ending number="2" type="start"/></barline>{note("F", 4, 16)}' + (
        '<barline><ending number="2" type="discontinue"/></barline>'
    )
    data = score(FIRST + note("C", 4, 16), first, second, note("G", 4, 16) + back)
    assert [pitch for *_, pitch in notes_of(read(data))] == [60, 64, 60, 65, 67, 67]


def test_an_upbeat_keeps_its_length_and_the_bars_after_it_start_in_time() -> None:
    time = "<time><beats>3</beats><beat-type>4</beat-type></time>"
    upbeat = f"<attributes><divisions>4</divisions>{time}</attributes>" + note()
    piece = read(score(upbeat, note(duration=12), note(duration=12)))
    assert piece.metres == (Metre(0, 3, 4), Metre(4, 3, 4))
    assert piece.bar_starts_ticks().tolist() == [0, 4, 16]


def test_a_signature_without_a_mode_is_minor_where_the_notes_are() -> None:
    key = "<attributes><divisions>4</divisions><key><fifths>0</fifths></key></attributes>"
    minor = "".join(note(step, 4) for step in "ACEA")
    major = "".join(note(step, 4) for step in "CEGC")
    assert read(score(key + minor)).keys[0].key == KeyName(9, "minor")
    assert read(score(key + major)).keys[0].key == KeyName(0)


def test_drums_find_their_general_midi_key() -> None:
    part_list = (
        '<score-part id="P1"><part-name>Kit</part-name><score-instrument id="I"/>'
        '<midi-instrument id="I"><midi-channel>10</midi-channel>'
        "<midi-unpitched>39</midi-unpitched></midi-instrument></score-part>"
    )
    place = (
        "<unpitched><display-step>F</display-step><display-octave>4</display-octave></unpitched>"
    )
    mapped = f'<note>{place}<duration>4</duration><instrument id="I"/></note>'
    guessed = f"<note>{place}<duration>4</duration></note>"
    piece, repairs = read_bytes(score(FIRST + mapped + guessed, part_list=part_list), "x")
    assert piece.tracks[0].is_drum
    assert piece.tracks[0].notes["pitch"].tolist() == [38, 36]
    assert repairs == ["1 x drum guessed from its place on the staff."]


@pytest.mark.parametrize(
    ("name", "program"), [("Violino I", 40), ("Clarinet in Bb", 71), ("Soprano", 52), ("Xyz", 0)]
)
def test_programs_are_guessed_from_part_names(name: str, program: int) -> None:
    part_list = f'<score-part id="P1"><part-name>{name}</part-name></score-part>'
    assert read(score(FIRST + note(), part_list=part_list)).tracks[0].program == program


def test_time_wise_and_utf_16_scores_are_read() -> None:
    part = f"<part id='P1'>{FIRST}{note()}</part>"
    by_time = f"<score-timewise><part-list/><measure>{part}</measure></score-timewise>"
    assert notes_of(read(by_time.encode())) == [(0, 1, 60)]
    assert notes_of(read(score(FIRST + note()).decode().encode("utf-16"))) == [(0, 1, 60)]


def test_a_compressed_score_is_found_through_its_container() -> None:
    piece = Piece((Track([(0, 480, 60, 80)], 40),))
    assert read(write_compressed_bytes(piece)) == piece
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("other.xml", "<nothing/>")
        archive.writestr("a/b.xml", write_bytes(piece))
        archive.writestr(
            "META-INF/container.xml",
            '<container><rootfiles><rootfile full-path="a/b.xml"/></rootfiles></container>',
        )
    assert read(buffer.getvalue()) == piece


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.xml", b" " * (80 * 2**20))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not well-formed"),
        (b"<html/>", "root element is <html>"),
        (b"<score-partwise/>", "no part"),
        (b"PK\x03\x04 broken", "cannot be opened"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]>' + score(FIRST), "entities"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]>'.decode().encode("utf-16"), "entities"),
        (score(FIRST + note(duration="1e999")), "<duration>"),
        (score("<attributes><divisions>0</divisions></attributes>"), "<divisions>"),
        (score(FIRST + REST, FIRST + REST, '<barline><repeat direction="backward"'
               ' times="99999"/></barline>'), "unfold"),
    ],
    ids=range(9),
)  # fmt: skip
def test_what_is_no_score_is_refused_with_its_name(data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        read_bytes(data, "tune.xml")
    assert str(refused.value).startswith("tune.xml: ")


def test_an_archive_that_swells_is_refused() -> None:
    with pytest.raises(InputError, match="64 MiB"):
        read_bytes(bomb(), "bomb.mxl")


def test_a_container_in_an_unknown_encoding_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("META-INF/container.xml", '<?xml version="1.0" encoding="UTF-n"?><a/>')
    with pytest.raises(InputError, match="unknown encoding"):
        read_bytes(buffer.getvalue(), "tune.mxl")


def test_damaged_scores_are_read_or_refused_never_worse() -> None:
    """Bytes changed, cut out and doubled in a real score."""
    notes = [(i * 160, 320, 60 + i % 9, 80) for i in range(12)]
    whole = write_bytes(Piece((Track(notes), Track([(0, 9, 38, 80)], is_drum=True))))
    dice = random.Random(7)
    outcomes: Counter[str] = Counter()
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(data) - 40)
            kind = dice.choice(["digit", "cut", "double", "byte"])
            if kind == "digit":
                digits = [i for i in range(at, min(at + 400, len(data))) if 48 <= data[i] < 58]
                for i in digits[:1]:
                    data[i : i + 1] = dice.choice([b"0", b"9", b"-1", b"99999999", b"x", b"0.3"])
            elif kind == "cut":
                del data[at : at + dice.randint(1, 30)]
            elif kind == "double":
                data[at:at] = data[at : at + dice.randint(1, 200)]
            else:
                data[at] = dice.randrange(256)
        try:
            read_bytes(bytes(data), "damaged")
            outcomes["read"] += 1
        except InputError:
            outcomes["refused"] += 1
    assert outcomes["read"] > 20
    assert outcomes["refused"] > 40


# Scores in music21's own corpus that we and music21 read alike, from programs and styles far apart.
CORPUS = [
    "bach/bwv66.6.mxl",
    "haydn/opus1no1/movement1.mxl",
    "monteverdi/madrigal.3.1.mxl",
    "schoenberg/opus19/movement2.mxl",
]


@pytest.mark.parametrize("name", CORPUS)
def test_corpus_scores_hold_the_notes_music21_finds(name: str) -> None:
    music21 = pytest.importorskip("music21")
    path = Path(music21.__path__[0]) / "corpus" / name
    parsed = music21.converter.parse(path, forceSource=True)
    expanded = parsed.expandRepeats() if parsed.parts[0].recurse().getElementsByClass(
        music21.bar.Repeat
    ) else parsed  # fmt: skip
    found: Counter[int] = Counter()
    for part in expanded.parts:
        for element in part.flatten().notes:
            if element.duration.isGrace or isinstance(element, music21.harmony.ChordSymbol):
                continue
            for member in getattr(element, "notes", (element,)):
                if member.tie is None or member.tie.type == "start":
                    found[member.pitch.midi] += 1
    piece, _ = read_bytes(path.read_bytes(), name)
    assert Counter(pitch for *_, pitch in notes_of(piece)) == found
