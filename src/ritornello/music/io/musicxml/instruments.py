"""Who plays the parts of a score: the programs and percussion keys of its part list.

What the part list states is believed. Where it states nothing, or program 1 for everybody as some
programs do, names decide; `ritornello.music.instrument_names` reads them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple
from xml.etree.ElementTree import Element

from ritornello.music.instrument_names import (
    VOICE_PROGRAM,
    NamedSound,
    NameMeaning,
    name_meaning,
    register_sound,
)
from ritornello.music.instruments import INSTRUMENTS, instrument_index
from ritornello.music.io.musicxml.choir_staves import is_singer
from ritornello.music.io.musicxml.numbers import number

_DRUM_CHANNEL = 10
_PIANO = 0
_ANY_PERCUSSION = NamedSound(0, is_drum=True)
_NO_KITS = (*range(9, 16), 47, 114)  # pitched percussion, of which none is the number of a kit
_MOST_INSTRUMENTS = 256  # of a part: more than there are percussion keys


Sound = tuple[int, bool, str | None]  # program, whether drums, singer


class ScoreInstrument(NamedTuple):
    """One instrument of a part.

    ``key`` is the General MIDI percussion key of its unpitched notes, None where neither a number
    nor a name tells; ``is_kit`` says that it is called a whole kit; ``singer`` is the name of who
    shares a staff with another, see `choir_staves`, None of others. ``melodic`` is the program of
    the pitched notes of one on the drum channel whose name is no drum's: timpani, or the tenth of
    many parts.
    """

    program: int
    is_drum: bool = False
    key: int | None = None
    is_kit: bool = False
    singer: str | None = None
    melodic: int | None = None

    @property
    def sound(self) -> Sound:
        """What tells its notes from those of others."""
        return self.program, self.is_drum, self.singer


@dataclass
class PartInfo:
    """What the part list says of a part: its name, and its instruments by their id."""

    name: str = ""
    instruments: dict[str, ScoreInstrument] = field(default_factory=dict)

    @property
    def default_id(self) -> str:
        """Whose the notes are that name no instrument."""
        return next(iter(self.instruments), "")

    @property
    def default(self) -> ScoreInstrument:
        """Who plays the notes that name no instrument."""
        return self.instruments.get(self.default_id, ScoreInstrument(_PIANO))

    @property
    def drum_program(self) -> int:
        """The program of the one track that all drums of the part are."""
        return self.default.program if self.default.is_drum else _PIANO

    @property
    def only_key(self) -> int | None:
        """The percussion key of a part with one drum, whose notes need not name it.

        In a kit the place on the staff says more.
        """
        is_one = len(self.instruments) == 1 and not self.default.is_kit
        return self.default.key if is_one else None


def read_part_list(
    score_parts: Sequence[Element | None],
    is_sung: Callable[[int], bool],
    repairs: Counter[str],
) -> list[PartInfo]:
    """Names and instruments of the parts of a score.

    Args:
        score_parts: the <score-part> of each part, None where it is missing.
        is_sung: whether the part of an index has words; asked only where that decides.
        repairs: counts the parts whose instrument was taken from a name, and says which.
    """
    elements = [Element("score-part") if part is None else part for part in score_parts]
    stated = {text.strip() for part in elements for text in _texts(part, "midi-program")}
    meanings = [_meaning(element) for element in elements]
    infos: list[PartInfo] = []
    for index, element in enumerate(elements):

        def guess(index: int = index) -> NamedSound | None:
            """The sound of the part by its names, its words and the parts beside it."""
            sound, register = meanings[index]
            if sound is None and (register or is_sung(index)):
                beside = meanings[:index] + meanings[index + 1 :]
                sound = NamedSound(VOICE_PROGRAM)
                if register:
                    sound = register_sound(register, beside, is_sung=is_sung(index))
            return sound

        name = " ".join(_printed_name(element).split())
        instruments = _instruments(element, guess, repairs, is_unset=stated == {"1"})
        infos.append(PartInfo(name, instruments))
    return infos


def _printed_name(part: Element) -> str:
    """The name of a part, or what is printed where its own is not to be."""
    name = part.find("part-name")
    if name is None:
        return ""
    text = name.text or ""
    if name.get("print-object") != "no":
        return text
    shown = part.find("part-name-display")
    return ("" if shown is None else "".join(_texts(shown, "display-text"))) or text


def _texts(element: Element, tag: str) -> Iterator[str]:
    return (found.text or "" for found in element.iter(tag))


def _meaning(part: Element) -> NameMeaning:
    """What the names of a part say together, its own first."""
    tags = ("part-name", "instrument-name", "instrument-sound", "part-abbreviation")
    texts = islice((text for tag in tags for text in _texts(part, tag)), _MOST_INSTRUMENTS)
    meanings = [name_meaning(text) for text in (*texts, _printed_name(part))]
    register = next((meaning.register for meaning in meanings if meaning.register), "")
    sounds = [meaning.sound for meaning in meanings if meaning.sound is not None]
    if register and sounds and sounds[0] == NamedSound(_PIANO):
        # "Soprano", played by the piano that programs put there when nobody chooses.
        sounds = []
    return NameMeaning(sounds[0] if sounds else None, register)


def _instruments(
    part: Element,
    guess: Callable[[], NamedSound | None],
    repairs: Counter[str],
    *,
    is_unset: bool,
) -> dict[str, ScoreInstrument]:
    """The instruments of a part by their id; ``is_unset``: program 1 says nothing."""
    named: dict[str, NameMeaning] = {}
    singers: dict[str, str | None] = {}
    for element in part.findall("score-instrument")[:_MOST_INSTRUMENTS]:
        texts = [*_texts(element, "instrument-sound"), *_texts(element, "instrument-name")]
        meanings = [name_meaning(text) for text in texts]
        sounds = [meaning for meaning in meanings if meaning.sound is not None]
        identity = element.get("id", "")
        named[identity] = sounds[0] if sounds else NameMeaning()
        singers[identity] = element.findtext("instrument-name", "") if is_singer(identity) else None
    stated: dict[str, Element | None] = {
        element.get("id", ""): element
        for element in part.findall("midi-instrument")[:_MOST_INSTRUMENTS]
    }
    is_alone = len(named.keys() | stated) <= 1
    result: dict[str, ScoreInstrument] = {}
    told = False
    for identity in dict.fromkeys([*named, *stated]) or [""]:
        midi = stated.get(identity)
        own = named.get(identity, NameMeaning()).sound
        channel = number(midi, "midi-channel", 0)
        is_drum = channel == _DRUM_CHANNEL
        program = int(number(midi, "midi-program", 0)) - 1
        is_stated = 0 <= program <= 127
        is_unset = is_unset and not is_singer(identity)  # we state what we write
        if is_stated and is_unset and own is not None:
            is_unset = instrument_index(own.program) != instrument_index(_PIANO)
        by_name = own
        if is_drum or is_unset or not is_stated:
            by_name = guess() if is_alone or own is None else own
            if own is not None and own.drum_key is not None and by_name == _ANY_PERCUSSION:
                by_name = own  # a crash cymbal says more than "Percussion"
        if is_unset or not is_stated:
            new = by_name.program if by_name is not None and not is_drum else _PIANO
            if new != program and not is_drum and not told:
                repairs[_told(by_name, is_stated=is_stated)] += 1
                told = True
            program = new
            if by_name is not None and by_name.is_kit and not channel:
                is_drum = True  # a kit, whose pitches are percussion keys as its MIDI had them
        key = int(number(midi, "midi-unpitched", 0)) - 1
        if not 0 <= key <= 127:
            key = -1 if by_name is None or by_name.drum_key is None else by_name.drum_key
        is_kit = by_name is not None and by_name.is_kit
        singer = singers.get(identity)
        melodic = None
        if is_drum and by_name in (None, _ANY_PERCUSSION) and program in _NO_KITS:
            melodic = program
        elif is_drum and by_name is not None and not by_name.is_drum:
            melodic = program if is_stated and not is_unset else by_name.program
        result[identity] = ScoreInstrument(
            program, is_drum, key if key >= 0 else None, is_kit, singer, melodic
        )
    return result


def _told(sound: NamedSound | None, *, is_stated: bool) -> str:
    what = "part with program 1 like all others" if is_stated else "part without a program"
    if sound is None:
        return f"{what} or a telling name: read as {INSTRUMENTS[instrument_index(_PIANO)].name}"
    instrument = INSTRUMENTS[instrument_index(sound.program, sound.is_drum)]
    return f"{what}: read as {instrument.name} by its name"


def read_changes(sound: Element, info: PartInfo) -> dict[str, ScoreInstrument]:
    """The instruments of a part that a <sound> inside it turns into others, by their id."""
    changes: dict[str, ScoreInstrument] = {}
    for element in sound.iterfind("instrument-change"):
        meaning = name_meaning(element.findtext("instrument-sound") or "").sound
        if meaning is not None and not meaning.is_drum:
            changes[_known_id(element, info)] = ScoreInstrument(meaning.program)
    for element in sound.iterfind("midi-instrument"):
        program = int(number(element, "midi-program", 0)) - 1
        identity = _known_id(element, info)
        old = info.instruments.get(identity, info.default)
        if 0 <= program <= 127 and not old.is_drum:
            changes[identity] = ScoreInstrument(program)
    return changes


def _known_id(element: Element, info: PartInfo) -> str:
    identity = element.get("id", "")
    return identity if identity in info.instruments else info.default_id
