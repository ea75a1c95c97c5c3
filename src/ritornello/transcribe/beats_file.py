"""Beats by hand, to and from a text file: a time in seconds a line, and which beat of a bar it is.

    # metre 3/4
    0.52 1
    1.04 2

The first line and the second number may be left out. This is what beat trackers and annotators
write (mir_eval, madmom, label tracks of Audacity, whose further columns are ignored).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from os import PathLike
from pathlib import Path

import numpy as np

from ritornello.atomic import atomic_write
from ritornello.errors import InputError
from ritornello.transcribe.bars import beats_per_bar
from ritornello.transcribe.values import Beats, Hints

_NO_HINTS = Hints()
_MOST_BYTES = 10_000_000
_METRE = re.compile(r"#\s*metre\s+([1-9]\d?)/(2|4|8|16)")
_LINE = re.compile(r"(?P<seconds>\d+(?:\.\d*)?)(?:[\s,;]+(?P<rest>.*))?")
_EXPECTED = "Write a time in seconds a line and, if you like, the beat of the bar: 1.04 2."


def read_beats(path: str | PathLike[str], hints: Hints = _NO_HINTS) -> Hints:
    """Hints with the beats of a file; numbered beats tell metre and bar line too.

    Empty lines and those that begin with # are left out, but for the metre: where the bars have
    as many beats as it says, 6/8 is told from 2/4.

    Raises:
        InputError: if there is no such file, or a line is not a beat.
        ConfigError: if there are fewer than two, or they do not ascend.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("There is no such file.", where=str(path), next_step="Check the name.")
    try:
        text = path.read_bytes()[:_MOST_BYTES].decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The beats cannot be read: {error}.", where=str(path)) from error
    times: list[float] = []
    numbers: list[int | None] = []
    stated: tuple[int, int] | None = None
    for row, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if of_metre := _METRE.fullmatch(line):
            stated = int(of_metre[1]), int(of_metre[2])
        if not line or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if not found:
            raise InputError(
                f"Line {row} is not a beat: {line[:40]!r}.", where=str(path), next_step=_EXPECTED
            )
        times.append(float(found["seconds"]))
        numbers.append(_number((found["rest"] or "").split()))
    hints = replace(hints, beats_seconds=tuple(times))
    firsts = [at for at, number in enumerate(numbers) if number == 1]
    if firsts and hints.downbeat_seconds is None:
        hints = replace(hints, downbeat_seconds=times[firsts[0]])
        # Of a list of which every other line was taken out bars have two beats, whatever it says.
        bars = Counter(after - before for before, after in pairwise(firsts)).most_common(1)
        beats = bars[0][0] if bars else max(number or 0 for number in numbers)
        if hints.metre is None and beats > 1:
            is_stated = stated is not None and beats_per_bar(stated) == beats
            hints = replace(hints, metre=stated if is_stated else (beats, 4))
    return hints


def _number(columns: list[str]) -> int | None:
    """The beat of the bar: the last column that is a small whole number."""
    whole = [int(text) for text in columns if text.isdecimal() and 0 < int(text) < 20]
    return whole[-1] if whole else None


def write_beats(beats: Beats, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
    """Write beats for correction by hand; `read_beats` reads them.

    Raises:
        OutputError: if the file exists or cannot be written.
    """
    numbers = (np.arange(len(beats.times_seconds)) - beats.first_downbeat) % beats.beats_per_bar + 1
    numerator, denominator = beats.metre
    lines = [
        f"{seconds:.4f} {number}"
        for seconds, number in zip(beats.times_seconds, numbers, strict=True)
    ]
    with atomic_write(path, overwrite=overwrite) as temporary:
        temporary.write_text(
            "\n".join([f"# metre {numerator}/{denominator}", *lines, ""]), encoding="utf-8"
        )
    return Path(path)
