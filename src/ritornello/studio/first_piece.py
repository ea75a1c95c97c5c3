"""The piece that is ready on the first visit, so that there is something to hear at once."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import as_file, files

from ritornello.files import load
from ritornello.studio.open_studio import Studio

_FILE = "first_piece.mid"
_TITLE = "A first song"


def add_first_piece(studio: Studio) -> None:
    """Put the piece that ships with the package into an empty library."""
    if studio.library.songs.songs() or studio.library.songs.songs(deleted=True):
        return
    with as_file(files("ritornello") / "assets" / _FILE) as path:
        piece = load(path)
    studio.library.songs.add(
        replace(piece, title=_TITLE), "compose", label="Ready to play", model="default"
    )
