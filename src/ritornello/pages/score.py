"""A piece as engraved pages: MusicXML through Verovio to SVG, and through Typst to PDF.

Verovio engraves; Typst only binds its pages, as vectors, and brings the fonts for the words.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from textwrap import shorten
from types import ModuleType

from ritornello.errors import InputError, MissingExtraError
from ritornello.music.io.musicxml.write import write_bytes
from ritornello.music.piece import Piece, Track

# A4 in Verovio's units (tenths of a millimetre) and staves a player can read from a stand.
_PAGE_WIDTH, _PAGE_HEIGHT = 2100, 2970
_SCALE = 40
_LONGEST_LABEL = 24
# Music font signs of the tempo marks we write -> Unicode: a quarter note, an augmentation dot.
_PLAIN_SIGNS = {0xECA5: "\N{QUARTER NOTE}", 0xECB7: "."}


def score_svg(piece: Piece) -> list[str]:
    """The score as A4 pages, one SVG text each.

    Raises:
        MissingExtraError: without Verovio (extra ``score``).
        InputError: if the piece has no part, or cannot be engraved.
    """
    verovio = _import_verovio()
    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit(False)
    # The default path is set in the importing thread only; in others the pages come out empty.
    toolkit.setResourcePath(str(files("verovio") / "data"))
    toolkit.setOptions(
        {
            "pageWidth": _PAGE_WIDTH,
            "pageHeight": _PAGE_HEIGHT,
            "scale": _SCALE,
            "svgViewBox": True,
            "svgFormatRaw": True,
            "footer": "none",
            "header": "auto" if piece.title else "none",
        }
    )
    labelled = replace(piece, tracks=tuple(_labelled(track) for track in piece.tracks))
    if not toolkit.loadData(write_bytes(labelled).decode()):
        raise InputError("Verovio could not engrave the score.", where=piece.title)
    return [toolkit.renderToSVG(page) for page in range(1, toolkit.getPageCount() + 1)]


def score_pdf(piece: Piece) -> bytes:
    """The score as a PDF of A4 pages.

    Raises:
        MissingExtraError: without Verovio or Typst (extra ``score``).
        InputError: if the piece has no part, or cannot be engraved.
    """
    typst = _import_typst()
    pages = score_svg(piece)
    with tempfile.TemporaryDirectory() as folder:
        book = ["#set page(width: 210mm, height: 297mm, margin: 0mm)"]
        for number, page in enumerate(pages):
            (Path(folder) / f"{number}.svg").write_text(_in_plain_fonts(page), encoding="utf-8")
            book.append(f'#image("{number}.svg", width: 210mm, height: 297mm)')
        source = Path(folder) / "score.typ"
        source.write_text("\n".join(book), encoding="utf-8")
        return bytes(typst.compile(str(source), format="pdf"))


def _labelled(track: Track) -> Track:
    """Players must know whose staff it is, and a long name must leave room for the music."""
    name = track.name or track.label.capitalize()
    return replace(track, name=shorten(name, _LONGEST_LABEL, placeholder="..."))


def _in_plain_fonts(page: str) -> str:
    """The page without what only browsers draw: its embedded music font, which prints the note
    of a tempo mark, and the hover titles, whose text would shift the words beside them."""
    page = re.sub(r"<style[^>]*>@font-face.*?</style>|<title.*?</title>", "", page, flags=re.DOTALL)
    page = re.sub(r'font-family="Leipzig" font-size="\d+px"', 'font-size="540px"', page)
    return page.translate(_PLAIN_SIGNS)


def require_engraver(*, pdf: bool) -> None:
    """Refuse a score, as SVG or PDF, that nothing here can engrave.

    Raises:
        MissingExtraError: without Verovio or, for PDF, Typst (extra ``score``).
    """
    _import_verovio()
    if pdf:
        _import_typst()


def _import_verovio() -> ModuleType:
    try:
        import verovio
    except ImportError:
        raise MissingExtraError("Engraving a score needs Verovio.", extra="score") from None
    return verovio


def _import_typst() -> ModuleType:
    try:
        import typst
    except ImportError:
        raise MissingExtraError("A score as PDF needs Typst.", extra="score") from None
    return typst
