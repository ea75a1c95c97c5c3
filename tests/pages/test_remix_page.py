"""The page of a remix: whole, offline, everything named, and everything where it sounds."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from ritornello.errors import InputError
from ritornello.music import io
from ritornello.music.piece import Metre, Piece, Tempo, Track
from ritornello.pages.remix_page import RemixPage, Stem, remix_html
from ritornello.pages.time_axis import drum_lanes, notes_svg, time_labels

_VOID = {"meta", "input", "br", "link"}
_SECONDS = 12.0


class Document(HTMLParser):
    """Elements with their attributes; fails where one is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("script", "style"):
            self.texts.append(data)

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        """Attributes of the elements of a kind; `class_` stands for class."""
        wanted = {name.rstrip("_"): value for name, value in wanted.items()}
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and all(attributes.get(key) == value for key, value in wanted.items())
        ]

    @property
    def text(self) -> str:
        return " ".join(self.texts)


@pytest.fixture(scope="module")
def remix(tmp_path_factory: pytest.TempPathFactory) -> RemixPage:
    """A solo and two parts that slow down at the fifth second."""
    folder = tmp_path_factory.mktemp("remix")
    melody = [(beat * 480, 400, 60 + beat % 9, 40 + 9 * beat % 80) for beat in range(16)]
    drums = [(beat * 240, 60, (36, 42, 38, 42)[beat % 4], 100) for beat in range(32)]
    piece = Piece(
        (
            Track(melody, 0, name="solo"),
            Track([(note[0], 480, note[2] - 24, 90) for note in melody], 33, name="bass"),
            Track(drums, is_drum=True, name="drums"),
        ),
        tempos=(Tempo(0, 96.0), Tempo(3840, 72.0)),
        metres=(Metre(0, 4, 4),),
    )
    io.write(piece, folder / "bass.mid")
    (folder / "bass.mp3").write_bytes(b"as good as a sound")
    envelope = np.array([[-0.1, 0.2]] * 50, np.float32)
    beats = piece.ticks_to_seconds(np.arange(0, piece.length_ticks, 480))
    return RemixPage(
        title="Remix of <take> & co",
        summary="Heard: 4/4 at 96 beats a minute.",
        facts=[("Tempo", "96 bpm", "slows down")],
        findings=["Bars may begin a beat later."],
        duration_seconds=_SECONDS,
        stems=[
            Stem("solo", envelope, tracks=(0,), remark="your recording"),
            Stem("bass", envelope, folder / "bass.mp3", folder / "bass.mid", (1,)),
            Stem("drums <kit>", envelope, tracks=(2,)),
        ],
        mix=Stem("mix", envelope),
        piece=piece,
        beats_seconds=beats,
        downbeats_seconds=beats[::4],
        chords=[(0.0, "C"), (float(beats[4]), "Am7")],
        figures=[("Loudness", "-14.0 LUFS", "how loud the mix is")],
    )


@pytest.fixture(scope="module")
def document(remix: RemixPage) -> Document:
    return Document(remix_html(remix))


def test_everything_told_is_on_the_page_as_text(document: Document) -> None:
    wanted = (
        *("Remix of <take> & co", "Heard: 4/4", "96 bpm", "slows down", "Bars may begin"),
        *("mix", "solo", "bass", "drums <kit>", "your recording", "Am7", "-14.0 LUFS"),
        *("16 notes, C2 to G#2", "32 notes, from the top: hi-hat, snare, kick"),
    )
    for words in wanted:
        assert words in document.text


def test_page_needs_no_network(remix: RemixPage, document: Document) -> None:
    addresses = [
        value
        for _, attributes in document.elements
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href", "action", "poster", "data")
    ]
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert not re.search(r"https?:|//[a-z]|url\(|@import", remix_html(remix).split("<body>")[0])


def test_each_stem_with_a_sound_has_a_player_buttons_and_its_midi_file(document: Document) -> None:
    assert len(document.all("audio")) == 1
    assert [box["aria-label"] for box in document.all("div", class_="players")] == ["bass"]
    labels = [attributes.get("aria-label") for attributes in document.all("button")]
    assert "Mute bass" in labels
    assert "Hear bass alone" in labels
    assert "Mute solo" not in labels
    assert [link["download"] for link in document.all("a")] == ["bass.mid"]


