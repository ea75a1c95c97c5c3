"""A page from a template: the template's name and values in, one self-contained HTML text out.

Templates are Jinja files in the folder ``templates`` of a room. What a template shows is escaped
unless it is markup already, which only `ritornello.pages.svg` makes. A room with templates of its
own can extend ``page.html.jinja`` and use the macros of ``parts.html.jinja``, which are here::

    {% extends "page.html.jinja" %}
    {% import "parts.html.jinja" as parts %}
    {% block content %} ... {% endblock %}

A page is one file that needs nothing else and, but for that of a remix, runs no script. It serves
screen, phone, dark and paper. Blue and vermilion (in the dark: sky blue and orange) are the pair of
Okabe and Ito that people with any kind of colour blindness tell apart; lines also differ in their
dashes, so that grey print does.
"""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ritornello.pages.numbers import clock, count, duration, nats, number

if TYPE_CHECKING:
    from jinja2 import Environment

_PAGES = "ritornello.pages"
_KINDS = {
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mid": "audio/midi",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}


def render(template: str, /, *, room: str = _PAGES, **values: object) -> str:
    """The text that a template makes of some values.

    Args:
        template: name of the file.
        room: package whose folder ``templates`` is searched before that of `ritornello.pages`.
        values: by the names under which the template uses them; it must find all that it names.

    Raises:
        OSError: if a sound that is to be put inside the page cannot be read.
    """
    return environment(room).get_template(template).render(values)


@cache
def environment(room: str = _PAGES) -> Environment:
    """The templates of a room, and after them those of `ritornello.pages`."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    rooms = dict.fromkeys((room, _PAGES))
    made = Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in rooms]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (number, nats, count, clock, duration, file_uri)
    made.filters.update({one.__name__: one for one in filters})
    return made


def data_uri(content: bytes, ending: str) -> str:
    """Bytes of a file as an address that holds them; ``ending`` such as .mp3 tells their kind."""
    return f"data:{_KINDS[ending]};base64,{base64.b64encode(content).decode()}"


def file_uri(path: Path) -> str:
    """A sound, MIDI file or picture as an address that holds all of it.

    Raises:
        OSError: if it cannot be read.
    """
    return data_uri(path.read_bytes(), path.suffix)
