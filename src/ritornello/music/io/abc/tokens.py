"""A line of ABC music as tokens: notes, rests, bar lines and the signs around them.

One regular expression knows all of them. Each of its branches stops at a character that cannot go
on, so a line is read in time proportional to its length, whatever stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_LENGTH = r"\d{0,6}(?:/\d{1,6}|/{0,6})"

# The name of the branch is the kind of the token. What no branch takes, such as a space or the
# back quote that only moves beams, is passed over; `stray` takes what should not be there.
_TOKEN = re.compile(
    rf"""
    (?P<note> (?P<accidental> [\^_=]{{1,3}} (?: \d{{1,3}}/\d{{1,3}} | / )? )?
              (?P<letter> [A-Ga-g]) (?P<octave> [',]*) (?P<length> {_LENGTH}) (?P<tie> -)? )
  | (?P<bar> (?P<bar_sign> \.\| (?!\|) | :{{0,9}} \[? \| [|\]:]{{0,9}} (?: \[ \| [|\]:]{{0,9}} )?
                | :{{2,9}} )
             (?: [ \t]* \[? (?P<ending> \d{{1,2}} (?: [,.-] \d{{1,2}})* ) )? )
  | (?P<quoted> " [^"]* ")
  | (?P<rest> (?P<rest_kind> [zxZX]) (?P<rest_length> {_LENGTH}))
  | (?P<field> \[ (?P<field_letter> [IKLMmNPQRrUVw]) : (?P<field_text> [^\[\]]*) \])
  | (?P<variant> \[ (?P<variant_ending> \d{{1,2}} (?: [,.-] \d{{1,2}})* ))
  | (?P<open> \[)
  | (?P<close> \] (?P<close_length> {_LENGTH}) (?P<close_tie> -)?)
  | (?P<broken> >{{1,6}} | <{{1,6}})
  | (?P<tuplet> \( [ ]? (?P<tuplet_notes> \d{{1,2}}) (?: : (?P<tuplet_time> \d{{0,2}})
                (?: : (?P<tuplet_count> \d{{0,3}}) )? )? )
  | (?P<overlay> \(?&\)?)
  | (?P<slur> \.?[()])
  | (?P<held> \.?-)
  | (?P<grace> \{{ [^{{}}]* \}})
  | (?P<decoration> ! [^!|\[\]":\n]{{1,40}} ! | \+ [^+|\[\]"\n ]{{1,40}} \+)
  | (?P<short> [.~H-Wh-w])
  | (?P<space> y {_LENGTH} | [!$*\\;?@#])
  | (?P<stray> [^\s`])
    """,
    re.VERBOSE,
)


def tokens(line: str) -> Iterator[re.Match[str]]:
    """The tokens of a line; ``match.lastgroup`` is the kind, the other groups are its parts."""
    return _TOKEN.finditer(line)


@lru_cache(maxsize=4096)
def length_of(text: str) -> tuple[int, int]:
    """A length such as ``3/2``, ``/`` or ``//`` as (numerator, denominator) of the unit."""
    over, slash, under = text.partition("/")
    numerator = int(over) if over else 1
    if not slash:
        return numerator, 1
    if under.isdigit():
        return numerator, int(under)
    return numerator, 2 ** (1 + len(under))


def semitones_of(accidental: str) -> float:
    """How far an accidental moves a note: ``^`` 1, ``__`` -2, ``=`` 0, ``^/`` a quarter-tone."""
    signs = accidental.rstrip("/0123456789")
    share = accidental[len(signs) :]
    steps = signs.count("^") - signs.count("_")
    if not share:
        return steps
    over, under = (1, 2) if share == "/" else map(int, share.split("/"))
    return steps * over / under if under else steps


def passes_of(text: str) -> frozenset[int]:
    """The times through in which an ending is played: ``1,3`` or ``1-3``."""
    found: set[int] = set()
    for item in re.split(r"[,.]", text):
        first, _, last = item.partition("-")
        if first:
            found.update(range(int(first), int((last or first).split("-")[0] or first) + 1))
    return frozenset(found)