def test_pictures_and_controls_are_named_for_those_who_do_not_see_them(document: Document) -> None:
    pictures = [svg for svg in document.all("svg") if svg.get("aria-hidden") != "true"]
    assert len(pictures) == 4 + 3
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in pictures)
    assert all(control["aria-label"] for control in document.all("input"))
    assert all("alt" in image for image in document.all("img"))


def test_notes_beats_and_names_lie_at_their_seconds(remix: RemixPage, document: Document) -> None:
    rolls = document.all("svg", class_="roll")
    assert {roll["viewbox"].split()[2] for roll in rolls} == {"12.000"}
    for index, kind in ((1, "notes"), (2, "hits")):
        track = remix.piece.tracks[index]
        svg = notes_svg(remix.piece, [track], _SECONDS, description="")
        shapes = re.findall(rf'class="{kind} h\d" d="([^"]*)"', svg)
        drawn = [float(x) for d in shapes for x in re.findall(r"M([\d.]+) ", d)]
        np.testing.assert_allclose(
            sorted(drawn), remix.piece.ticks_to_seconds(track.notes["onset"]), atol=0.0006
        )
    for name, seconds in (("beats", remix.beats_seconds), ("bars", remix.downbeats_seconds)):
        (path,) = document.all("path", id=name)
        lines = [float(x) for x in re.findall(r"M([\d.]+) ", path["d"])]
        np.testing.assert_allclose(lines, seconds, atol=0.0006)
    places = [span["style"] for span in document.all("span") if "left:" in span.get("style", "")]
    assert f"left:{100 * remix.chords[1][0] / _SECONDS:.4f}%" in places


def test_note_ends_where_it_ends_or_a_little_before() -> None:
    piece = Piece((Track([(480, 480, 60, 90)]),), tempos=(Tempo(0, 60.0),))
    svg = notes_svg(piece, piece.tracks, 4.0, description="")
    found = re.search(r"M1\.000 \d+h([\d.]+)v1", svg)
    assert found
    assert 0.9 < float(found[1]) < 1.0


def test_names_that_would_collide_are_left_out_and_counted() -> None:
    names = [(float(second), "Am7") for second in range(100)]
    labels, left_out = time_labels(names, 100.0, 2000)
    assert len(labels) + left_out == 100
    assert len(labels) == 50  # 34 pixels each
    assert 0 < sum(not label.dense for label in labels) < len(labels)
    assert time_labels([], 100.0, 2000) == ([], 0)


def test_drum_lanes_are_those_in_use() -> None:
    drums = Track([(0, 10, 36, 90), (0, 10, 49, 90), (0, 10, 80, 90)], is_drum=True)
    assert drum_lanes([drums]) == ["cymbals", "kick", "others"]
    assert drum_lanes([Track([(0, 10, 36, 90)])]) == []


def test_what_the_page_does_not_play_is_said(remix: RemixPage, document: Document) -> None:
    assert "This page plays" not in document.text
    cut = Document(remix_html(replace(remix, heard_seconds=6.0)))
    assert "plays the first 0:06 of 0:12" in cut.text
    assert {part["style"] for part in cut.all("div", class_="unheard")} == {"left:50.0000%"}


def test_bare_remix_is_a_page(remix: RemixPage) -> None:
    silence = np.zeros((1, 2), np.float32)
    bare = replace(
        remix,
        facts=[],
        findings=[],
        stems=[Stem("solo", silence, tracks=(0,))],
        mix=None,
        piece=Piece((Track([]),)),
        beats_seconds=np.zeros(0),
        downbeats_seconds=np.zeros(0),
        chords=[],
        figures=[],
    )
    document = Document(remix_html(bare))
    assert "solo" in document.text
    assert "Figures" not in document.text


def test_rows_of_one_name_and_no_duration_are_refused(remix: RemixPage) -> None:
    with pytest.raises(InputError, match="solo, solo"):
        replace(remix, mix=None, stems=[remix.stems[0]] * 2)
    with pytest.raises(InputError, match="0 s"):
        replace(remix, duration_seconds=0.0)


def test_long_remix_stays_a_page(remix: RemixPage, tmp_path: Path) -> None:
    hours = replace(remix, duration_seconds=7200.0)
    html = remix_html(hours)
    width = re.search(r"min-width:(\d+)px", html)
    assert width
    assert int(width[1]) <= 30_000
    assert len(html) < 500_000
