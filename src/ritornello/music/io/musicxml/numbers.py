"""Numbers as MusicXML writes them: text of an element or attribute to a number of sensible size."""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element

from ritornello.errors import InputError

# How many quarters the note values last that are written by name.
_VALUES_QUARTERS = {"breve": 8.0, "whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5,
                    "16th": 0.25, "32nd": 0.125}  # fmt: skip
_LARGEST_NUMBER = 10**8
_LONGEST_NUMBER = 40  # characters


def number(element: Element | None, tag: str, default: float) -> float:
    """The number in a child element; the default where it is absent.

    Raises:
        InputError: if the text is not a number of sensible size.
    """
    text = element.findtext(tag) if element is not None else None
    return default if text is None or not text.strip() else to_number(text, tag)


def value_quarters(element: Element, tag: str, dot_tag: str) -> float | None:
    """How many quarters the note value lasts that a child element names; None if it names none.

    Args:
        dot_tag: of the children that each stand for a dot.
    """
    quarters = _VALUES_QUARTERS.get((element.findtext(tag) or "").strip())
    return None if quarters is None else quarters * (2 - 0.5 ** len(element.findall(dot_tag)))


def to_number(text: str, tag: str) -> float:
    """The number a text holds; ``tag`` names its element in messages.

    Raises:
        InputError: if the text is not a number of sensible size.
    """
    try:
        value = float(text[:_LONGEST_NUMBER])
    except ValueError:
        value = math.nan
    if not abs(value) <= _LARGEST_NUMBER:
        raise InputError(f"<{tag}> holds {text.strip()[:40]!r}, which is not a usable number.")
    return value
