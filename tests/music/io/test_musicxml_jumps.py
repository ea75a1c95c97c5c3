"""Da capo, dal segno and coda are played as people play them, and as music21 unfolds them."""

from __future__ import annotations

import pytest

from ritornello.music.io.musicxml.read import read_bytes
from ritornello.music.io.musicxml.write import write_bytes

_ATTRIBUTES = (
    "<attributes><divisions>1</divisions>"
    "<time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
)
_NAMES = {60: "C", 62: "D", 64: "E", 65: "F", 67: "G", 69: "A", 71: "B"}
_PLAYED = "{} x jump (D.C., D.S., coda) played."
_LOST = "{} x jump (D.C., D.S., coda) not followed, as nothing says where to."


def _direction(inside: str) -> str:
    return f"<direction><direction-type>{inside}</direction-type></direction>"


def _measure(number: int, signs: list[str]) -> str:
    """A measure of one whole note, and what is written before and behind it."""
    step, *rest = signs
    before, after, ended = _ATTRIBUTES if number == 1 else "", "", ""
    for sign in rest:
        if sign == "|:":
            before += '<barline location="left"><repeat direction="forward"/></barline>'
        elif sign == ":|":
            after += f'<barline location="right">{ended}<repeat direction="backward"/></barline>'
            ended = ""
        elif sign.startswith("["):
            ending = f'<ending number="{sign[1:]}" type="%s"/>'
            before += f'<barline location="left">{ending % "start"}</barline>'
            ended = ending % "stop"
        elif sign in ("segno", "coda"):
            before += _direction(f"<{sign}/>")
        elif sign.startswith("<"):
            after += (
                f"<direction><direction-type><words>so</words></direction-type>{sign}</direction>"
            )
        elif not sign.startswith("#"):
            after += _direction(f"<words>{sign}</words>")
    if ended:
        after += f'<barline location="right">{ended}</barline>'
    count = next((sign[1:] for sign in rest if sign.startswith("#")), number)
    return (
        f'<measure number="{count}">{before}<note><pitch><step>{step}</step><octave>4</octave>'
        f"</pitch><duration>4</duration><type>whole</type></note>{after}</measure>"
    )


def _score(text: str) -> bytes:
    """A score of measures such as ``C |: / D :| / E D.C._al_Fine``; underscores are blanks."""
    measures = [[sign.replace("_", " ") for sign in one.split()] for one in text.split(" / ")]
    inside = "".join(_measure(number, signs) for number, signs in enumerate(measures, 1))
    return (
        '<score-partwise version="4.0"><part-list><score-part id="P1"><part-name>Flute</part-name>'
        f'</score-part></part-list><part id="P1">{inside}</part></score-partwise>'
    ).encode()


_UNFOLDED = {
    "C / D Fine / E D.C._al_Fine": ("CDECD", 1),
    "C |: / D :| Fine / E |: / F :| D.C._al_Fine": ("CDCDEFEFCD", 1),
    "C / D segno / E To_Coda / F D.S._al_Coda / G coda": ("CDEFDEG", 2),
    "C / D segno / E / F Fine / G Dal_Segno_al_Fine": ("CDEFGDEF", 1),
    "C / D To_Coda / E D.C._al_Coda / F coda / G": ("CDECDFG", 2),
}


@pytest.mark.parametrize("text", _UNFOLDED)
def test_jumps_are_played_as_music21_unfolds_them(text: str) -> None:
    played, jumps = _UNFOLDED[text]
    piece, told = read_bytes(_score(text), "x")
    assert "".join(_NAMES[pitch] for pitch in piece.tracks[0].notes["pitch"]) == played
    assert _PLAYED.format(jumps) in told
    assert not any("not followed" in each for each in told)
    music21 = pytest.importorskip("music21")
    unfolded = music21.converter.parseData(_score(text).decode(), format="musicxml").expandRepeats()
    assert "".join(note.name for note in unfolded.flatten().notes) == played


@pytest.mark.parametrize(
    ("text", "played", "jumps"),
    [
        ('C / D segno / E <sound_tocoda="c"/> / F <sound_dalsegno="s"/> / G coda', "CDEFDEG", 2),
        ('C / D <sound_fine="yes"/> / E <sound_dacapo="yes"/>', "CDECD", 1),
        ("C / D segno / E coda / F D.S._al_Coda / G coda", "CDEFDEG", 2),
        ("C / D / E D.C.", "CDECDE", 1),
        ("C / D |: / E [1 :| / F [2 Fine / G Da_Capo_al_Fine", "CDEDFGCDF", 1),
        ("C / D To_Coda / E D.C._al_Coda / F coda |: / G :|", "CDECDFGFG", 2),
        ("C / D #2 / E #1 / F #2 Fine / G #3 D.C._al_Fine", "CDEFGEF", 1),  # of two movements
        ("C Fine / D D.C._al_Fine / E #1 / F #2", "CDCEF", 1),  # the other follows
        ("C / D D.C. / E #1 |: / F #2 :|", "CDCDEFEF", 1),
        ("C To_Coda / D D.C. / E #1 coda / F #2", "CDCDEF", 1),  # a coda of the other
        ("C / D [1 :| / E [2 #2 / F #3 D.C.", "CDCEFCEF", 1),  # endings that count alike
    ],
)
def test_jumps_that_programs_state_in_other_ways_are_played_too(
    text: str, played: str, jumps: int
) -> None:
    piece, told = read_bytes(_score(text), "x")
    assert "".join(_NAMES[pitch] for pitch in piece.tracks[0].notes["pitch"]) == played
    assert _PLAYED.format(jumps) in told


@pytest.mark.parametrize("text", ["C / D D.S._al_Coda", "C / D D.C._al_Coda", "C To_Coda / D"])
def test_a_jump_to_nowhere_is_told_and_its_words_are_kept(text: str) -> None:
    piece, told = read_bytes(_score(text), "x")
    assert len(piece.tracks[0]) == 2
    assert _LOST.format(1) in told
    assert any(mark.kind == "words" for mark in piece.tracks[0].marks)


@pytest.mark.parametrize("text", [*_UNFOLDED, "C / D D.S._al_Coda"])
def test_what_was_unfolded_is_written_and_read_back_as_it_is(text: str) -> None:
    piece, _ = read_bytes(_score(text), "x")
    again, told = read_bytes(write_bytes(piece), "x")
    assert again == piece
    assert not any("jump" in each for each in told)
