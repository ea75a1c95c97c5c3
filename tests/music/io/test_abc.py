"""ABC is read as printed: notes, rhythm, bars and keys, and what stands beside the notes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ritornello.errors import InputError
from ritornello.music.io.abc.read import AbcBook, read_bytes
from ritornello.music.io.content import ending_of
from ritornello.music.keys import KeyName
from ritornello.music.piece import (
    ChordSymbol,
    KeyChange,
    Lyric,
    Mark,
    Metre,
    Piece,
    Text,
)

TUNE = b"""X:1
T:Kleines Lied
M:3/4
L:1/4
Q:1/4=90
K:G
"G"G A B | "D7"(3ABc d2 |]
"""
QUARTER = 480


def piece_of(music: str, *fields: str) -> Piece:
    """A tune in quarters and 4/4, C major, unless the fields say otherwise."""
    header = "\n".join(["X:1", "M:4/4", "L:1/4", *fields])
    header += "" if any(field.startswith("K:") for field in fields) else "\nK:C"
    return read_bytes(f"{header}\n{music}\n".encode(), "tune.abc")[0]


def rows(music: str, *fields: str, track: int = 0) -> list[tuple[float, float, int]]:
    """(onset, duration, pitch) in quarters."""
    piece = piece_of(music, *fields)
    unit = piece.resolution
    return [(n.onset_ticks / unit, n.duration_ticks / unit, n.pitch) for n in piece.tracks[track]]


def pitches(music: str, *fields: str) -> list[int]:
    return [pitch for _, _, pitch in rows(music, *fields)]


def durations(music: str, *fields: str) -> list[float]:
    return [duration for _, duration, _ in rows(music, *fields)]


def told_by(data: bytes) -> str:
    return "\n".join(read_bytes(data, "tune.abc")[1])


def test_notes_lie_on_the_written_grid() -> None:
    piece, told = read_bytes(TUNE, "lied.abc")
    quarter = piece.resolution
    notes = piece.tracks[0].notes
    third = quarter // 3 * 2
    assert notes["pitch"].tolist() == [67, 69, 71, 69, 71, 72, 74]
    starts = [0, quarter, 2 * quarter, *(3 * quarter + third * i for i in range(3)), 5 * quarter]
    assert notes["onset"].tolist() == starts
    assert notes["duration"].tolist() == [quarter] * 3 + [third] * 3 + [2 * quarter]
    assert piece.length_ticks == 7 * quarter
    assert told == ["1 x bar longer than its metre (first in line 7)."]


def test_title_metre_key_and_tempo() -> None:
    piece, _ = read_bytes(TUNE, "lied.abc")
    assert piece.title == "Kleines Lied"
    assert piece.metres[0] == Metre(0, 3, 4)
    assert piece.keys == (KeyChange(0, KeyName(7, "major")),)
    assert piece.tempos[0].bpm == 90


# --- pitch ------------------------------------------------------------------------------------


def test_octaves_accidentals_and_the_key() -> None:
    assert pitches("C,, C c c'' ^F _B =e", "K:D") == [37, 61, 73, 97, 66, 70, 76]


def test_an_accidental_holds_to_the_bar_line_in_all_octaves_and_across_it_under_a_tie() -> None:
    assert pitches("^F F f =f|F f") == [66, 66, 78, 77, 65, 77]
    assert rows("^F2 ^F2-|F2 F2") == [(0, 2, 66), (2, 4, 66), (6, 2, 65)]
    by_octave = "%%propagate-accidentals octave"
    assert pitches("^F f", by_octave) == [66, 77]
    assert pitches("^F F", "%%propagate-accidentals not") == [66, 65]


@pytest.mark.parametrize(
    ("key", "name", "f_and_b"),
    [
        ("Ador", KeyName(9, "dorian"), [66, 71]),
        ("A Dorian", KeyName(9, "dorian"), [66, 71]),
        ("Bbm", KeyName(10, "minor"), [65, 70]),
        ("F#mix", KeyName(6, "mixolydian"), [66, 71]),
        ("Eaeo", KeyName(4, "natural minor"), [66, 71]),
        ("C#", KeyName(1, "major"), [66, 72]),
        ("Cb", KeyName(11, "major"), [64, 70]),
        ("HP", KeyName(9, "mixolydian"), [66, 71]),
        ("D =c", KeyName(2, "mixolydian"), [66, 71]),
        ("Am ^g", KeyName(9, "harmonic minor"), [65, 71]),
        ("D exp _b _e ^f", None, [66, 70]),
        ("none", None, [65, 71]),
        ("^f", None, [66, 71]),
    ],
)
def test_keys_by_mode_by_accidentals_and_without_a_name(
    key: str, name: KeyName | None, f_and_b: list[int]
) -> None:
    piece = piece_of("F B", f"K:{key}")
    assert piece.tracks[0].notes["pitch"].tolist() == f_and_b
    assert piece.keys == ((KeyChange(0, name),) if name else ())


def test_clefs_that_transpose_and_properties_that_do() -> None:
    assert pitches("C", "K:C clef=treble-8") == [48]
    assert pitches("C", "K:C treble+8") == [72]
    assert pitches("C", "K:C bass") == [60], "a clef alone moves nothing"
    assert pitches("C", "K:C octave=-1") == [48]
    piece = piece_of("C", "K:D transpose=-2")
    assert piece.tracks[0].notes["pitch"].tolist() == [59]
    assert piece.keys[0].key == KeyName(0), "the key is the one that sounds"


def test_microtones_and_pitches_off_the_keyboard_are_told() -> None:
    told = told_by(b"X:1\nK:C\n^/c c'''''''\n")
    assert "1 x microtone rounded" in told
    assert "1 x pitch outside 0-127" in told


# --- rhythm -----------------------------------------------------------------------------------


def test_lengths() -> None:
    assert durations("C C2 C/ C/4 C// C3/2 C3/ C0") == [1, 2, 0.5, 0.25, 0.25, 1.5, 1.5]


@pytest.mark.parametrize(
    ("music", "expected"),
    [
        ("A>B", [1.5, 0.5]),
        ("A<B", [0.5, 1.5]),
        ("A >> B", [1.75, 0.25]),
        ("[CE]>G", [1.5, 1.5, 0.5]),
        ("A>{c}B", [1.5, 0.5]),
        ("A>z", [1.5]),
    ],
)
def test_broken_rhythm(music: str, expected: list[float]) -> None:
    assert durations(music) == expected


@pytest.mark.parametrize(
    ("music", "metre", "last"),
    [
        ("(3CDE F", "4/4", 2),
        ("(2CD F", "6/8", 3),
        ("(4CDEF G", "6/8", 3),
        ("(5CDEFG A", "6/8", 3),
        ("(5CDEFG A", "4/4", 2),
        ("(3:2:2C2D F", "4/4", 2),
        ("(3::4CDEF G", "4/4", 8 / 3),
        ("(3zCD F", "4/4", 2),
        ("(3[CE]DF G", "4/4", 2),
    ],
)
def test_tuplets(music: str, metre: str, last: float) -> None:
    assert rows(music, f"M:{metre}")[-1][0] == pytest.approx(last)


def test_a_chord_sounds_together_for_as_long_as_its_first_note() -> None:
    assert rows("[C2E4]2 G") == [(0, 4, 60), (0, 4, 64), (4, 1, 67)]
    assert rows("+CE+ G") == [(0, 1, 60), (0, 1, 64), (1, 1, 67)]


def test_a_chord_may_go_on_behind_a_line_but_not_behind_a_bar() -> None:
    assert rows("[C\nE] G") == [(0, 1, 60), (0, 1, 64), (1, 1, 67)]
    assert rows("[CE | G") == [(0, 1, 60), (0, 1, 64), (1, 1, 67)]


def test_ties_join_notes_of_chords_over_bars_and_spaces() -> None:
    assert rows("[CE]-[CE] C -|C") == [(0, 2, 60), (0, 2, 64), (2, 2, 60)]
    assert rows("[C-E][CE]") == [(0, 2, 60), (0, 1, 64), (1, 1, 64)]
    assert rows("C-D") == [(0, 1, 60), (1, 1, 62)], "a tie to another pitch is none"


def test_unit_length_by_metre_and_by_field() -> None:
    assert read_bytes(b"X:1\nM:2/4\nK:C\nC\n", "")[0].length_beats == 0.25
    assert read_bytes(b"X:1\nM:3/4\nK:C\nC\n", "")[0].length_beats == 0.5
    assert read_bytes(b"X:1\nM:2/4\nL:1/2\nK:C\nC\n", "")[0].length_beats == 2
    assert durations("C [L:1/8] C\nL:1/2\nC") == [1, 0.5, 2]


def test_rests_of_whole_bars() -> None:
    assert rows("C4|Z2|x4|D4|")[1] == (16, 4, 62)
    assert rows("C2 Z2|D4|")[1] == (4, 4, 62), "inside a bar it is a plain rest"


@pytest.mark.parametrize(
    ("text", "bpm"),
    [
        ("1/4=96", 96),
        ("3/8=80", 120),
        ('"Allegro" 1/2=60', 120),
        ('1/4=72 "slow"', 72),
        ("1/4 3/8 1/4 3/8=40", 200),
        ("C=60", 60),
        ("C3=40", 120),
        ("90", 90),
        ('"Andante"', 72),
    ],
)
def test_tempi(text: str, bpm: float) -> None:
    assert piece_of("C", f"Q:{text}").tempos[0].bpm == bpm


def test_tempi_inside_a_tune_stand_where_they_are_written() -> None:
    piece = piece_of("C D [Q:1/4=60] E F|", "Q:1/4=120")
    assert [(tempo.tick / QUARTER, tempo.bpm) for tempo in piece.tempos] == [(0, 120), (2, 60)]


# --- bars -------------------------------------------------------------------------------------


def bars(music: str, *fields: str) -> list[float]:
    piece = piece_of(music, *fields)
    return [tick / piece.resolution for tick in piece.bar_starts_ticks().tolist()]


def test_an_upbeat_and_bars_cut_by_a_repeat_keep_their_length() -> None:
    assert bars("G|CDEF|GABc|") == [0, 1, 5]
    assert bars("|:G|CDEF|GAB:|") == [0, 1, 5, 8, 9, 13]


def test_metres_change_with_the_bar() -> None:
    piece = piece_of("CDEF|[M:3/4]CDE|\nM:2/4\nCD|\nM:none\nCDEFG|CDE|")
    assert [(m.tick / QUARTER, m.numerator, m.denominator) for m in piece.metres] == [
        (0, 4, 4),
        (4, 3, 4),
        (7, 2, 4),
        (9, 5, 4),
        (14, 3, 4),
    ]


def test_dotted_and_invisible_bar_lines_end_no_bar_of_their_own() -> None:
    assert bars("CD.|EF|CDEF[|]CDEF|") == [0, 4, 8]


def test_complex_and_cut_metres() -> None:
    assert piece_of("C", "M:C|").metres[0][1:] == (2, 2)
    assert piece_of("C", "M:(2+3)/8").metres[0][1:] == (5, 8)
    assert "is no metre" in told_by(b"X:1\nM:7/0\nK:C\nC\n")


# --- voices -----------------------------------------------------------------------------------


def test_voices_become_parts() -> None:
    data = b'X:1\nM:4/4\nL:1/4\nK:C\nV:1 name="Upper"\nCDEF|\nV:B\nC,2E,2|\n'
    piece, _ = read_bytes(data, "two.abc")
    assert [track.notes["pitch"].tolist() for track in piece.tracks] == [[60, 62, 64, 65], [48, 52]]
    assert [track.name for track in piece.tracks] == ["Upper", "B"]


def test_voices_keep_their_own_time_key_and_unit() -> None:
    music = "[V:1]C2D2|[V:2][L:1/8][K:D]F8|\n[V:1]E4|[V:2]C8|"
    assert rows(music) == [(0, 2, 60), (2, 2, 62), (4, 4, 64)]
    assert rows(music, track=1) == [(0, 4, 66), (4, 4, 61)]


def test_a_voice_that_lacks_a_bar_line_stays_with_the_others() -> None:
    music = "[V:1]C4|D4|E4|F4|\n[V:2]A4|B4 c4|z2 ^d2|"
    assert rows(music, track=1) == [(0, 4, 69), (4, 4, 71), (8, 4, 72), (14, 2, 75)]
    assert bars(music) == [0, 4, 8, 12]


def test_an_overlay_sounds_from_the_start_of_the_bar() -> None:
    assert sorted(rows("C D E F & G4 | C4 &E2-E2|")) == [
        (0, 1, 60),
        (0, 4, 67),
        (1, 1, 62),
        (2, 1, 64),
        (3, 1, 65),
        (4, 4, 60),
        (4, 4, 64),
    ]


def test_instruments_drums_and_changes_of_instrument() -> None:
    data = (
        b"X:1\nL:1/4\n%%MIDI program 1 40\nV:1\nV:2\n%%MIDI channel 10\nK:C\n"
        b"[V:1]CD[I:MIDI program 73]EF|\n[V:2]C,,D,,C,,D,,|\n"
    )
    piece, told = read_bytes(data, "band.abc")
    assert told == []
    assert [(t.program, t.is_drum, len(t)) for t in piece.tracks] == [
        (40, False, 2),
        (73, False, 2),
        (0, True, 4),
    ]
    assert piece.tracks[0].player == piece.tracks[1].player > 0


def test_parts_without_a_program_are_played_by_their_names() -> None:
    music = "[V:1]C|[V:2]D|[V:3]E|[V:B]F|"
    names = ['V:1 name="Violoncello"', 'V:2 name="Alto"', 'V:3 name="Tenor"']
    piece = piece_of(music, *names)
    assert [track.program for track in piece.tracks] == [42, 52, 52, 0]
    stated = piece_of(music, "%%MIDI program 0", *names)
    assert [track.program for track in stated.tracks] == [0, 0, 0, 0]


def test_a_drum_map_and_controllers() -> None:
    piece = piece_of(
        "%%MIDI control 7 90\nC D|",
        "%%MIDI channel 10",
        "%%MIDI drummap C 36",
        "%%MIDI drummap D 38",
    )
    assert piece.tracks[0].notes["pitch"].tolist() == [36, 38]
    assert piece.tracks[0].controls.tolist() == [(0, 7, 90)]


# --- beside the notes -------------------------------------------------------------------------


def test_chord_symbols_are_names_and_annotations_are_words() -> None:
    piece = piece_of('"Am7"A "^Fine tone"B "C/e"c "Fine"d|"N.C."C "(G)"D')
    assert piece.chords == (
        ChordSymbol(0, "Am7"),
        ChordSymbol(2 * QUARTER, "C/E"),
        ChordSymbol(4 * QUARTER, "N.C."),
        ChordSymbol(5 * QUARTER, "G"),
    )
    words = [(m.tick // QUARTER, m.name) for m in piece.tracks[0].marks if m.kind == "words"]
    assert words == [(1, "Fine tone"), (3, "Fine")]
    assert len(piece.tracks) == 1, "no accompaniment is made up"


def test_decorations_become_marks_and_dynamics_velocities() -> None:
    piece = piece_of("!p!.C HD !>!E (F|!ff!G) TA !crescendo(!B !crescendo)!c|+fermata+d")
    assert piece.tracks[0].notes["velocity"].tolist() == [49] * 4 + [112] * 5
    assert [(m.tick // QUARTER, m.kind, m.name) for m in piece.tracks[0].marks] == [
        (0, "articulation", "staccato"),
        (0, "dynamic", "p"),
        (1, "fermata", "upright"),
        (2, "articulation", "accent"),
        (3, "slur", "start"),
        (4, "dynamic", "ff"),
        (4, "slur", "stop"),
        (5, "ornament", "trill-mark"),
        (6, "wedge", "crescendo"),
        (7, "wedge", "stop"),
        (8, "fermata", "upright"),
    ]


def test_signs_can_be_defined() -> None:
    piece = piece_of("TC WD ME", "U:T=!nil!", "U:W=!upbow!", 'U:M="^espr."')
    assert piece.tracks[0].marks == (
        Mark(QUARTER, "technical", "up-bow"),
        Mark(2 * QUARTER, "words", "espr."),
    )


def test_lyrics_lie_under_their_notes() -> None:
    piece = piece_of(
        "C D z E-|E F G A|B c\nw:Eine klei-ne | Nacht_ mu~sik * la\\-la\nw:zwei\nd e\nw:wie-der"
    )
    quarter = QUARTER
    assert piece.tracks[0].lyrics == (
        Lyric(0, "Eine"),
        Lyric(0, "zwei", 2),
        Lyric(quarter, "klei-"),
        Lyric(3 * quarter, "ne"),
        Lyric(4 * quarter, "Nacht_"),
        Lyric(6 * quarter, "mu sik"),
        Lyric(8 * quarter, "la-la"),
        Lyric(10 * quarter, "wie-"),
        Lyric(11 * quarter, "der"),
    )


def test_a_repeat_has_a_verse_each_time_where_they_are_as_many() -> None:
    piece = piece_of("|:C D:|\nw:one two\nw:three four\nE\nw:five")
    assert [(lyric.text, lyric.verse) for lyric in piece.tracks[0].lyrics] == [
        ("one", 1),
        ("two", 1),
        ("three", 1),
        ("four", 1),
        ("five", 1),
    ]


def test_words_longer_than_the_last_line_go_under_all_music_without_words() -> None:
    piece = piece_of("C D|\nE F|\nw:one two three four five")
    assert [lyric.text for lyric in piece.tracks[0].lyrics] == ["one", "two", "three", "four"]
    assert "1 x syllable without a note" in told_by(b"X:1\nK:C\nC\nw:a b\n")


def test_composer_copyright_and_sections() -> None:
    piece = piece_of("P:Verse\nC|\nP:B\nD|", "C:Anon.", "C:arr. X", "Z:abc-copyright nobody")
    assert (piece.composer, piece.copyright) == ("Anon.; arr. X", "nobody")
    assert piece.markers == (Text(0, "Verse"), Text(QUARTER, "B"))


# --- text -------------------------------------------------------------------------------------


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(charset: str, line_end: str) -> None:
    text = line_end.join(["X:1", "T:Für Élise", "M:3/4", "L:1/4", "K:Am", "EDE|", ""])
    piece, told = read_bytes(text.encode(charset), "elise.abc")
    assert (piece.title, piece.note_count, told) == ("Für Élise", 3, [])


def test_charsets_escapes_and_entities() -> None:
    koi8 = "%%abc-charset koi8-r\nX:1\nT:Калинка\nK:C\nC\n".encode("koi8-r")
    assert read_bytes(koi8, "")[0].title == "Калинка"
    data = rb"X:1" + b"\n" + rb"T:Stra\ss e, caf\'e, &eacute;\u00e9 100\% \\" + b"\nK:C\nC\n"
    assert read_bytes(data, "")[0].title == "Straß e, café, éé 100% \\"


def test_comments_continuations_and_blocks_for_typesetters() -> None:
    music = "C % D\n%%begintext\nEFG|\n%%endtext\nD \\\nE\n`F"
    assert pitches(music) == [60, 62, 64, 65]
    piece = piece_of("C D \\\nE F\nw:a b c\n+: d")
    assert [lyric.text for lyric in piece.tracks[0].lyrics] == ["a", "b", "c", "d"]


def test_a_note_and_a_repeat_at_the_start_of_a_line_are_no_field() -> None:
    assert pitches("C|\nD:|\nE:|") == [60, 62, 60, 62, 64, 64]


def test_faults_are_told_with_their_line_and_read_over() -> None:
    data = TUNE.replace(b"(3ABc d2", b"A # k [AB c2")
    piece, told = read_bytes(data, "lied.abc")
    assert piece.note_count == 7
    assert any(sentence.startswith("Line 7: 'k' has no meaning") for sentence in told)
    assert "Line 7: A chord is not closed." in told


def test_what_cannot_be_followed_is_counted() -> None:
    told = told_by(
        b'X:1\nM:4/4\nL:1/4\nK:C\nm:~x=y\n{ab}CDEF|"^D.C. al Fine"CD!coda!EF|CDE|FGAB|c\n'
        b"W:The end\n\nCDEF|\n"
    )
    for sentence in (
        "1 x macro (m:) not applied (first in line 5).",
        "2 x grace note left out (first in line 6).",
        "2 x jump (D.C., D.S., coda) not followed (first in line 6).",
        "1 x bar shorter than its metre (first in line 6).",
        "1 x line of words below the tune (W:) left out (first in line 7).",
        "1 x line of music after the empty line that ends the tune (first in line 7).",
    ):
        assert sentence in told


@pytest.mark.parametrize("data", [b"CDEF|", b"X:1\n", b"X:1\nK:C\nz4|\n", b"\x00\x01\x02X:"])
def test_what_has_no_tune_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"none\.abc"):
        read_bytes(data, "none.abc")


@pytest.mark.parametrize("blank", [b"\r", b"\x0c", b"\x00", b"\t", b"  ", b"\n"])
def test_no_other_file_is_ever_read(blank: bytes, tmp_path: Path) -> None:
    secret = tmp_path / "secret.abc"
    secret.write_bytes(b"X:1\nT:Secret\nK:C\nCDEF|\n")
    for name in (str(secret).encode(), b"/dev/stdin"):
        data = TUNE + blank + b"%%abc-include " + name + b"\n"
        piece, told = read_bytes(data, "lied.abc")
        assert piece.note_count == 7
        assert "ecret" not in piece.title + "".join(told).replace(str(secret), "")
    _, told = read_bytes(TUNE + f"I:abc-include {secret}\n".encode(), "lied.abc")
    assert "1 included files were left out." in told


@pytest.mark.data
def test_a_hymn_has_four_voices_that_end_together(data_dir: Path) -> None:
    path = data_dir / "open_hymnal_midi" / "abc" / "A_Great_and_Mighty_Wonder.abc"
    piece, _ = read_bytes(path.read_bytes(), str(path))
    assert len(piece.tracks) == 4
    assert {track.end_ticks for track in piece.tracks} == {piece.length_ticks}
    sixteenth = piece.resolution // 4
    for track in piece.tracks:
        assert (track.notes["onset"] % sixteenth == 0).all()


TWO_TUNES = "X:1\nT:a\nL:1/4\nK:C\nCDEF|\n\n", "X:2\nT:b\nL:1/4\nK:C\nGABc|\n"


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf".join(("", *TWO_TUNES)[part].encode() for part in (0, 1, 2)),
        b"\xef\xbb\xbf\xef\xbb\xbf" + "".join(TWO_TUNES).encode(),
        "".join(TWO_TUNES).encode("utf-16"),
        "".join(TWO_TUNES).encode("utf-16-le"),
        "".join(TWO_TUNES).encode("utf-16-be"),
    ],
)
def test_a_book_is_read_whatever_marks_of_byte_order_it_has(data: bytes) -> None:
    book = AbcBook(data, "book.abc")
    assert [book.read_piece(number)[0].title for number in range(1, len(book) + 1)] == ["a", "b"]
    assert ending_of(data) == ".abc"


def test_a_tune_without_a_number_is_a_tune() -> None:
    piece, _ = read_bytes(b"T:a\nL:1/4\nK:G\nGABc|\n", "tune.abc")
    assert (piece.title, piece.note_count) == ("a", 4)


def test_before_a_tempo_that_comes_late_the_usual_one_is_played() -> None:
    piece, _ = read_bytes(b"X:1\nM:4/4\nL:1/4\nK:C\nCDEF|GABc|[Q:1/4=60]cBAG|", "x")
    assert [(change.tick // piece.resolution, change.bpm) for change in piece.tempos] == [
        (0, 120.0),
        (8, 60.0),
    ]
