"""Forms as people write them: "intro 4, A 8, B 8, A 8, end 4"; and how many bars a duration is."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from difflib import get_close_matches
from itertools import cycle, islice

from ritornello.errors import ConfigError
from ritornello.music.piece import Metre
from ritornello.plan.bar_strokes import FARTHEST_BARS
from ritornello.plan.plan import MAX_BARS, Plan
from ritornello.plan.players import Player
from ritornello.plan.returning_bars import AGAIN
from ritornello.plan.sections import END, INTRO, Section
from ritornello.rng import Rng, weighted_choice

USUAL_BARS = 8
_EDGE_BARS = 4  # of an intro and of an end that says no number
# Orders that sections of eight bars go round in, and how often a piece has each; then those of
# music where what returns does so at once, as in three of four cases in game music.
_ORDERS = (
    (0.75, ("verse", "verse", "chorus", "verse", "chorus")),
    (0.25, ("verse", "verse", "chorus", "chorus")),
)
_TWICE = (
    (0.8, ("verse", "verse", "chorus", "bridge", "bridge", "chorus", "verse", "verse", "chorus",
           "solo", "solo")),
    (0.2, ("verse", "chorus", "verse", "chorus", "bridge", "solo", "bridge", "solo")),
)  # fmt: skip
# Of music that comes back after a while: the order, and how many bars each section has. Songs and
# scores come back after any number of bars, which no one length gives.
_LATE = ("verse", "verse", "chorus", "bridge", "verse", "chorus", "solo", "verse", "chorus",
         "bridge", "verse")  # fmt: skip
_LATE_BARS = ((0.46, 8), (0.14, 6), (0.1, 4), (0.1, 10), (0.1, 12), (0.05, 7), (0.05, 9))
NAMES = (INTRO, "verse", "chorus", "bridge", "solo", "break", END)
_ALIASES = {"outro": END, "coda": END, "ending": END, "refrain": "chorus", "interlude": "break",
            "introduction": INTRO, "middle": "bridge"}  # fmt: skip
_NEXT_STEP = (
    "Write names and bars, as in 'intro 4, A 8, B 8, A 8, end 4', or 'AABA' for eight bars each. "
    f"Names: {', '.join(NAMES)}, and letters."
)


def parse_name(text: str) -> str:
    """The name of a section as it is written everywhere: lower case, or letters in upper case.

    Raises:
        ConfigError: if no section is called that.
    """
    word = text.strip().lower()
    name = _ALIASES.get(word, word)
    if name in NAMES:
        return name
    if re.fullmatch(r"[a-z]{1,2}", word):
        return word.upper()
    near = get_close_matches(word, [*NAMES, *_ALIASES], n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise ConfigError(f"No section is called {text.strip()!r}.", next_step=hint + _NEXT_STEP)


def parse_form(text: str, *, bars: int | None = None) -> tuple[Section, ...]:
    """Read a form: names with numbers of bars, or a row of letters for eight bars each.

    >>> [(section.name, section.bars) for section in parse_form("intro 4, A 8, A, outro")]
    [('intro', 4), ('A', 8), ('A', 8), ('end', 4)]

    Args:
        text: sections apart by commas, semicolons or bars (|); a section may come without its
            number: an intro and an end have four bars then, others eight.
        bars: that the piece has, if that was said as well.

    Raises:
        ConfigError: if it is no form, is longer than `MAX_BARS`, or has other than ``bars`` bars.
    """
    if re.fullmatch(r"\s*[A-Z]{2,}\s*", text):
        found = [(name, USUAL_BARS) for name in text.strip()]
    else:
        found = [_section(part) for part in re.split(r"[,;|]", text) if part.strip()]
    if not found:
        raise ConfigError("There is no section in the form.", next_step=_NEXT_STEP)
    total = sum(length for _, length in found)
    if total > MAX_BARS:
        raise ConfigError(f"The form has {total} bars; a piece has at most {MAX_BARS}.")
    if bars is not None and total != bars:
        raise ConfigError(
            f"The sections have {total} bars together, and {bars} bars were asked for.",
            next_step="Leave out the number of bars, or change a section.",
        )
    names = [name for name, _ in found]
    if INTRO in names[1:] or END in names[:-1]:
        raise ConfigError(
            "An intro stands first and an end last.", where=", ".join(names), next_step=_NEXT_STEP
        )
    sections: list[Section] = []
    for name, length in found:
        start = sections[-1].end if sections else 0
        sections.append(Section(name, start, length))
    return tuple(sections)


def _section(text: str) -> tuple[str, int]:
    match = re.fullmatch(r"\s*(?P<name>[^\d]*?)\s*(?P<bars>\d+)?\s*(?:bars?)?\s*", text)
    if not match or not match["name"]:
        raise ConfigError(f"{text.strip()!r} is no section.", next_step=_NEXT_STEP)
    name = parse_name(match["name"])
    usual = _EDGE_BARS if name in (INTRO, END) else USUAL_BARS
    length = usual if match["bars"] is None else int(match["bars"])
    if length < 1:
        raise ConfigError(f"A section has at least one bar; {name} has {length}.")
    return name, length


def usual_form(
    bars: int, rng: Rng, *, twice: bool = False, late: bool = False
) -> tuple[Section, ...]:
    """The form of a song of so many bars: an intro, verses and choruses, a bridge, an end.

    From 40 bars on the first verse mostly has two phrases: what is sung may return after eight
    bars.

    >>> import numpy as np
    >>> form_text(usual_form(32, np.random.default_rng(0)))
    'intro 4, A 8, B 8, A 8, end 4'
    >>> form_text(usual_form(56, np.random.default_rng(0)))
    'intro 4, verse 16, chorus 8, verse 8, bridge 8, chorus 8, end 4'
    >>> form_text(usual_form(56, np.random.default_rng(0), late=True))
    'intro 4, verse 8, chorus 8, bridge 8, verse 4, chorus 8, solo 8, verse 4, end 4'
    >>> form_text(usual_form(5, np.random.default_rng(0)))
    'A 5'

    Args:
        rng: the order of the sections is drawn from it.
        twice: whether what returns does so at once, so that most sections are played twice.
        late: whether it does so after two other sections or more, of any length, as in songs and
            scores.
    """
    edge = _EDGE_BARS if bars >= 3 * USUAL_BARS else 0
    inside = bars - 2 * edge
    count = max(1, inside // USUAL_BARS)
    lengths = [USUAL_BARS] * count
    if count < 4:
        names = (["A", "A", "B"] if twice and count == 3 else ["A", "B", "A"])[:count]
        if late and count == 3:
            first = weighted_choice(_LATE_BARS, rng)
            if (between := inside - 2 * first) >= USUAL_BARS // 2:
                lengths = [first, between, first]
    elif late:
        names, lengths = _late_sections(inside, rng)
    else:
        order = weighted_choice(_TWICE if twice else _ORDERS, rng)
        closing = ["bridge", "chorus"] if count >= 6 and not twice else []
        names = [*islice(cycle(order), count - len(closing)), *closing]
    # What is left over lengthens the last section before the end.
    lengths[-1] += inside - sum(lengths)
    if edge:
        names, lengths = [INTRO, *names, END], [edge, *lengths, edge]
    sections: list[Section] = []
    for name, length in zip(names, lengths, strict=True):
        if sections and sections[-1].name == name:
            last = sections.pop()
            sections.append(replace(last, bars=last.bars + length))
        else:
            sections.append(Section(name, sections[-1].end if sections else 0, length))
    return tuple(sections)


def _late_sections(bars: int, rng: Rng) -> tuple[list[str], list[int]]:
    """Names and bars of sections that come back as long as they were, up to so many bars."""
    bars_of = {name: weighted_choice(_LATE_BARS, rng) for name in dict.fromkeys(_LATE)}
    names: list[str] = []
    left = bars
    for name in cycle(_LATE):
        if names and left < bars_of[name]:
            break
        names.append(name)
        left -= bars_of[name]
    lengths = [bars_of[name] for name in names]
    if names[-1] == "bridge":  # it leads on
        names[-1] = "verse"
    return names, lengths


def form_text(sections: tuple[Section, ...]) -> str:
    """A form as `parse_form` reads it."""
    return ", ".join(f"{section.name} {section.bars}" for section in sections)


def form_plan(
    sections: tuple[Section, ...],
    metre: tuple[int, int] = (4, 4),
    players: tuple[Player, ...] = (),
) -> Plan:
    """The plan that states its sections and leaves all else open."""
    plan = Plan.open(sections[-1].end, (Metre(0, *metre),), players)
    return replace(plan, sections=sections)


def returning_as_it_was(plan: Plan) -> Plan:
    """The plan whose sections return as they were, bar by bar, where their names come again.

    The last bar of the piece is left open, for an ending of its own.
    """
    back, close = plan.back.copy(), plan.close.copy()
    first: dict[str, Section] = {}
    for section in plan.sections:
        earlier = first.setdefault(section.name, section)
        distance = section.start - earlier.start
        if 0 < distance <= FARTHEST_BARS:
            bars = min(section.bars, earlier.bars, plan.bars - 1 - section.start)
            back[section.start : section.start + bars] = distance
            close[section.start : section.start + bars] = AGAIN
    return replace(plan, back=back, close=close)


def parse_duration(text: str) -> float:
    """Seconds of a duration: "2:00", "1:02:30", "90", "90s", "1m30s", "2 min".

    Raises:
        ConfigError: if it is none, or not longer than nothing.
    """
    seconds = _seconds(text.strip().lower())
    if seconds is None or not 0 < seconds < math.inf:
        raise ConfigError(
            f"{text!r} is not a duration.", next_step="Write it as in 2:00, 90s or 1m30s."
        )
    return seconds


def _seconds(text: str) -> float | None:
    clock = re.fullmatch(r"(?:(\d+):)?(\d+):([0-5]?\d(?:\.\d+)?)", text)
    if clock:
        hours, minutes, seconds = (float(part or 0) for part in clock.groups())
        return 3600 * hours + 60 * minutes + seconds
    units = re.fullmatch(
        r"(?:(\d+(?:\.\d+)?)\s*m(?:in(?:ute)?s?)?)?\s*(?:(\d+(?:\.\d+)?)\s*s?(?:ec(?:ond)?s?)?)?",
        text,
    )
    if not units or not any(units.groups()):
        return None
    minutes, seconds = (float(part or 0) for part in units.groups())
    return 60 * minutes + seconds


def bars_of_duration(seconds: float, tempo_bpm: float, metre: tuple[int, int] = (4, 4)) -> int:
    """The whole number of bars that comes nearest to a duration, at least one.

    >>> bars_of_duration(120, 120)
    60

    Args:
        tempo_bpm: quarter notes a minute.

    Raises:
        ConfigError: if these are more than `MAX_BARS`.
    """
    quarters = seconds * tempo_bpm / 60
    bars = max(1, round(quarters * metre[1] / (4 * metre[0])))
    if bars > MAX_BARS:
        raise ConfigError(
            f"{seconds:g} seconds at {tempo_bpm:g} bpm are {bars} bars; a piece has at most "
            f"{MAX_BARS}.",
        )
    return bars
