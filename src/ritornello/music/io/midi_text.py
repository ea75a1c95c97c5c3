"""The writing system of the texts in a MIDI file, which does not name it.

UTF-8 is told by its form. All other texts of a file are decoded in each of the code pages that
programs have used, and the one that makes the most likely words is taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from ritornello.music.io.limits import clean_name
from ritornello.music.io.midi_code_pages import CODE_PAGES, likelihood

_MOST_BYTES = 4096  # of texts that are looked at


def choose_codec(texts: Iterable[bytes]) -> str:
    """The name of the codec in which a file wrote its texts; all of them are looked at as one."""
    foreign = [text for text in texts if not text.isascii()]
    if not foreign:
        return "utf-8"
    looked_at = b"\n".join(dict.fromkeys(foreign))[:_MOST_BYTES]
    if len(looked_at) == _MOST_BYTES:
        looked_at = looked_at[: looked_at.rfind(b"\n") + 1] or looked_at
    try:
        b"\n".join(foreign).decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        pass
    return _likeliest(looked_at)


@lru_cache(maxsize=256)  # files of one maker have texts in common, such as a copyright
def _likeliest(texts: bytes) -> str:
    scores = {page: likelihood(texts, page) for page in CODE_PAGES}
    return max(scores, key=lambda page: scores[page])


def decode(raw: bytes, codec: str) -> str:
    """A text in a codec; what has no meaning in it is taken as UTF-8, or else as Latin-1."""
    if raw.isascii():
        return raw.decode("ascii")
    for name in (codec, "utf-8"):
        try:
            return raw.decode(name)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def decode_name(raw: bytes, codec: str) -> str:
    """A text as one line."""
    return clean_name(raw.decode() if raw.isascii() else decode(raw, codec))


def sung_text(text: str) -> str:
    """A syllable as `Lyric` has it: with its blanks, and no control characters but line ends."""
    return "".join(char for char in text if char == "\n" or char.isprintable())


def line_ends_read(text: str) -> str:
    """The line ends of RP-017: CR ends a line, LF a paragraph."""
    return text.replace("\n", "\0").replace("\r", "\n").replace("\0", "\n\n")


def line_ends_written(text: str) -> str:
    """Line ends as RP-017 writes them; the inverse of `line_ends_read`."""
    return text.replace("\n\n", "\0").replace("\n", "\r").replace("\0", "\n")
