"""Pictures of plans: what is stated is named, what is open is not, and any plan can be drawn."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from PIL import Image

from ritornello.errors import ConfigError
from ritornello.music.piece import Piece
from ritornello.pages.plan_picture import plan_png, plan_svg
from ritornello.plan.analysis import analyse
from ritornello.plan.song_form import form_plan, parse_form
from tests.plan.songs import phrase, song
from tests.strategies import pieces


def texts(svg: str) -> list[str]:
    found = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return [element.text or "" for element in found]


def test_sections_players_and_the_bars_returned_to_are_named() -> None:
    plan = analyse(song(phrase(1), phrase(2), phrase(1)))
    found = texts(plan_svg(plan))
    assert found[1].endswith("A 8 B 8 A 8")
    assert found.count("A") >= 2  # chords may be called so as well
    assert {"drums", "bass", "piano", "flute", "chords", "density"} <= set(found)
    assert [str(bar) for bar in range(1, 9)] == [text for text in found if text.isdigit()][-8:]


def test_what_is_open_is_not_drawn() -> None:
    found = texts(plan_svg(form_plan(parse_form("intro 4, verse 8, end 4"))))
    assert {"intro", "verse", "end"} <= set(found)
    assert "N.C." not in found


def test_a_picture_is_as_wide_as_asked() -> None:
    plan = analyse(song(phrase(1)))
    assert Image.open(io.BytesIO(plan_png(plan, width=400))).width == 400
    with pytest.raises(ConfigError, match="200 to 8000"):
        plan_png(plan, width=10)


@settings(max_examples=30)
@given(pieces(bars=8))
def test_any_plan_can_be_drawn(piece: Piece) -> None:
    if piece.note_count:
        ElementTree.fromstring(plan_svg(analyse(piece)))
