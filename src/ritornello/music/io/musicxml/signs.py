"""Signs at notes: articulations, ornaments, fermatas, slurs ..., from and to marks of a piece.

A sign is (kind, name) as in `ritornello.music.piece.Mark`: the name is the element of MusicXML,
followed by its type and its text where it has them, as in "fingering 3" or "wavy-line start".
On the first note of a chord a sign is meant for the whole chord, but for fingerings and strings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

Sign = tuple[str, str]

_LISTS = {"articulations": "articulation", "ornaments": "ornament", "technical": "technical"}
_OTHERS = {
    "articulation": "other-articulation",
    "ornament": "other-ornament",
    "technical": "other-technical",
}
# Elements the schema knows that need no children: what else is written as "other".
_KNOWN = {
    "articulation": frozenset(
        [
            "accent",
            "strong-accent",
            "staccato",
            "tenuto",
            "detached-legato",
            "staccatissimo",
            "spiccato",
            "scoop",
            "plop",
            "doit",
            "falloff",
            "breath-mark",
            "caesura",
            "stress",
            "unstress",
            "soft-accent",
        ]
    ),
    "ornament": frozenset(
        [
            "trill-mark",
            "turn",
            "delayed-turn",
            "inverted-turn",
            "delayed-inverted-turn",
            "vertical-turn",
            "inverted-vertical-turn",
            "shake",
            "wavy-line",
            "mordent",
            "inverted-mordent",
            "schleifer",
            "tremolo",
            "haydn",
        ]
    ),
    "technical": frozenset(
        [
            "up-bow",
            "down-bow",
            "harmonic",
            "open-string",
            "thumb-position",
            "fingering",
            "pluck",
            "double-tongue",
            "triple-tongue",
            "stopped",
            "snap-pizzicato",
            "fret",
            "string",
            "hammer-on",
            "pull-off",
            "tap",
            "heel",
            "toe",
            "fingernails",
            "handbell",
            "brass-bend",
            "flip",
            "smear",
            "open",
            "half-muted",
            "golpe",
        ]
    ),
}
_TYPES = frozenset({"start", "stop", "continue"})
_NEED_TYPE = frozenset({"wavy-line", "hammer-on", "pull-off"})
_NEED_NUMBER = frozenset({"tremolo", "fret", "string"})
_OF_ONE_NOTE = frozenset({"fingering", "string", "fret", "pluck"})
_FERMATA_TYPES = ("upright", "inverted")
_FERMATA_SHAPES = frozenset(
    [
        "normal",
        "angled",
        "square",
        "double-angled",
        "double-square",
        "double-dot",
        "half-curve",
        "curlew",
    ]
)
# What is read elsewhere or only drawn.
_ELSEWHERE = frozenset({"tied", "tuplet", "dynamics", "accidental-mark", "footnote", "level"})
_LONGEST_NAME = 100
_MOST_SIGNS = 100  # of a note; each note of a chord has those of the first


def is_for_chord(sign: Sign) -> bool:
    """Whether a sign on the first note of a chord is meant for all its notes."""
    return sign[1].split(" ", 1)[0] not in _OF_ONE_NOTE


def read_signs(note: Element, repairs: Counter[str]) -> list[Sign]:
    """The signs of a <note>, in order; what a piece has no word for is counted."""
    signs: list[Sign] = []
    for notations in note.iterfind("notations"):
        for element in notations:
            tag = element.tag
            if tag in _LISTS:
                kind = _LISTS[tag]
                for sign in element:
                    if sign.tag not in _ELSEWHERE:
                        signs.append((kind, _name(sign, _OTHERS[kind])))
            elif tag == "fermata":
                signs.append((tag, fermata_name(element)))
            elif tag == "slur":
                if element.get("type") in ("start", "stop"):
                    signs.append((tag, element.get("type", "")))
            elif tag in ("arpeggiate", "non-arpeggiate"):
                way = element.get("direction") or element.get("type") or ""
                signs.append(("arpeggio", f"{tag} {way}".strip()))
            elif tag not in _ELSEWHERE:
                repairs[f"sign left out ({tag[:_LONGEST_NAME]})"] += 1
    repairs["sign left out, of too many at one note"] += max(0, len(signs) - _MOST_SIGNS)
    return signs[:_MOST_SIGNS]


def _name(element: Element, other: str) -> str:
    text = " ".join((element.text or "").split())
    if element.tag == other:
        return (text or other)[:_LONGEST_NAME]
    kind = element.get("type", "")
    words = (element.tag, kind if kind in _TYPES else "", text)
    return " ".join(word for word in words if word)[:_LONGEST_NAME]


def fermata_name(element: Element) -> str:
    """``upright`` or ``inverted``, or the shape of a fermata that has one."""
    shape = (element.text or "").strip()
    kind = element.get("type", "")
    return shape if shape in _FERMATA_SHAPES else kind if kind in _FERMATA_TYPES else "upright"


def fermata(name: str) -> str:
    """A <fermata> of a name as of `fermata_name`."""
    return f"<fermata>{name}</fermata>" if name in _FERMATA_SHAPES else f'<fermata type="{name}"/>'


def is_fermata(name: str) -> bool:
    """Whether a name of a fermata can be written as one."""
    return name in _FERMATA_SHAPES or name in _FERMATA_TYPES


def notations(signs: Iterable[Sign], slurs: SlurNumbers) -> str:
    """The children of <notations> for signs; `is_sign` says which can be written."""
    lists: dict[str, list[str]] = {kind: [] for kind in _OTHERS}
    result: list[str] = []
    for kind, name in signs:
        if kind in lists:
            lists[kind].append(_element(kind, name))
        elif kind == "fermata":
            result.append(fermata(name))
        elif kind == "slur":
            result.append(f'<slur type="{name}" number="{slurs.number(name)}"/>')
        elif kind == "arpeggio":
            tag, _, way = name.partition(" ")
            attribute = "direction" if tag == "arpeggiate" else "type"
            result.append(f'<{tag} {attribute}="{way}"/>' if way else f"<{tag}/>")
    for tag, kind in _LISTS.items():
        if lists[kind]:
            result.append(f"<{tag}>{''.join(lists[kind])}</{tag}>")
    return "".join(result)


def is_sign(kind: str, name: str) -> bool:
    """Whether `notations` can write a mark at a note, and `read_signs` read it."""
    text = " ".join(name.split())
    if not text or text != name or len(name) > _LONGEST_NAME or not name.isprintable():
        return False
    match kind:
        case "fermata":
            return is_fermata(name)
        case "slur":
            return name in ("start", "stop")
        case "arpeggio":
            tag, _, way = name.partition(" ")
            ways = ("up", "down", "") if tag == "arpeggiate" else ("top", "bottom")
            return tag in ("arpeggiate", "non-arpeggiate") and way in ways
    return kind in _OTHERS


def _element(kind: str, name: str) -> str:
    tag, _, rest = name.partition(" ")
    type_, _, text = rest.partition(" ")
    if type_ not in _TYPES:
        type_, text = "", rest
    is_known = tag in _KNOWN[kind] and (bool(type_) or tag not in _NEED_TYPE)
    if tag in _NEED_NUMBER:
        is_known &= text.isdecimal() and text.isascii() and len(text) == 1
    elif text and tag not in ("fingering", "pluck", "hammer-on", "pull-off", "handbell"):
        is_known = False
    if type_ and tag not in (*_NEED_TYPE, "tremolo"):
        is_known = False
    if not is_known:
        return f"<{_OTHERS[kind]}>{escape(name)}</{_OTHERS[kind]}>"
    attribute = f' type="{type_}"' if type_ else ""
    return f"<{tag}{attribute}>{escape(text)}</{tag}>" if text else f"<{tag}{attribute}/>"


class SlurNumbers:
    """Numbers for slurs that overlap, 1 to 16: a stop ends the one that began first."""

    def __init__(self) -> None:
        self._open: list[int] = []

    def number(self, edge: str) -> int:
        if edge == "stop":
            return self._open.pop(0) if self._open else 1
        free = next(number for number in range(1, 17) if number not in self._open[:15])
        self._open.append(free)
        return free
