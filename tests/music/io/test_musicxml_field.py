"""Scores that people met and that were read wrongly: what is right, for their whole kinds."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest

from ritornello.errors import InputError
from ritornello.music.io import check_size
from ritornello.music.io.musicxml.read import read_bytes
from ritornello.music.piece import Piece

from .test_musicxml_read import FIRST, note, notes_of, read, score


def parts(*names: str, extra: str = "") -> bytes:
    """A score of parts with these names and a note each, without any program."""
    listed = "".join(
        f'<score-part id="P{i}"><part-name>{name}</part-name></score-part>'
        for i, name in enumerate(names)
    )
    bodies = "".join(
        f'<part id="P{i}"><measure>{FIRST}{note(after=extra)}</measure></part>'
        for i, _ in enumerate(names)
    )
    return f"<score-partwise><part-list>{listed}</part-list>{bodies}</score-partwise>".encode()


def programs(data: bytes) -> list[int]:
    return [track.program for track in read(data).tracks]


# --- who plays --------------------------------------------------------------------------------


def test_a_bass_among_voices_sings_and_among_strings_is_bowed_and_alone_is_plucked() -> None:
    assert programs(parts("Soprano", "Alto", "Tenor", "Bass")) == [52] * 4
    assert programs(parts("S", "A", "T", "B")) == [52] * 4
    assert programs(parts("Violin I", "Violin II", "Viola", "Cello", "Bass"))[-1] == 43
    assert programs(parts("Violons", "Altos", "Violoncelles")) == [40, 41, 42]
    assert programs(parts("Guitar", "Bass", "Drums"))[1] == 33
    assert programs(parts("Soprano Sax", "Alto", "Tenor", "Baritone")) == [64, 65, 66, 67]


def test_who_has_words_and_no_telling_name_sings() -> None:
    lyric = "<lyric><text>la</text></lyric>"
    assert programs(parts("Tamino", extra=lyric)) == [52]
    assert programs(parts("Tamino")) == [0]


def test_a_singer_of_ours_and_an_instrument_at_once_are_two_tracks() -> None:
    names = {"P1-V1": "Soprano", "P1-I1": "Flute"}
    listed = "".join(
        f'<score-instrument id="{i}"><instrument-name>{name}</instrument-name></score-instrument>'
        for i, name in names.items()
    )
    programs = "".join(
        f'<midi-instrument id="{i}"><midi-program>53</midi-program></midi-instrument>'
        for i in names
    )
    sung = "".join(
        "<note>" + "<chord/>" * place + f"<pitch><step>{step}</step><octave>4</octave></pitch>"
        f'<duration>1</duration><instrument id="{identity}"/></note>'
        for place, (step, identity) in enumerate(zip("CE", names, strict=True))
    )
    part = f'<score-part id="P1"><part-name>Choir</part-name>{listed}{programs}</score-part>'
    body = f'<part id="P1"><measure>{FIRST}{sung}</measure></part>'
    data = f"<score-partwise><part-list>{part}</part-list>{body}</score-partwise>".encode()
    assert [len(track) for track in read(data).tracks] == [1, 1]


def test_the_program_that_a_name_was_read_as_is_told() -> None:
    _, repairs = read_bytes(parts("Fagott", "Fagott"), "x")
    assert "2 x part without a program: read as bassoon by its name." in repairs


def instrument(name: str, program: int, number: int) -> str:
    return (
        f'<score-part id="P{number}"><part-name>{name}</part-name>'
        f'<score-instrument id="I{number}"><instrument-name>Instrument {number}</instrument-name>'
        f'</score-instrument><midi-instrument id="I{number}">'
        f"<midi-program>{program}</midi-program></midi-instrument></score-part>"
    )


def test_program_1_for_everybody_says_nothing_and_any_other_is_believed() -> None:
    body = f"<part id='P1'><measure>{FIRST}{note()}</measure></part>"
    body += f"<part id='P2'><measure>{FIRST}{note()}</measure></part>"
    for stated, expected in (((1, 1), [56, 47]), ((1, 5), [0, 4])):
        listed = instrument("Trumpet", stated[0], 1) + instrument("Timpani", stated[1], 2)
        data = f"<score-partwise><part-list>{listed}</part-list>{body}</score-partwise>"
        assert programs(data.encode()) == expected


def test_players_who_change_instruments_are_tracks_of_one_player() -> None:
    change = (
        '<sound><midi-instrument id="I1"><midi-program>73</midi-program></midi-instrument></sound>'
    )
    listed = instrument("Flute", 74, 1)
    piece = read(score(FIRST + note() + change + note("D"), part_list=listed))
    assert [(track.program, track.player) for track in piece.tracks] == [(73, 1), (72, 1)]
    assert notes_of(piece) == [(0, 1, 60), (1, 1, 62)]


@pytest.mark.parametrize("name", ["Drum Set", "Drumset", "Drum Kit"])
def test_pitches_of_a_kit_without_a_channel_are_percussion_keys(name: str) -> None:
    listed = f'<score-part id="P1"><part-name>{name}</part-name></score-part>'
    (track,) = read(score(FIRST + note() + note("D"), part_list=listed)).tracks
    assert track.is_drum
    assert track.notes["pitch"].tolist() == [60, 62]


DRUM = "<note><unpitched><display-step>E</display-step><display-octave>4</display-octave>"
DRUM += "</unpitched><duration>4</duration></note>"


def lone_drum(name: str, stated: str = "") -> Piece:
    midi = f'<midi-instrument id="I"><midi-channel>10</midi-channel>{stated}</midi-instrument>'
    listed = (
        f'<score-part id="P1"><part-name>{name}</part-name><score-instrument id="I">'
        f"<instrument-name>{name}</instrument-name></score-instrument>{midi}</score-part>"
    )
    return read(score(FIRST + DRUM, part_list=listed))


@pytest.mark.parametrize(
    ("name", "stated", "key"),
    [
        ("Triangle", "<midi-unpitched>82</midi-unpitched>", 81),
        ("Percussion", "<midi-unpitched>57</midi-unpitched>", 56),
        ("Große Trommel", "", 36),
        ("Tam-tam", "", 52),
        ("Drumset", "", 35),
    ],
)
def test_the_notes_of_a_lone_drum_need_not_name_it(name: str, stated: str, key: int) -> None:
    (track,) = lone_drum(name, stated).tracks
    assert track.is_drum
    assert track.notes["pitch"].tolist() == [key]


# --- time -------------------------------------------------------------------------------------


def test_cue_notes_take_their_time_and_do_not_sound() -> None:
    cues = note(extra="<cue/>") + note("E", extra="<cue/><chord/>")
    piece, repairs = read_bytes(score(FIRST + cues + note("G", duration=12)), "x")
    assert notes_of(piece) == [(1, 3, 67)]
    assert "2 x cue note left out." in repairs


@pytest.mark.parametrize(("divisions", "duration"), [("0.5", 2), ("2.5", 10), ("4.0", 16)])
def test_divisions_may_have_decimals(divisions: str, duration: int) -> None:
    first = f"<attributes><divisions>{divisions}</divisions></attributes>"
    assert notes_of(read(score(first + note(duration=duration)))) == [(0, 4, 60)]


def test_durations_may_have_decimals() -> None:
    first = "<attributes><divisions>1</divisions></attributes>"
    halves = note(duration="0.5") + note("D", duration="0.5")
    assert notes_of(read(score(first + halves))) == [(0, 0.5, 60), (0.5, 0.5, 62)]


def test_divisions_hold_from_the_beginning_wherever_they_stand() -> None:
    late = note() + "<backup><duration>4</duration></backup>" + FIRST + note("E")
    assert notes_of(read(score(late, note("G")))) == [(0, 1, 60), (0, 1, 64), (1, 1, 67)]


@pytest.mark.parametrize(
    "words", ["D.C. al Fine", "D. S. al Coda", "Da Capo", "Dal Segno", "To Coda", "al Coda"]
)
def test_jumps_in_words_are_told_once(words: str) -> None:
    jump = f"<direction><direction-type><words>{words}</words></direction-type>%s</direction>"
    for sound in ("", '<sound dacapo="yes"/>'):
        _, repairs = read_bytes(score(FIRST + note() + jump % sound), "x")
        assert [each[:11] for each in repairs if "jump" in each] == ["1 x jump (D"]
    _, repairs = read_bytes(score(FIRST + note() + jump.replace(words, "dolce") % ""), "x")
    assert not any("jump" in repair for repair in repairs)


# --- files that mean harm ---------------------------------------------------------------------


def archive(xml: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("score.xml", xml)
    return buffer.getvalue()


def declared(declaration: str) -> bytes:
    return f"<!DOCTYPE score-partwise [{declaration}]>".encode() + score(FIRST + note())


ENDING = '<barline><ending number="1" type="start"/></barline>'
HARMFUL: dict[str, tuple[Callable[[], bytes], str]] = {
    "measures": (lambda: score(*[""] * 60_000), "60,000 measures"),
    "tags in an archive": (lambda: archive(b"<a/>" * 5_000_000), "5,000,000 tags"),
    "attributes": (lambda: archive(b'<a b=""/>' * 1_600_000), "1,600,000 attributes"),
    "attribute lists": (
        lambda: declared("".join(f"<!ATTLIST note a{i} CDATA 'x'>" for i in range(40_000))),
        "of its own",
    ),
    "an entity of a file": (lambda: declared("<!ENTITY a SYSTEM 'file:///etc/passwd'>"), "own"),
    "a parameter entity": (lambda: declared("<!ENTITY % a SYSTEM 'http://x/y'> %a;"), "own"),
    "files in an archive": (lambda: b"PK\3\4" + b"PK\1\2" * 2000, "1,000 files"),
    "a crowded measure repeated": (
        lambda: score(
            FIRST + note() * 2000 + '<barline><repeat direction="backward" times="9999"/></barline>'
        ),
        "repeats included",
    ),
    "a long prolog": (lambda: b"<!--" + b"x" * 100_000 + b"-->" + score(FIRST), "first 64 KiB"),
}


@pytest.mark.parametrize("kind", HARMFUL)
def test_what_would_fill_the_memory_is_refused_and_told(kind: str) -> None:
    make, message = HARMFUL[kind]
    with pytest.raises(InputError, match=message):
        read_bytes(make(), "tune.mxl")


def test_what_repeats_without_end_is_read_in_its_own_time() -> None:
    """Each would take minutes if its time grew with the square of its size."""
    ties = "".join(
        note(extra="<chord/>" * (i > 0), after=f'<tie type="start"/><voice>{i}</voice>', duration=1)
        for i in range(10_000)
    )
    keys = "".join(
        f"<attributes><key><fifths>{i % 7}</fifths></key></attributes>{note(duration=1)}"
        for i in range(3_000)
    )
    endings = f"<measure>{FIRST}{note()}{ENDING * 50_000}</measure>"
    assert read(score(FIRST + ties)).note_count == 10_000
    assert len(read(score(FIRST + keys)).keys) == 3_000
    data = score().replace(b"</part>", endings.encode() + b"</part>")
    assert read(data).note_count == 1
    skipped = "".join(f"<ending number='{i % 99}' type='start'/>" for i in range(2))
    many = [f"<barline>{skipped}</barline>{note()}" for _ in range(10_000)]
    check_size(read(score(FIRST, *many)), "endings")


def test_bytes_that_belie_their_encoding_are_read_as_what_they_are() -> None:
    data = b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-16"?>' + score(FIRST + note())
    assert notes_of(read(data)) == [(0, 1, 60)]


# --- kinds like those, found by looking for them ------------------------------------------------


def test_a_lone_bass_beside_a_band_is_plucked_though_somebody_sings() -> None:
    assert programs(parts("Vocals", "Guitar", "Bass", "Drums")) == [52, 24, 33, 0]
    assert programs(parts("Vocals", "Piano", "Bass", "Drumset"))[2] == 33
    assert programs(parts("Baritone", "Bass")) == [52, 52]
    assert programs(parts("Dessus", "Haute-contre", "Taille", "Basse")) == [52] * 4
    assert programs(parts("a", "b")) == [0, 0], "letters of a list are no voices"


def test_without_divisions_the_written_values_say_how_long_notes_are() -> None:
    bare = "<attributes><time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
    half = note(duration=480).replace("</note>", "<type>half</type></note>")
    piece = read(score(bare + half + half))
    assert [duration for _, duration, _ in notes_of(piece)] == [2, 2]


def test_a_printed_name_is_that_of_the_part_where_its_own_is_not_printed() -> None:
    shown = (
        '<part-name print-object="no">MusicXML Part</part-name><part-name-display>'
        "<display-text>Oboe</display-text></part-name-display>"
    )
    data = parts("x").replace(b"<part-name>x</part-name>", shown.encode())
    (track,) = read(data).tracks
    assert (track.name, track.program) == ("Oboe", 68)


def test_a_second_chord_symbol_at_one_place_is_told() -> None:
    chords = "".join(
        f"<harmony><root><root-step>{root}</root-step></root><kind>major</kind></harmony>"
        for root in "CG"
    )
    piece, repairs = read_bytes(score(FIRST + chords + note()), "x")
    assert [chord.text for chord in piece.chords] == ["C"]
    assert "1 x chord symbol at the place of another left out." in repairs


def test_a_sound_that_names_a_drum_says_more_than_percussion() -> None:
    unpitched = "<note><unpitched/><duration>4</duration><voice>1</voice></note>"
    named = (
        "<part-name>Perc.</part-name><score-instrument id='I'><instrument-name>x</instrument-name>"
        "<instrument-sound>metal.cymbal.crash</instrument-sound></score-instrument>"
    )
    data = parts("x").replace(b"<part-name>x</part-name>", named.encode())
    data = data.replace(note().encode(), unpitched.encode())
    assert [pitch for *_, pitch in notes_of(read(data))] == [49]


@pytest.mark.parametrize(("bars_before", "expected"), [(0, [90.0]), (2, [120.0, 90.0])])
def test_before_a_first_tempo_that_comes_late_the_usual_one_is_played(
    bars_before: int, expected: list[float]
) -> None:
    bars = [note(duration=16)] * 3
    bars[bars_before] = '<sound tempo="90"/>' + bars[bars_before]
    data = score(FIRST + bars[0], *bars[1:])
    assert [change.bpm for change in read(data).tempos] == expected


def test_a_note_without_a_duration_lasts_as_long_as_it_is_printed() -> None:
    def printed(step: str, inner: str) -> str:
        return note(step=step, duration="", after=inner)

    triplet = "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes>"
    piece = read(
        score(
            FIRST
            + printed("C", "<type>quarter</type><dot/>")
            + printed("D", "<type>eighth</type>")
            + printed("E", f"<type>quarter</type>{triplet}</time-modification>")
            + note(step="F")
        )
    )
    onsets = [float(onset) for onset, _, _ in notes_of(piece)]
    assert onsets == pytest.approx([0, 1.5, 2, 2 + 2 / 3], abs=0.1)


def test_text_that_says_utf_8_and_is_latin_1_is_read_and_told() -> None:
    data = b'<?xml version="1.0" encoding="UTF-8"?>' + score(FIRST + note()).replace(
        b"Flute", "Flöte".encode("latin-1")
    )
    piece, repairs = read_bytes(data, "x")
    assert piece.tracks[0].name == "Flöte"
    assert "1 x text that is not UTF-8 as it says, read as Latin-1." in repairs


# --- signs that stand for music, and the drum channel -----------------------------------------


def style(inner: str, staff: str = "") -> str:
    number = f' number="{staff}"' if staff else ""
    return f"<attributes><measure-style{number}>{inner}</measure-style></attributes>"


WHOLE_REST = '<note><rest measure="yes"/><duration>4</duration></note>'


@pytest.mark.parametrize("under", [WHOLE_REST, ""])
@pytest.mark.parametrize("back", [1, 2])
def test_measures_under_a_repeat_sign_are_those_before_it(back: int, under: str) -> None:
    start = style(f'<measure-repeat type="start">{back}</measure-repeat>')
    bars = [FIRST + note(step="C"), note(step="D"), start + under, under]
    bars.append(style('<measure-repeat type="stop"/>') + note(step="E"))
    piece, repairs = read_bytes(score(*bars), "x")
    pitches = [pitch for _, _, pitch, _ in piece.tracks[0].notes.tolist()]
    assert pitches == [60, 62, *([62, 62] if back == 1 else [60, 62]), 64]
    assert "2 x measure under a repeat sign played as the one before." in repairs


def test_what_is_written_out_under_a_repeat_sign_is_played_as_written() -> None:
    start = style('<measure-repeat type="start">1</measure-repeat>')
    data = score(FIRST + note(step="C"), start + note(step="G"), WHOLE_REST)
    assert [pitch for _, _, pitch, _ in read(data).tracks[0].notes.tolist()] == [60, 67, 67]


def test_a_repeat_sign_of_one_staff_repeats_that_staff() -> None:
    start = style('<measure-repeat type="start">1</measure-repeat>', staff="2")
    back = "<backup><duration>4</duration></backup>"
    low, high = note(step="C", after="<staff>2</staff>"), note(step="E", after="<staff>1</staff>")
    data = score(FIRST + high + back + low, start + note(step="G", after="<staff>1</staff>"))
    pitches = sorted((onset, p) for onset, _, p, _ in read(data).tracks[0].notes.tolist())
    assert [pitch for _, pitch in pitches] == [60, 64, 60, 67]


def test_repeat_signs_that_multiply_a_crowded_measure_are_refused() -> None:
    start = style('<measure-repeat type="start">1</measure-repeat>')
    crowd = note(step="C") + "".join(
        note(step="D").replace("<note>", "<note><chord/>") for _ in range(2_000)
    )
    with pytest.raises(InputError, match="Repeated measures"):
        read_bytes(score(FIRST + crowd, start, *[""] * 1_000), "x")


def beats(*steps: str) -> str:
    return "".join(note(step) for step in steps)


REST = "<note><rest/><duration>{}</duration></note>"


@pytest.mark.parametrize("under", [REST.format(12), "<forward><duration>12</duration></forward>"])
def test_beats_under_a_repeat_sign_are_the_one_before_it(under: str) -> None:
    start = style('<beat-repeat type="start" slashes="1"/>')
    stop = style('<beat-repeat type="stop"/>')
    bars = [FIRST + beats("C") + start + under, under + beats("E"), stop + beats(*"FGAB")]
    piece, repairs = read_bytes(score(*bars), "x")
    found = [(onset // piece.resolution, p) for onset, _, p, _ in piece.tracks[0].notes.tolist()]
    bar_2 = [(4, 60), (5, 60), (6, 60), (7, 64)]
    bar_3 = [(8, 65), (9, 67), (10, 69), (11, 71)]
    assert found == [(0, 60), (1, 60), (2, 60), (3, 60), *bar_2, *bar_3]
    assert "6 x beat under a repeat sign played as the one before." in repairs


def test_a_beat_under_a_repeat_sign_is_as_long_as_its_slash() -> None:
    sign = '<beat-repeat type="start"><slash-type>half</slash-type></beat-repeat>'
    data = score(FIRST + beats(*"CD") + style(sign) + REST.format(8), beats(*"EEEE"))
    pitches = [pitch for _, _, pitch, _ in read(data).tracks[0].notes.tolist()]
    assert pitches == [60, 62, 60, 62, 64, 64, 64, 64]


@pytest.mark.parametrize(
    ("name", "program", "expected"),
    [
        ("Timpani", 48, (47, False)),
        ("Pauken", None, (47, False)),
        ("Glockenspiel", 10, (9, False)),
        ("Piano", 1, (0, False)),
        ("Mallets", 12, (11, False)),
        ("Perc. 1", 48, (47, False)),
        ("Drumset", 1, (0, True)),
        ("Snare Drum", None, (0, True)),
        ("Percussion", 49, (48, True)),
    ],
)
def test_pitched_notes_on_channel_10_are_of_who_is_named(
    name: str, program: int | None, expected: tuple[int, bool]
) -> None:
    stated = f"<midi-program>{program}</midi-program>" if program else ""
    listed = (
        f'<score-part id="P1"><part-name>{name}</part-name><score-instrument id="I1">'
        f"<instrument-name>{name}</instrument-name></score-instrument>"
        f'<midi-instrument id="I1"><midi-channel>10</midi-channel>{stated}</midi-instrument>'
        "</score-part>"
    )
    body = f"<part id='P1'><measure>{FIRST}{note()}</measure></part>"
    data = f"<score-partwise><part-list>{listed}</part-list>{body}</score-partwise>"
    (track,) = read(data.encode()).tracks
    assert (track.program, track.is_drum) == expected
