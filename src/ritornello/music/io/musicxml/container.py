"""The shell of MusicXML: untrusted bytes to the XML parts of a score, and .mxl archives.

Nothing is fetched, no document brings declarations of its own, no archive unpacks to more than a
fixed size, and nothing is parsed that holds more tags than the largest scores do: the tree of
an element takes a hundred bytes of memory for as little as four of text.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.parsers import expat

from ritornello.errors import InputError

MAX_XML_BYTES = 64 * 2**20
# A real score has a tag every 13 bytes at the closest and an attribute every 34: these are what
# 50 MB of it hold, and keep the tree of the worst file below 1 GB.
MAX_TAGS = 4_000_000
MAX_ATTRIBUTES = 1_500_000
_MAX_ARCHIVED_FILES = 1000
_MXL_TYPE = "application/vnd.recordare.musicxml"
_CONTAINER = "META-INF/container.xml"
_PROLOG_BYTES, _PROLOG_STEP = 2**16, 2**12
_NEXT_STEP = "Open the file in a notation program and export it again as MusicXML."


@dataclass(frozen=True)
class ScoreXml:
    """The elements of a score: everything before the parts, and the measures of each part.

    ``is_latin`` says that it was eight-bit text which did not say so.
    """

    header: ElementTree.Element
    parts: dict[str, list[ElementTree.Element]]
    is_latin: bool = False


def open_score(data: bytes, where: str) -> ScoreXml:
    """Parse .musicxml, .xml or .mxl bytes, part-wise or time-wise.

    Raises:
        InputError: if the bytes are not a MusicXML score, or unpack to more than 64 MiB.
    """
    text = _unzipped(data, where) if data[:2] == b"PK" else data
    if len(text) > MAX_XML_BYTES:
        raise InputError(
            f"The score is {len(text) / 2**20:.0f} MiB of XML; at most {MAX_XML_BYTES >> 20} MiB "
            "are read.",
            where=where,
            next_step="Split the score into movements.",
        )
    for kind, count, most in (
        ("tags", text.count(b"<"), MAX_TAGS),
        ("attributes", text.count(b"="), MAX_ATTRIBUTES),
    ):
        if count > most:
            raise InputError(
                f"The score has {count:,} {kind}; at most {most:,} are read.",
                where=where,
                next_step="Split the score into movements.",
            )
    try:
        return _parse(text, where)
    except (ElementTree.ParseError, expat.ExpatError, ValueError, LookupError) as error:
        raise InputError(
            f"The file is not well-formed XML ({error}).", where=where, next_step=_NEXT_STEP
        ) from None


def _parse(text: bytes, where: str) -> ScoreXml:
    latin = _is_latin(text)
    root = _tree(text, where, is_latin=latin)
    for element in root.iter():
        # Some programs write a default namespace; MusicXML itself has none.
        if isinstance(element.tag, str) and element.tag.startswith("{"):
            element.tag = element.tag.partition("}")[2]
    if root.tag not in ("score-partwise", "score-timewise"):
        raise InputError(
            f"Expected a MusicXML score; the root element is <{root.tag[:40]}>.",
            where=where,
            next_step=_NEXT_STEP,
        )
    parts: dict[str, list[ElementTree.Element]] = {}
    if root.tag == "score-partwise":
        for part in root.findall("part"):
            parts.setdefault(part.get("id", ""), []).extend(part.findall("measure"))
    else:
        for measure in root.findall("measure"):
            for part in measure.findall("part"):
                parts.setdefault(part.get("id", ""), []).append(part)
    if not any(parts.values()):
        raise InputError("The score has no part with a measure.", where=where, next_step=_NEXT_STEP)
    return ScoreXml(root, parts, latin)


class _RootSeenError(Exception):
    """The prolog is over."""


def _tree(text: bytes, where: str, *, is_latin: bool) -> ElementTree.Element:
    """The parsed document, if it brings no declarations (entities, attribute lists) of its own.

    Scores name a public DTD, which is never fetched, but declare nothing: a declaration is an
    attack, or no score. The parser itself says so, in whatever encoding the file is.
    """
    # Eight-bit text that calls itself UTF-16 is not: some programs copy the line unread.
    says_utf_16 = re.search(rb"encoding=.UTF-16", text[:100], re.IGNORECASE)
    encoding = "utf-8" if says_utf_16 and not _is_wide(text) else None
    if is_latin:
        encoding = "iso-8859-1"
    prolog = expat.ParserCreate(encoding)

    def on_doctype(name: str, system: str | None, public: str | None, declares: int) -> None:
        if declares:
            raise InputError(
                "The XML declares entities or attributes of its own; a score has none.",
                where=where,
                next_step=_NEXT_STEP,
            )

    def on_start(name: str, attributes: dict[str, str]) -> None:
        raise _RootSeenError

    prolog.StartDoctypeDeclHandler = on_doctype
    prolog.StartElementHandler = on_start
    try:
        # In small steps: what follows a refused declaration is parsed to the end of its step.
        for start in range(0, _PROLOG_BYTES, _PROLOG_STEP):
            prolog.Parse(text[start : start + _PROLOG_STEP], start + _PROLOG_STEP >= len(text))
        raise ValueError(f"no element begins in its first {_PROLOG_BYTES >> 10} KiB")
    except _RootSeenError:
        pass
    return ElementTree.fromstring(text, ElementTree.XMLParser(encoding=encoding))


def _is_wide(text: bytes) -> bool:
    """Whether each character takes two bytes or more."""
    return b"\0" in text[:4] or text[:2] in (b"\xff\xfe", b"\xfe\xff")


def _is_latin(text: bytes) -> bool:
    """Whether bytes that call themselves UTF-8, or nothing at all, are eight-bit text instead."""
    if _is_wide(text):
        return False
    stated = re.search(rb"""encoding=["']([\w.-]+)""", text[:100])
    if stated is not None and stated[1].lower() not in (b"utf-8", b"utf8"):
        return False
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return text[:1] == b"<"
    return False


