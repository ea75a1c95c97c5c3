"""Engraved pages: they show the music, in any thread, and become a PDF."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from ritornello.errors import MissingExtraError
from ritornello.music.piece import Piece, Track
from ritornello.pages.score import score_pdf, score_svg


@pytest.fixture(scope="module")
def piece() -> Piece:
    tune = [(i * 160, 160, 60 + i % 12, 80) for i in range(240)]
    beat = [(i * 240, 60, 42, 80) for i in range(160)]
    return Piece((Track(tune), Track(beat, is_drum=True, name="Kit")), 480, title="Pages")


def test_pages_show_title_parts_and_every_note(piece: Piece) -> None:
    pytest.importorskip("verovio")
    pages = score_svg(piece)
    text = "".join(pages)
    assert len(pages) > 1
    assert text.count('class="note"') + text.count('class="note ') == piece.note_count
    for word in ("Pages", "Piano", "Kit"):
        assert f">{word}<" in text


def test_another_thread_engraves_the_same_notes(piece: Piece) -> None:
    pytest.importorskip("verovio")
    with ThreadPoolExecutor(1) as pool:
        pages = pool.submit(score_svg, piece).result()
    assert [page.count("<use ") for page in pages] == [
        page.count("<use ") for page in score_svg(piece)
    ]
    assert pages[0].count("<use ") > 100


def test_the_pdf_has_the_pages_of_the_score(piece: Piece) -> None:
    pytest.importorskip("verovio")
    pytest.importorskip("typst")
    pdf = score_pdf(piece)
    assert pdf.startswith(b"%PDF")
    assert f"/Type/Pages/Count {len(score_svg(piece))}/".encode() in pdf


def test_without_the_extra_the_message_says_how_to_get_it(
    piece: Piece, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "verovio", None)
    with pytest.raises(MissingExtraError, match=r"ritornello\[score\]"):
        score_svg(piece)
