"""The shell of MusicXML: untrusted bytes to the XML parts of a score, and .mxl archives.

Nothing is fetched, no entity is expanded, and no archive unpacks to more than a fixed size.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from xml.etree import ElementTree

from ritornello.errors import InputError

MAX_XML_BYTES = 64 * 2**20
_MXL_TYPE = "application/vnd.recordare.musicxml"
_CONTAINER = "META-INF/container.xml"
_NEXT_STEP = "Open the file in a notation program and export it again as MusicXML."


@dataclass(frozen=True)
class ScoreXml:
    """The elements of a score: everything before the parts, and the measures of each part."""

    header: ElementTree.Element
    parts: dict[str, list[ElementTree.Element]]


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
    # A UTF-16 file has a zero byte beside each ASCII one; without them the words are visible.
    # Scores name a public DTD but declare nothing: a declaration is an attack or not a score.
    if b"<!ENTITY" in (text.replace(b"\0", b"") if b"\0" in text[:200] else text):
        raise InputError("The XML declares entities; a score has none.", where=where)
    try:
        return _parse(text, where)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(
            f"The file is not well-formed XML ({error}).", where=where, next_step=_NEXT_STEP
        ) from None


def _parse(text: bytes, where: str) -> ScoreXml:
    root = ElementTree.fromstring(text)
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
    return ScoreXml(root, parts)


def _unzipped(data: bytes, where: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            name = _root_file(archive)
            # The declared size may lie: read one byte more than allowed, never the rest.
            with archive.open(name) as file:
                return file.read(MAX_XML_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, LookupError, OSError, EOFError, ValueError,
            RuntimeError, ElementTree.ParseError) as error:  # fmt: skip
        raise InputError(
            f"The compressed score cannot be opened ({error}).", where=where, next_step=_NEXT_STEP
        ) from None


def _root_file(archive: zipfile.ZipFile) -> str:
    """The score the container names, else the first XML file."""
    names = archive.namelist()
    if _CONTAINER in names:
        with archive.open(_CONTAINER) as file:
            text = file.read(2**16)
        if b"<!ENTITY" not in text.replace(b"\0", b""):
            for element in ElementTree.fromstring(text).iter():
                path = element.get("full-path", "")
                if element.tag.endswith("rootfile") and path in names:
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
