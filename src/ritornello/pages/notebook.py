"""A piece or a sound in a notebook: its picture above an audio player, in one whole fragment."""

from __future__ import annotations

from ritornello.pages.rendering import data_uri, render


def fragment(pianoroll_svg: str | None, mp3: bytes | None, about: str = "") -> str:
    """HTML that needs no other file and runs no script.

    Args:
        pianoroll_svg: an SVG document. It is shown as an image, so that its identifiers and styles
            cannot meet those of the page. None of a sound alone.
        mp3: the sound, or None for a picture alone.
        about: a line below.
    """
    return render(
        "notebook.html.jinja",
        picture=None if pianoroll_svg is None else data_uri(pianoroll_svg.encode(), ".svg"),
        sound=None if mp3 is None else data_uri(mp3, ".mp3"),
        about=about,
    )
