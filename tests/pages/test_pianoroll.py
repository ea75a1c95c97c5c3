"""Piano-rolls: every note drawn once a row, well-formed, legible names, any piece."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ritornello.errors import ConfigError
from ritornello.music.keys import parse_key
from ritornello.music.piece import ChordSymbol, KeyChange, Metre, Piece, Tempo, Text, Track
from ritornello.pages.pianoroll import pianoroll_png, pianoroll_svg

_BAR = 1920


def song(bars: int = 8, title: str = "A song") -> Piece:
    melody = [(beat * 480, 400, 60 + beat % 12, 50 + beat % 60) for beat in range(4 * bars)]
    drums = [(beat * 480, 60, (36, 38)[beat % 2], 100) for beat in range(4 * bars)]
    return Piece(
        (Track(melody, 73, name="flute"), Track(drums, is_drum=True)),
        keys=(KeyChange(0, parse_key("D minor")),),
        title=title,
    )


def elements(svg: str, kind: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter(f"{{http://www.w3.org/2000/svg}}{kind}"))


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in elements(svg, "text")]


def test_title_facts_parts_bars_octaves_and_drums_are_named() -> None:
    found = texts(pianoroll_svg(song()))
    assert {"A song", "flute", "drums", "snare", "kick", "C4", "C5"} <= set(found)
    assert {str(bar) for bar in range(1, 9)} <= set(found)
    assert "toms" not in found
    facts = next(text for text in found if "bpm" in text)
    assert [fact.strip() for fact in facts.split("·")] == [
        *("D minor", "120 bpm", "4/4", "8 bars", "0:16")
    ]


def test_given_notes_are_grey_and_named_once() -> None:
    piece = song()
    half = np.arange(32) < 16
    svg = pianoroll_svg(piece, given=[half, np.ones(32, bool)])
    assert {"given: drums", "flute"} <= set(texts(svg))
    assert not {"drums", "given"} & set(texts(svg))
    boxes = [box.get("fill", "") for box in elements(svg, "rect") if "rx" in box.attrib][2:]
    assert sum(_is_grey(fill) for fill in boxes) == 48
    assert len(boxes) == 64
    assert "given" in texts(pianoroll_svg(piece, given=[half, half]))
    assert pianoroll_svg(piece, given=[half & False] * 2) == pianoroll_svg(piece)


def _is_grey(colour: str) -> bool:
    channels = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return max(channels) - min(channels) < 12


def test_every_note_is_drawn_once_with_its_pitch_time_and_loudness() -> None:
    rounded = [box for box in elements(pianoroll_svg(song()), "rect") if "rx" in box.attrib]
    swatches, notes = rounded[:2], rounded[2:]
    assert len(notes) == 64
    assert len({box.get("fill") for box in swatches}) == 2
    melody = sorted(
        (box for box in notes if float(box.get("width", 0)) > 6),
        key=lambda box: float(box.get("x", 0)),
    )
    assert len(melody) == 32
    first, second, octave = melody[0], melody[1], melody[12]
    assert float(second.get("y", 0)) < float(first.get("y", 0)) == float(octave.get("y", 0))
    assert first.get("fill") != melody[31].get("fill")  # louder, darker


def test_note_over_the_end_of_a_row_goes_on_in_the_next() -> None:
    piece = Piece((Track([(7 * _BAR, 2 * _BAR, 60, 90)], 0),), length_ticks=16 * _BAR)
    rounded = [box for box in elements(pianoroll_svg(piece), "rect") if "rx" in box.attrib]
    assert len(rounded) == 1 + 2


@pytest.mark.parametrize("title", ["<&\"'>]]>", "a\x00b\nc", "\ud800", "長い題" * 200, ""])
def test_any_title_is_drawn(title: str) -> None:
    ElementTree.fromstring(pianoroll_svg(song(1, title)).encode("utf-8"))
    Image.open(io.BytesIO(pianoroll_png(song(1, title), width=300))).load()


@pytest.mark.parametrize("width", [200, 800, 1601])
def test_png_has_the_width_asked_for(width: int) -> None:
    image = Image.open(io.BytesIO(pianoroll_png(song(), width=width)))
    assert image.width == width
    assert image.height > width / 8


def test_png_shows_every_part_in_its_colour() -> None:
    image = Image.open(io.BytesIO(pianoroll_png(song(16))))
    colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24) or ()}
    svg = pianoroll_svg(song(16))
    swatches = [box.get("fill", "") for box in elements(svg, "rect") if box.get("rx") == "3"]
    assert {tuple(bytes.fromhex(colour[1:])) for colour in swatches} <= colours


def test_size_out_of_range_is_refused() -> None:
    with pytest.raises(ConfigError, match="100000"):
        pianoroll_png(song(), width=100_000)


def test_long_piece_stays_a_page() -> None:
    image = Image.open(io.BytesIO(pianoroll_png(song(1000), width=400)))
    assert image.height < 4 * image.width


notes = st.lists(
    st.tuples(
        st.integers(0, 40_000), st.integers(1, 9000), st.integers(0, 127), st.integers(1, 127)
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(
    parts=st.lists(st.tuples(notes, st.booleans()), max_size=14),
    metres=st.lists(
        st.builds(Metre, st.integers(0, 20_000), st.integers(1, 13), st.sampled_from([2, 4, 8])),
        max_size=3,
    ),
    length=st.integers(0, 100_000),
)
def test_any_piece_is_drawn(parts: list[Any], metres: list[Metre], length: int) -> None:
    tracks = tuple(Track(rows, 0, is_drum) for rows, is_drum in parts)
    tempos = (Tempo(0, 90.0), Tempo(999, 140.0))
    piece = Piece(tracks, tempos=tempos, metres=tuple(metres), length_ticks=length)
    svg = pianoroll_svg(piece)
    height = float(ElementTree.fromstring(svg).get("height", 0))
    for box in elements(svg, "rect")[1:]:
        assert float(box.get("width", 0)) > 0
        assert 0 <= float(box.get("y", 0)) <= height
        assert 0 <= float(box.get("x", 0)) <= 1600


@pytest.mark.data
def test_real_pieces_are_drawn(data_dir: Path) -> None:
    from ritornello.music.io.midi_read import read_bytes

    for path in sorted((data_dir / "freedoom_midi" / "midi").rglob("*.mid"))[:5]:
        piece, _ = read_bytes(path.read_bytes(), path.name)
        assert Image.open(io.BytesIO(pianoroll_png(piece, width=600))).width == 600
        ElementTree.fromstring(pianoroll_svg(piece))


def test_chord_symbols_and_sections_stand_above_the_rows() -> None:
    track = Track([(beat * 480, 480, 60, 80) for beat in range(64)])
    piece = Piece(
        (track,),
        chords=(ChordSymbol(0, "Am7"), ChordSymbol(960, "F/C"), ChordSymbol(961, "hidden")),
        markers=(Text(0, "Verse <1>"),),
    )
    drawn = pianoroll_svg(piece)
    for text in (">Am7<", ">F/C<", ">Verse &lt;1&gt;<"):
        assert text in drawn
    assert "hidden" not in drawn, "there is no room for it"
    plain = pianoroll_svg(Piece((track,)))
    assert "Am7" not in plain
    assert len(plain) < len(drawn)


def test_a_tune_is_seen_where_others_strike_its_notes() -> None:
    tune = Track([(0, 96, 72, 100)], 73, name="flute")
    piano = Track([(tick, 24, 72, 100) for tick in range(0, 96, 24)], 0, name="piano")
    both, one = (
        elements(pianoroll_svg(Piece(tracks, 24)), "rect")[-1]
        for tracks in ((tune, piano), (tune,))
    )
    assert both.get("fill") == one.get("fill")  # the last that is drawn is the tune's
    assert float(both.get("height", "")) < float(one.get("height", ""))  # the others are seen too
