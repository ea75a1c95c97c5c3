"""What a part is called, to a General MIDI program or percussion key: the names scores print.

Names are read word by word, so that a bassoon is no bass and an alto saxophone no alto. They come
in English, German, French, Italian, Spanish, Portuguese, Dutch, Latin, Russian, Japanese and
Chinese, in full and abbreviated; the sound names of MusicXML ("wind.reed.oboe") are read alike.
A word that names a register and no instrument ("Alto", "Bass") is decided by the parts beside it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from ritornello.music.instrument_words import PERCUSSION, PROGRAMS, UNSPACED, WORDS

VOICE_PROGRAM = 52


class NamedSound(NamedTuple):
    """What a name means: a General MIDI program 0-127, or a drum.

    ``drum_key`` is the General MIDI percussion key of one drum; None of a pitched instrument, of
    a whole kit and of percussion of any kind.
    """

    program: int
    is_drum: bool = False
    drum_key: int | None = None
    is_kit: bool = False


# Words that come with many an instrument, and words for whole families: others say more.
_SIZES = frozenset({"contrabass", "piccolo"})
_FAMILIES = frozenset(
    [
        "strings",
        "brass",
        "drum",
        "kit",
        "percussion",
        "synth",
        "keyboard",
        "choir",
        "voice",
        "bells",
        "orchestra",
        "orchester",
        "lead",
        "pad",
        "square",
        "women",
        "men",
        "boys",
        "children",
    ]
)
_REGISTERS = ("soprano", "alto", "tenor", "baritone", "bass")
_LONGEST_NAME = 200
_KIT, _ANY_DRUM = 0, 1
_LETTERS = {"s": "soprano", "a": "alto", "t": "tenor", "b": "bass"}
_SAXOPHONES = dict(zip(_REGISTERS, (64, 65, 66, 67, 67), strict=True))
_SAXOPHONE, _BASS_GUITAR = 65, 33
_GUITARS = frozenset(range(24, 32))


@cache
def _forms() -> dict[str, str]:
    """Each form of a word, folded, -> the one word that stands for it."""
    forms: dict[str, str] = {}
    for line in re.split(r"\n(?! )", WORDS.strip()):
        word, others = line.split(":")
        forms |= dict.fromkeys([word, *others.split()], word)
    return forms


@cache
def _known() -> dict[str, str]:
    """The forms, and the words of phrases that have no other form."""
    return {word: word for phrase, _ in _phrases() for word in phrase} | _forms()


def _entries(table: str) -> Iterator[tuple[int, str]]:
    for line in re.split(r"[|\n]", table.strip()):
        number, names = line.split(maxsplit=1)
        for name in names.split(","):
            yield int(number), name.strip()


@cache
def _phrases() -> tuple[tuple[frozenset[str], NamedSound], ...]:
    """Words that must all be there, and what they mean."""
    sounds = [(NamedSound(program), name) for program, name in _entries(PROGRAMS)]
    sounds += [
        (NamedSound(0, True, key if key > _ANY_DRUM else None, key == _KIT), name)
        for key, name in _entries(PERCUSSION)
    ]
    forms = _forms()
    return tuple(
        (frozenset(forms.get(word, word) for word in name.split()), sound) for sound, name in sounds
    )


@cache
def _phrases_by_word() -> dict[str, list[tuple[frozenset[str], NamedSound]]]:
    by_word: dict[str, list[tuple[frozenset[str], NamedSound]]] = {}
    for words, sound in _phrases():
        by_word.setdefault(min(words), []).append((words, sound))
    return by_word


def _folded(text: str) -> str:
    """Lower case without accents; kana and hangul whole."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return "".join(
        unicodedata.normalize("NFD", char)[0] if char < "\u3000" else char for char in text
    )


def _words(text: str) -> list[str]:
    """The words of a folded text, each as the one that stands for it; compounds in two."""
    known = _known()
    # An "E" before a hyphen is electric; before a flat sign it is a key.
    text = re.sub(r"\be[-. ]+(?=bass|basse|guit|git|gtr|piano)", "electric ", text)
    result: list[str] = []
    for word in re.findall(r"[^\W\d_]+", text):
        stem = next((word[:end] for end in (len(word), -1, -2) if word[:end] in known), "")
        if stem and (stem == word or len(stem) > 3):
            result.append(known[stem])
            continue
        for cut in range(3, len(word) - 2):
            if word[:cut] in known and word[cut:] in known:
                result += [known[word[:cut]], known[word[cut:]]]
                break
        else:
            result.append(word)
    return result


class NameMeaning(NamedTuple):
    """What a name says: a sound, a register, both or neither."""

    sound: NamedSound | None = None
    register: str = ""


