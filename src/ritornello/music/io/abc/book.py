"""An ABC file as text, and the tunes in it.

A file may be a book: a header for all tunes, then tunes that each begin with a line ``X:`` and end
at an empty line, with free text between them (abc standard 2.1, 2.2). Lines are cut here and
nowhere else, so that a comment, an escape or an odd line end means the same everywhere. Nothing
but the given bytes is ever read: ``%%abc-include`` is counted, never followed.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass, field
from typing import NamedTuple

_LINE_END = re.compile(r"\r\n?|\n")
_TUNE_START = re.compile(r"(?:^|(?<=[\r\n]))(X:)")
_KEY_LINE = re.compile(r"(?:^|[\r\n])K:")
_COMMENT = re.compile(r"(?<!\\)%.*", re.DOTALL)
_CHARSET = re.compile(rb"^(?:%%|I:)\s*abc-charset\s+([\w.-]{1,20})", re.MULTILINE)
_BLOCK = re.compile(r"%%\s*begin(text|ps|svg|ml|js|css)\b")
_FIELD = re.compile(r"([A-Za-z+]):(.*)", re.DOTALL)
_CHARSETS = re.compile(
    r"utf-?8|us-ascii|iso-?8859-\d{1,2}|latin-?\d|(?:windows-|cp)125\d|koi8-[ru]"
)
_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
# Fields that a file header may set for all its tunes; a tune's own title or key is never one.
_BOOK_FIELDS = frozenset("ABCDFGHILMmNORrSUZ")


class Line(NamedTuple):
    """One line of a tune: its number in the file, the letter of its field, and its text.

    ``letter`` is "%" for a directive (``%%MIDI program 1`` is the text "MIDI program 1") and ""
    where no letter and colon stand in front. Comments are gone.
    """

    number: int
    letter: str
    text: str


@dataclass(frozen=True)
class Tune:
    """The lines of one tune, those of the file header first.

    Attributes:
        lines: in order; no empty ones.
        includes: lines that ask for another file; none was read.
        lost_music: lines with bar lines after the empty line that ends the tune.
    """

    lines: list[Line] = field(default_factory=list)
    includes: int = 0
    lost_music: int = 0


def decode(data: bytes) -> str:
    """The text of an ABC file: by its byte order mark, its ``abc-charset``, UTF-8 or Latin-1.

    A mark within the text, where files were put together, has no meaning and is left out.
    """
    return _decoded(data).replace("\ufeff", "")


def _decoded(data: bytes) -> str:
    for mark, charset in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(charset, "replace")
    head = data[:64]
    if len(data) % 2 == 0 and head.count(0) > len(head) // 4:  # of plain letters each second is 0
        return data.decode("utf-16-be" if head[:1] == b"\0" else "utf-16-le", "replace")
    stated = _CHARSET.search(data[:4096])
    name = stated[1].decode("ascii", "replace").lower() if stated else "utf-8"
    try:
        return data.decode(name if _CHARSETS.fullmatch(name) else "utf-8")
    except (UnicodeDecodeError, LookupError):
        return data.decode("latin-1")


class TuneBook:
    """The tunes of a text, each cut out when it is asked for.

    A text without a line that begins with X: is one tune if it has a key, and else none.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [match.start(1) for match in _TUNE_START.finditer(text)]
        if not self._starts and _KEY_LINE.search(text):
            self._starts = [0]
        self._header: list[Line] = []
        self._includes = 0
        before = text[: self._starts[0]] if self._starts else ""
        for number, line in enumerate(_LINE_END.split(before), 1):
            parsed = _parsed(number, line)
            if parsed and _is_include(parsed):
                self._includes += 1
            elif parsed and (parsed.letter in _BOOK_FIELDS or parsed.letter == "%"):
                self._header.append(parsed)
        # Line numbers, counted on from the last tune that was asked for.
        self._counted = (0, 1)

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> Tune:
        """The tune of an index from 0.

        Raises:
            IndexError: if there are not so many.
        """
        start = self._starts[index]
        end = self._starts[index + 1] if index + 1 < len(self._starts) else len(self._text)
        place, number = self._counted if self._counted[0] <= start else (0, 1)
        number += len(_LINE_END.findall(self._text, place, start))
        self._counted = start, number
        return _tune(self._header, _LINE_END.split(self._text[start:end]), number, self._includes)