def _unzipped(data: bytes, where: str) -> bytes:
    # Counted before the archive is opened: its directory alone can fill the memory.
    if data.count(b"PK\1\2") > _MAX_ARCHIVED_FILES:
        raise InputError(
            f"The archive holds more than {_MAX_ARCHIVED_FILES:,} files; a score has a few.",
            where=where,
            next_step=_NEXT_STEP,
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            # The declared size may lie: read one byte more than allowed, never the rest.
            return _content(archive, _root_file(archive, where), MAX_XML_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, LookupError, OSError, EOFError, ValueError,
            RuntimeError, ElementTree.ParseError, expat.ExpatError) as error:  # fmt: skip
        raise InputError(
            f"The compressed score cannot be opened ({error}).", where=where, next_step=_NEXT_STEP
        ) from None


def _content(archive: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    # Other methods are not of the format, and can ask for any amount of memory.
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("it is packed in a way that .mxl does not know")
    with archive.open(name) as file:
        return file.read(most_bytes)


def _root_file(archive: zipfile.ZipFile, where: str) -> str:
    """The score the container names, else the first XML file."""
    names = archive.namelist()
    known = set(names)
    if _CONTAINER in known:
        listing = _content(archive, _CONTAINER, 2**16)
        for element in _tree(listing, where, is_latin=_is_latin(listing)).iter():
            path = element.get("full-path", "")
            if element.tag.endswith("rootfile") and path in known:
                return path
    for name in names:
        if name.lower().endswith((".musicxml", ".xml")) and not name.startswith("META-INF"):
            return name
    raise ValueError("it holds no score")


def compressed(xml: bytes) -> bytes:
    """A .mxl archive around a score; the same score always gives the same bytes."""
    container = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<container><rootfiles>'
        '<rootfile full-path="score.musicxml"'
        ' media-type="application/vnd.recordare.musicxml+xml"/></rootfiles></container>\n'
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        # ZipInfo without a date: archives do not differ by the second they were made in.
        archive.writestr(zipfile.ZipInfo("mimetype"), _MXL_TYPE)
        for name, content in ((_CONTAINER, container.encode()), ("score.musicxml", xml)):
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()
