"""A piece in a notebook: its piano-roll above an audio player, in one self-contained fragment."""

from __future__ import annotations

from ritornello.pages.rendering import data_uri, render


def fragment(pianoroll_svg: str, mp3: bytes | None) -> str:
    """HTML that needs no other file and runs no script.

    Args:
        pianoroll_svg: an SVG document. It is shown as an image, so that its identifiers and styles
            cannot meet those of the page.
        mp3: the sound, or None for a picture alone.
    """
    return render(
        "notebook.html.jinja",
        picture=data_uri(pianoroll_svg.encode(), ".svg"),
        sound=None if mp3 is None else data_uri(mp3, ".mp3"),
    )
