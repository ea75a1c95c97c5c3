"""A drawing as a list of shapes, and two painters of it: SVG text and PNG bytes.

Shapes are in pixels of the drawing's own width; later shapes lie over earlier ones.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup

from ritornello.pages import lettering
from ritornello.pages.lettering import paint_text
from ritornello.pages.svg import element

# PNG shapes are painted this much larger and scaled down, which smooths their edges.
_SMOOTHING = 2
_FONT_FAMILY = "Aileron, Helvetica, Arial, sans-serif"


@dataclass(frozen=True)
class Box:
    """A filled rectangle; ``colour`` is #rrggbb."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    radius: float = 0.0


@dataclass(frozen=True)
class Label:
    """A line of text; ``x`` is its start, middle or end, ``y`` the middle of its height."""

    x: float
    y: float
    text: str
    size: float
    colour: str
    anchor: str = "start"


@dataclass
class Drawing:
    """Shapes on a white page."""

    width: float
    height: float
    shapes: list[Box | Label] = field(default_factory=list)
    description: str = ""

    def to_svg(self) -> str:
        """The drawing as a standalone SVG document."""
        page = element("rect", width="100%", height="100%", fill="#ffffff")
        parts = [element("title", _printable(self.description)), page, *map(_svg, self.shapes)]
        drawing = element(
            "svg",
            *(piece for part in parts for piece in ("\n", part)),
            "\n",
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {self.width:g} {self.height:g}",
            width=f"{self.width:g}",
            height=f"{self.height:g}",
            role="img",
            font_family=_FONT_FAMILY,
        )
        return f"{drawing}\n"

    def to_png(self, width: int) -> bytes:
        """The drawing as a PNG of ``width`` pixels; the height follows."""
        scale = width / self.width * _SMOOTHING
        height = math.ceil(self.height / self.width * width)
        image = np.full((height * _SMOOTHING, width * _SMOOTHING, 3), 255, np.uint8)
        for shape in self.shapes:
            if isinstance(shape, Box):
                _paint_box(image, shape, scale)
            else:
                _paint_label(image, shape, scale)
        smooth = np.zeros((height, width, 3), np.uint16)
        for row in range(_SMOOTHING):
            for column in range(_SMOOTHING):
                smooth += image[row::_SMOOTHING, column::_SMOOTHING]
        return _png((smooth // _SMOOTHING**2).astype(np.uint8))


def _png(pixels: np.ndarray) -> bytes:
    """The file of an image, uint8 [height, width, 3] (PNG, ISO/IEC 15948)."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return b"".join((struct.pack(">I4s", len(content), kind), content, checksum.to_bytes(4)))

    height, width, _ = pixels.shape
    # Each row as its difference to the one above, which is filter 2: most are alike.
    rows = pixels.reshape(height, -1)
    lines = np.full((height, 1 + rows.shape[1]), 2, np.uint8)
    lines[:, 1:] = rows
    lines[1:, 1:] -= rows[:-1]
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)),
            chunk(b"IEND", b""),
        )
    )


def _printable(text: str) -> str:
    """The text without line ends and control characters, which XML does not allow."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _svg(shape: Box | Label) -> Markup:
    if isinstance(shape, Box):
        return element(
            "rect",
            x=f"{shape.x:.2f}",
            y=f"{shape.y:.2f}",
            width=f"{shape.width:.2f}",
            height=f"{shape.height:.2f}",
            fill=shape.colour,
            **({"rx": f"{shape.radius:g}"} if shape.radius else {}),
        )
    return element(
        "text",
        _printable(shape.text),
        x=f"{shape.x:.2f}",
        y=f"{shape.y:.2f}",
        dy="0.35em",
        font_size=f"{shape.size:g}",
        fill=shape.colour,
        text_anchor=shape.anchor,
    )


def _paint_box(image: np.ndarray, box: Box, scale: float) -> None:
    """Fill a rectangle of an image [height, width, 3]; it is never thinner than a pixel."""
    left, top = round(box.x * scale), round(box.y * scale)
    right = max(left + 1, round((box.x + box.width) * scale))
    bottom = max(top + 1, round((box.y + box.height) * scale))
    place = image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    radius = min(box.radius * scale, (right - left) / 2, (bottom - top) / 2)
    if radius < 1:
        place[:] = _rgb(box.colour)
        return
    # Of each row and column how far the middles of its pixels lie outside the corners' centres.
    y, x = np.arange(max(top, 0), bottom) + 0.5, np.arange(max(left, 0), right) + 0.5
    below = np.maximum(np.maximum(top + radius - y, y - bottom + radius), 0)
    beside = np.maximum(np.maximum(left + radius - x, x - right + radius), 0)
    inside = np.hypot.outer(below, beside) <= radius
    place[inside[: place.shape[0], : place.shape[1]]] = _rgb(box.colour)


def _paint_label(image: np.ndarray, label: Label, scale: float) -> None:
    """Write a line of text into an image [height, width, 3]."""
    text, size = _printable(label.text), label.size * scale
    covered = paint_text(text, size)
    shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[label.anchor]
    left = round(label.x * scale - shift * lettering.text_width(text, size))
    top = round(label.y * scale - len(covered) / 2)
    place = image[max(top, 0) : max(top + len(covered), 0), max(left, 0) :]
    place = place[:, : max(covered.shape[1] + min(left, 0), 0)]
    ink = covered[max(-top, 0) :, max(-left, 0) :][: place.shape[0], : place.shape[1], None]
    place[:] = np.rint(place * (1 - ink) + _rgb(label.colour) * ink)


def _rgb(colour: str) -> np.ndarray:
    """The three numbers of #rrggbb, uint8 [3]."""
    return np.frombuffer(bytes.fromhex(colour.removeprefix("#")), np.uint8)


def text_width(text: str, size: float) -> float:
    """Width of a line of text in the font of the PNG, in pixels."""
    return lettering.text_width(_printable(text), size)
