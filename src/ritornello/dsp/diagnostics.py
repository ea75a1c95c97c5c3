"""A diagnostic of a recording: what is unusual in it, as a sentence and a number."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One unusual property of a recording, as a sentence and a number.

    Attributes:
        name: for programs, such as "clipping".
        sentence: for people; ends with a full stop.
        value: what was measured, in the unit the sentence states.
    """

    name: str
    sentence: str
    value: float
