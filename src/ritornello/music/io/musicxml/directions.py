"""What stands between the notes: dynamics, wedges, words, rehearsal marks and pedals.

<direction> and <sound> elements from and to marks, markers and controllers of a piece. Remarks
and marks that have no sign of their own in a score go into an <other-direction> that is not
printed, and so come back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import NamedTuple
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from ritornello.music.controls import PEDAL_DOWN, SOFT, SOSTENUTO, SUSTAIN
from ritornello.music.io.musicxml.numbers import to_number
from ritornello.music.note_tables import ALL_PITCHES

# The editorial level of what our writer adds for the reader's eye: no part of the piece.
ESTIMATED = "estimated by ritornello"
MARKER, CUE, TEXT = "marker", "cue", "text"
# What has no sign in a score: controllers but pedals, bends, pressures, words without a note.
# The pitch of such a remark is the number of the controller, the pressed key or the verse.
CONTROL, BEND, PRESSURE, LYRIC = "control", "bend", "pressure", "lyric"
DYNAMICS = frozenset(
    [
        "p",
        "pp",
        "ppp",
        "pppp",
        "ppppp",
        "pppppp",
        "f",
        "ff",
        "fff",
        "ffff",
        "fffff",
        "ffffff",
        "mp",
        "mf",
        "sf",
        "sfp",
        "sfpp",
        "fp",
        "rf",
        "rfz",
        "sfz",
        "sffz",
        "fz",
        "n",
        "pf",
        "sfzp",
    ]
)
WEDGES = frozenset({"crescendo", "diminuendo", "stop", "continue"})
RESERVED = frozenset({MARKER, CUE, TEXT, CONTROL, BEND, PRESSURE, LYRIC})
_HIDDEN = "ritornello"
_PEDALS = {"damper-pedal": SUSTAIN, "sostenuto-pedal": SOSTENUTO, "soft-pedal": SOFT}
_DRAWN = frozenset(
    [
        "segno",
        "coda",
        "symbol",
        "dashes",
        "bracket",
        "octave-shift",
        "metronome",
        "image",
        "principal-voice",
        "damp",
        "damp-all",
        "eyeglasses",
        "staff-divide",
    ]
)
_LONGEST_TEXT = 1000


class Direction(NamedTuple):
    """A mark or a marker, cue or text of the piece: ``kind`` says which."""

    kind: str
    name: str
    pitch: int = ALL_PITCHES


def read_direction(element: Element, repairs: Counter[str]) -> list[Direction]:
    """The marks and texts of a <direction>; what a piece has no word for is counted."""
    if element.findtext("level") == ESTIMATED:
        return []
    remarks: list[Direction] = []
    words: list[str] = []
    for child in element.iterfind("direction-type/*"):
        if child.tag == "words":
            words.append(child.text or "")
        elif child.tag == "rehearsal":
            remarks.append(Direction(MARKER, _line(child.text)))
        elif child.tag == "dynamics":
            for mark in child:
                name = mark.text if mark.tag == "other-dynamics" else mark.tag
                remarks.append(Direction("dynamic", _line(name)))
        elif child.tag == "wedge":
            if child.get("type") in WEDGES:
                remarks.append(Direction("wedge", child.get("type", "")))
        elif child.tag == "other-direction":
            hidden = _hidden_remark(child.text or "")
            if hidden is None:
                words.append(child.text or "")
            else:
                remarks.append(hidden)
        elif child.tag not in _DRAWN and child.tag != "pedal":
            repairs[f"direction left out ({child.tag[:40]})"] += 1
    if text := _line(" ".join(words)):
        remarks.append(Direction("words", text))
    return [remark for remark in remarks if remark.name]


def _line(text: str | None) -> str:
    return " ".join((text or "")[:_LONGEST_TEXT].split())


def _hidden_remark(text: str) -> Direction | None:
    found = re.fullmatch(rf"{_HIDDEN}:([a-z]+):(-1|\d{{1,3}}):(.*)", text[:_LONGEST_TEXT])
    if found is None or int(found[2]) > 127:
        return None
    return Direction(found[1], _line(found[3]), int(found[2]))


def value_of(remark: Direction, low: int, high: int) -> int:
    """The number that a remark without a sign holds, within limits."""
    found = re.fullmatch(r"-?\d{1,5}", remark.name)
    return min(high, max(low, int(found[0]))) if found else min(high, max(low, 0))


def control_of(remark: Direction) -> tuple[int, int]:
    """(controller, value) of a remark that holds a controller."""
    return max(0, remark.pitch), value_of(remark, 0, 127)


def read_pedals(direction: Element) -> list[tuple[int, int]]:
    """(controller, value) of the pedal signs of a <direction> that states no sound for them."""
    sound = direction.find("sound")
    if sound is not None and any(sound.get(name) is not None for name in _PEDALS):
        return []
    changes: list[tuple[int, int]] = []
    for pedal in direction.iterfind("direction-type/pedal"):
        match pedal.get("type"):
            case "start" | "resume":
                changes.append((SUSTAIN, 127))
            case "stop" | "discontinue":
                changes.append((SUSTAIN, 0))
            case "change":
                changes += [(SUSTAIN, 0), (SUSTAIN, 127)]
            case "sostenuto":
                changes.append((SOSTENUTO, 127))
    return changes


def read_sound_pedals(sound: Element) -> list[tuple[int, int]]:
    """(controller, value) of the pedals that a <sound> moves."""
    changes: list[tuple[int, int]] = []
    for name, controller in _PEDALS.items():
        if state := sound.get(name):
            percent = {"yes": 100.0, "no": 0.0}.get(state)
            percent = to_number(state, name) if percent is None else percent
            changes.append((controller, min(127, max(0, round(percent * 127 / 100)))))
    return changes


def direction(remark: Direction, offset_ticks: int = 0, *, is_estimated: bool = False) -> str:
    """A remark as a <direction> so many ticks behind where it is written."""
    name = escape(remark.name)
    placement = "above"
    match remark.kind:
        case _ if remark.pitch != ALL_PITCHES:
            sign = _hidden(remark)
        case "dynamic":
            placement = "below"
            known = remark.name in DYNAMICS
            inner = f"<{name}/>" if known else f"<other-dynamics>{name}</other-dynamics>"
            sign = f"<dynamics>{inner}</dynamics>"
        case "wedge" if remark.name in WEDGES:
            placement = "below"
            sign = f'<wedge type="{name}"/>'
        case "words":
            sign = f"<words>{name}</words>"
        case "marker":
            sign = f"<rehearsal>{name}</rehearsal>"
        case _:
            sign = _hidden(remark)
    level = f"<level>{ESTIMATED}</level>" if is_estimated else ""
    return (
        f'<direction placement="{placement}"><direction-type>{sign}</direction-type>'
        f"{offset(offset_ticks)}{level}</direction>"
    )


def _hidden(remark: Direction) -> str:
    text = escape(f"{_HIDDEN}:{remark.kind}:{remark.pitch}:{remark.name}")
    return f'<other-direction print-object="no">{text}</other-direction>'


class ControlWriter:
    """Writes controllers: pedals sound, and the damper's ways down and up are printed."""

    def __init__(self) -> None:
        self._is_down = False

    def line(self, controller: int, value: int) -> Callable[[int], str]:
        """What writes the next change so many ticks before it."""
        if controller not in _PEDALS.values():
            return partial(direction, Direction(CONTROL, str(value), controller))
        name = next(name for name, number in _PEDALS.items() if number == controller)
        state = {0: "no", 127: "yes"}.get(value, f"{value * 100 / 127:.2f}")
        is_down = value >= PEDAL_DOWN
        if controller != SUSTAIN or is_down == self._is_down:
            return lambda ticks: f'<sound {name}="{state}">{offset(ticks)}</sound>'
        self._is_down = is_down
        sign = f'<pedal type="{"start" if is_down else "stop"}" line="no" sign="yes"/>'
        return lambda ticks: (
            f'<direction placement="below"><direction-type>{sign}</direction-type>'
            f'{offset(ticks, sounds=True)}<sound {name}="{state}"/></direction>'
        )


def offset(ticks: int, *, sounds: bool = False) -> str:
    """An <offset>, or nothing where it would be 0."""
    attribute = ' sound="yes"' if sounds else ""
    return f"<offset{attribute}>{ticks}</offset>" if ticks else ""
