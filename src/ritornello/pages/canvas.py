"""A drawing as a list of shapes, and two painters of it: SVG text and PNG bytes.

Shapes are in pixels of the drawing's own width; later shapes lie over earlier ones.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

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
        from PIL import Image, ImageDraw

        scale = width / self.width * _SMOOTHING
        size = width * _SMOOTHING, math.ceil(self.height / self.width * width) * _SMOOTHING
        image = Image.new("RGB", size, "#ffffff")
        pen = ImageDraw.Draw(image)
        for shape in self.shapes:
            if isinstance(shape, Box):
                _paint_box(pen, shape, scale)
            else:
                anchor = {"start": "lm", "middle": "mm", "end": "rm"}[shape.anchor]
                font = _font(shape.size * scale)
                place = shape.x * scale, shape.y * scale
                pen.text(place, _printable(shape.text), shape.colour, font, anchor)
        image = image.resize((size[0] // _SMOOTHING, size[1] // _SMOOTHING), Image.Resampling.BOX)
        content = io.BytesIO()
        image.save(content, "PNG", optimize=True)
        return content.getvalue()


def text_width(text: str, size: float) -> float:
    """Width of a line of text in the font of the PNG, in pixels."""
    return float(_font(size).getlength(_printable(text)))


def _font(size: float) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


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


def _paint_box(pen: Any, box: Box, scale: float) -> None:
    left, top = round(box.x * scale), round(box.y * scale)
    # Pillow counts the last pixel in; a box is never thinner than one.
    right = max(left, round((box.x + box.width) * scale) - 1)
    bottom = max(top, round((box.y + box.height) * scale) - 1)
    radius = min(box.radius * scale, (right - left) / 2, (bottom - top) / 2)
    if radius >= 1:
        pen.rounded_rectangle((left, top, right, bottom), radius, box.colour)
    else:
        pen.rectangle((left, top, right, bottom), box.colour)