def name_meaning(name: str) -> NameMeaning:
    """The sound and the register that a name of a part or an instrument states.

    >>> name_meaning("Alto Saxophone in E♭").sound.program
    65
    >>> name_meaning("Englischhorn").sound.program
    69
    >>> name_meaning("Bass")
    NameMeaning(sound=None, register='bass')
    """
    folded = _folded(name[:_LONGEST_NAME])
    letters = re.sub(r"[^a-z]", "", folded)
    if letters in _LETTERS and name.lstrip()[:1].isupper():
        return NameMeaning(None, _LETTERS[letters])
    if re.fullmatch(r"(?=...)s*a*t*b*|sa|tb", letters):
        return NameMeaning(NamedSound(VOICE_PROGRAM))
    register = next((word for word in _words(folded) if word in _REGISTERS), "")
    # Of "Violin / Fiddle" and "Flute (also Piccolo)" the first is played.
    for part in [*re.split(r"[/(),;+&]", folded), folded]:
        sound = _sound_of_words(_words(part)) or _unspaced_sound(part)
        if sound is not None:
            return NameMeaning(_in_register(sound, register), register)
    # "D.B.", "B.c.": letters with dots are one word.
    return NameMeaning(_sound_of_words(_words(letters)) if len(letters) == 2 else None, register)


def _sound_of_words(words: list[str]) -> NamedSound | None:
    """The sound of the phrase whose words are there: the longest, least general, earliest one."""
    place = {word: index for index, word in reversed(list(enumerate(words)))}

    def rank(entry: tuple[frozenset[str], NamedSound]) -> tuple[int, bool, bool, int]:
        phrase = entry[0]
        first = min(place[word] for word in phrase)
        return -len(phrase), phrase <= _FAMILIES, phrase <= _SIZES, first

    found = [
        entry
        for word in place
        for entry in _phrases_by_word().get(word, ())
        if entry[0] <= place.keys()
    ]
    return min(found, key=rank)[1] if found else None


def _unspaced_sound(text: str) -> NamedSound | None:
    held = [(-len(name), program) for program, name in _entries(UNSPACED) if name in text]
    return NamedSound(min(held)[1]) if held else None


def _in_register(sound: NamedSound, register: str) -> NamedSound:
    if sound.program == _SAXOPHONE and register:
        return NamedSound(_SAXOPHONES[register])
    if sound.program in _GUITARS and not sound.is_drum and register == "bass":
        return NamedSound(_BASS_GUITAR)
    return sound


# What a register is beside instruments of a family, where nobody sings.
_BESIDE: tuple[tuple[frozenset[int], dict[str, int]], ...] = (
    (frozenset(range(64, 68)), _SAXOPHONES),
    (frozenset({74}), dict.fromkeys(_REGISTERS, 74)),
    (frozenset({40, 41, 42, 43, 48}), {"alto": 41, "bass": 43}),
    (frozenset(range(56, 61)), {"alto": 60, "tenor": 60, "baritone": 58, "bass": 58}),
    (frozenset(range(68, 74)), {"bass": 43}),
)


def register_sound(register: str, beside: Sequence[NameMeaning], *, is_sung: bool) -> NamedSound:
    """The program of a part that is named by its register alone, such as "Bass".

    Args:
        register: one of soprano, alto, tenor, baritone, bass.
        beside: what the names of the other parts of the score say.
        is_sung: whether the part has words.

    Two registers without an instrument are a choir, and so is any beside a voice, unless all
    others are of one family that comes in registers too, such as saxophones. A lone bass beside
    drums or guitars is one of theirs.
    """
    sounds = {
        meaning.sound.program for meaning in beside if meaning.sound and not meaning.sound.is_drum
    }
    bare = {meaning.register for meaning in beside if meaning.sound is None} - {""} | {register}
    is_choir = len(bare) > 1 and (not sounds or not bare.isdisjoint({"soprano", "tenor"}))
    is_band = any(meaning.sound and meaning.sound.is_drum for meaning in beside) or (
        not sounds.isdisjoint(_GUITARS)
    )
    singers = is_choir or (VOICE_PROGRAM in sounds and not is_band)
    if is_sung:
        return NamedSound(VOICE_PROGRAM)
    for family, programs in _BESIDE:
        is_consort = bool(sounds) and sounds <= family and len(programs) == len(_REGISTERS)
        if register in programs and (is_consort or (sounds & family and not singers)):
            return NamedSound(programs[register])
    return NamedSound(_BASS_GUITAR if register == "bass" and not singers else VOICE_PROGRAM)