def _tune(header: list[Line], lines: list[str], number: int, includes: int) -> Tune:
    """The lines up to the empty one that ends the tune; one before its ``K:`` ends nothing."""
    found = list(header)
    further: list[str] = []  # what goes on with the last field
    has_key = False
    block = ""
    lost_music = 0
    for place, line in enumerate(lines):
        if block:  # text, PostScript or a picture for a typesetter: no music, whatever is in it
            block = "" if line.startswith(f"%%end{block}") else block
            continue
        if opening := _BLOCK.match(line):
            block = opening[1]
            continue
        if not line.strip() and has_key:
            lost_music = sum("|" in left for left in lines[place:] if left[:1] != "%")
            break
        parsed = _parsed(number + place, line)
        if parsed is None:
            continue
        if _is_include(parsed):
            includes += 1
        elif parsed.letter == "+" and found:
            further.append(parsed.text)  # "+:" is no field of its own
        else:
            _go_on(found, further)
            has_key |= parsed.letter == "K"
            found.append(parsed)
    _go_on(found, further)
    return Tune(found, includes, lost_music)


def _go_on(found: list[Line], further: list[str]) -> None:
    if further:
        found[-1] = found[-1]._replace(text=" ".join([found[-1].text, *further]))
        further.clear()


def _parsed(number: int, line: str) -> Line | None:
    """A line by its parts; None of one that is empty or all comment."""
    if line.startswith("%%"):
        return Line(number, "%", _COMMENT.sub("", line[2:]).strip())
    if "%" in line:
        line = _COMMENT.sub("", line)
    if not line.strip():
        return None
    if line.startswith("I:"):
        return Line(number, "%", line[2:].strip())
    match = _FIELD.match(line)
    if match and not _is_music(match[1], match[2]):
        return Line(number, match[1], match[2].strip())
    return Line(number, "", line)


def _is_music(letter: str, rest: str) -> bool:
    """Whether ``A:|`` or ``z:|`` begins a line: a note or rest and a repeat, and no field."""
    return rest.startswith((":", "|")) and letter not in "KLMPQVXw+"


def _is_include(line: Line) -> bool:
    return line.letter == "%" and line.text.startswith("abc-include")


# --- text in fields ---------------------------------------------------------------------------

_ACCENTS = {"`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", '"': "\u0308",
            "r": "\u030a", "v": "\u030c", "u": "\u0306", "c": "\u0327", "H": "\u030b",
            ";": "\u0328", "=": "\u0304", ".": "\u0307"}  # fmt: skip
_LIGATURES = {"/O": "Ø", "/o": "ø", "/L": "Ł", "/l": "ł", "/D": "Đ", "/d": "đ", "AA": "Å",
              "aa": "å", "AE": "Æ", "ae": "æ", "OE": "Œ", "oe": "œ", "ss": "ß", "DH": "Ð",
              "dh": "ð", "TH": "Þ", "th": "þ"}  # fmt: skip
_SPECIAL = re.compile(
    r"\\(?:u(?P<code>[0-9A-Fa-f]{4})|(?P<two>/[OoLlDd]|AA|aa|AE|ae|OE|oe|ss|DH|dh|TH|th)"
    r"|(?P<accent>[`'^~\"rvucH;=.])(?P<letter>[A-Za-z])|(?P<sign>[%&\\]))"
    r"|&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|\w{2,31});"
)


def plain_text(text: str) -> str:
    """A title or a word as it is read: ``\\'e``, ``&eacute;`` and ``\\u00e9`` are all é."""
    return _SPECIAL.sub(_plain, text) if "\\" in text or "&" in text else text


def _plain(match: re.Match[str]) -> str:
    if match["code"]:
        return html.unescape(f"&#x{match['code']};")  # knows which codes are no characters
    if match["two"]:
        return _LIGATURES[match["two"]]
    if match["sign"]:
        return match["sign"]
    if match["accent"]:
        return unicodedata.normalize("NFC", match["letter"] + _ACCENTS[match["accent"]])
    return html.unescape(match[0])


def escaped_text(text: str) -> str:
    """The text as it is written, so that `plain_text` gives it back."""
    return re.sub(r"[\\%&]", r"\\\g<0>", text)
