"""A piece in a notebook: its piano-roll above an audio player, in one self-contained fragment."""

from __future__ import annotations

from base64 import b64encode


def fragment(pianoroll_svg: str, mp3: bytes | None) -> str:
    """HTML that needs no other file and runs no script.

    Args:
        pianoroll_svg: an SVG document. It is shown as an image, so that its identifiers and styles
            cannot meet those of the page.
        mp3: the sound, or None for a picture alone.
    """
    picture = b64encode(pianoroll_svg.encode()).decode()
    parts = [
        '<img alt="Piano-roll" style="width: 100%; max-width: 1000px; background: white" '
        f'src="data:image/svg+xml;base64,{picture}">'
    ]
    if mp3 is not None:
        sound = b64encode(mp3).decode()
        parts.append(
            '<audio controls preload="metadata" style="display: block; width: 100%; '
            f'max-width: 1000px" src="data:audio/mpeg;base64,{sound}"></audio>'
        )
    return f"<div>{''.join(parts)}</div>"
