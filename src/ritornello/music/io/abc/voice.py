"""One voice of an ABC tune while it is read: tokens in, measures out.

A voice keeps its own time, key, metre and unit length. A bar line that closes nothing (two of
them, at the end of one line and the start of the next) only adds its repeat sign. Accidentals
hold to the bar line for their letter in every octave (abc 2.1, 11.3), and across it under a tie.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from ritornello.errors import ConfigError, InputError
from ritornello.music.chords import NO_CHORD_SIGNS, parse_chord
from ritornello.music.dynamics import VELOCITIES
from ritornello.music.io.abc.book import plain_text
from ritornello.music.io.abc.fields import KeyField
from ritornello.music.io.abc.lyrics import Lyricist
from ritornello.music.io.abc.score import (
    WHOLE,
    Measure,
    VoiceInfo,
    WrittenMark,
    WrittenNote,
)
from ritornello.music.io.abc.signs import (
    JUMP_SIGN,
    JUMP_WORDS,
    MARKS,
    PLACED,
)
from ritornello.music.io.abc.tokens import length_of, passes_of, semitones_of, tokens
from ritornello.music.io.abc.voice_settings import Common, Settings
from ritornello.music.io.limits import clean_name
from ritornello.music.keys import LETTERS

_MOST_MEASURES = 50_000
_MOST_NOTES = 1_000_000
_MIDDLE_C = 60
_JUMP = "jump (D.C., D.S., coda) not followed"
_OLD_CHORD = re.compile(r"[\^_=A-Ga-g,'\d/]+")
_ANNOTATION = "^_<>@"
# Notes that play a tuplet of so many; five, seven and nine take two, or three in compound metre.
_TUPLET_TIME = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}


class _Bar(NamedTuple):
    """What a bar line says; ``is_soft`` is a dotted or invisible one."""

    repeat_to: int
    repeat_from: int
    is_section_end: bool
    is_soft: bool
    passes: frozenset[int]


@lru_cache(maxsize=1024)
def _bar_of(sign: str, ending: str | None) -> _Bar:
    lines = sign.strip(":")
    before, after = len(sign) - len(sign.lstrip(":")), len(sign) - len(sign.rstrip(":"))
    if not lines:  # "::" ends one repeat and begins the next
        before = after = len(sign) // 2
    is_soft = lines in (".|", "[|]") and not before and not after
    is_double = len(lines) > 1 and not is_soft
    return _Bar(before, after, is_double, is_soft, passes_of(ending) if ending else frozenset())


@lru_cache(maxsize=1024)
def _place_of(letter: str, octave: str) -> tuple[str, int, str]:
    """(letter, octaves above middle C's, both as one name) of a written note."""
    upper = letter.upper()
    octaves = (upper != letter) + octave.count("'") - octave.count(",")
    return upper, octaves, f"{upper}{octaves}"


@lru_cache(maxsize=1024)
def chord_symbol(text: str) -> str:
    """The chord symbol in a quoted text, "" of words, however they begin."""
    text = clean_name(plain_text(text)).strip("()")
    if text.upper() in NO_CHORD_SIGNS:
        return text
    # Some write the bass small: "C/e".
    text = re.sub(r"/([a-g])([#b]?)$", lambda found: f"/{found[1].upper()}{found[2]}", text)
    try:
        parse_chord(text)
    except ConfigError:
        return ""
    return text


@dataclass(slots=True)
class _Tuplet:
    """Notes that are still to come, and the share of their length they get."""

    left: int
    time: int
    notes: int


class VoiceReader:
    """Reads the tokens of one voice, in order; `measures` is what they say.

    Raises:
        InputError: over a million notes or 50,000 measures.
    """

    def __init__(self, settings: Settings, common: Common) -> None:
        self.settings = replace(settings)
        self.common = common
        self.measures: list[Measure] = []
        self.measure = Measure(common.line, settings.metre)
        self.now = 0
        self._layer = 0
        self._altered: dict[str, int] = {}  # by accidentals in this bar
        # Letter and octave of notes -> their accidental: of this event and of the last one, all
        # and those that are tied to what follows.
        self._places: dict[str, int] = {}
        self._tied_places: dict[str, int] = {}
        self._last_places: dict[str, int] = {}
        self._held_places: dict[str, int] = {}
        self._tuplets: list[_Tuplet] = []
        self._share: tuple[int, int] | None = None  # of the next note, in a broken rhythm
        # The last event: its measure, where its notes begin there, and its onset.
        self._last: tuple[Measure, int, int] | None = None
        self._chord: list[WrittenNote] | None = None
        self._chord_length = (1, 1)
        self._marks: list[tuple[str, str]] = []  # of the next note
        self.lyricist = Lyricist()
        # What reads the next token of this voice, by its kind.
        self.handlers: dict[str | None, Callable[[re.Match[str]], None]] = {
            "note": self._note,
            "bar": self._bar,
            "rest": self._rest,
            "quoted": self._quoted,
            "variant": self._variant,
            "open": self._open_chord,
            "close": self._close_chord,
            "broken": self._broken,
            "tuplet": self._tuplet,
            "overlay": self._overlay,
            "slur": self._slur,
            "held": self._tie,
            "grace": self._grace,
            "decoration": self._decoration,
            "short": self._short_sign,
            "space": self._nothing,
            "stray": self._stray,
        }

    @property
    def info(self) -> VoiceInfo:
        return VoiceInfo(self.settings.name, self.settings.program or 0, self.settings.is_drum)

    def end_chord(self) -> None:
        """A bar or the tune ends: no chord goes on behind it, as it may behind a line."""
        if self._chord is not None:
            self.common.fault("A chord is not closed.")
            self._end_chord((1, 1))

    # --- changes between notes ---

    def set_key(self, found: KeyField) -> None:
        self.settings.take(found)
        if found.states_key:
            self._altered.clear()

    def note_key(self) -> None:
        """Write the key in force into the measure, where it changes or begins."""
        keys = self.measure.keys
        if keys and keys[-1][0] == self.now:
            keys.pop()
        keys.append((self.now, self.settings.sounding_key))

    def set_metre(self, metre: tuple[int, int] | None) -> None:
        """A new metre: from here on where a bar begins or is full, else from the next bar on."""
        measure = self.measure
        length = max(self.now, measure.length)
        if measure.nominal and length >= measure.nominal:
            self.close_measure()
        self.settings.metre = metre
        if not max(self.now, self.measure.length):
            self.measure.metre = metre

    def begin_part(self, letter: str) -> None:
        self.close_measure()
        self.measure.part = letter

    def close_measure(self) -> None:
        """Ends the measure, unless nothing is in it."""
        measure = self.measure
        length = max(self.now, measure.length)
        self._altered.clear()
        self._layer = 0
        self.now = 0
        if not length:
            return
        measure.length = length
        if len(self.measures) >= _MOST_MEASURES:
            raise InputError(f"More than {_MOST_MEASURES:,} measures.", next_step="Split the tune.")
        self.measures.append(measure)
        self.measure = Measure(self.common.line, self.settings.metre)

    def sing(self, text: str) -> None:
        """A line of words under the notes before it."""
        for _ in range(self.lyricist.sing(text)):
            self.common.count("syllable without a note left out")

    def add_words(self, words: str) -> None:
        if words:
            self.measure.marks.append(WrittenMark(self.now, "words", words))

    # --- notes and rests ---

    def _note(self, token: re.Match[str]) -> None:
        is_tied = token["tie"] is not None
        pitch = self._pitch(token["accidental"], token["letter"], token["octave"], is_tied)
        note = WrittenNote(self.now, 0, pitch, self._layer, is_tied)
        if self._chord is None:
            self._event([note], length_of(token["length"]))
        else:
            if not self._chord:
                self._chord_length = length_of(token["length"])
            self._chord.append(note)

    def _pitch(self, accidental: str | None, letter: str, octave: str, is_tied: bool) -> int:
        common, settings = self.common, self.settings
        upper, octaves, place = _place_of(letter, octave)
        if settings.is_drum and common.drum_keys:
            key = common.drum_keys.get(f"{accidental or ''}{letter}{octave}")
            if key is not None:
                return key
        scope = place if common.accidentals_hold == "octave" else upper
        if accidental:
            shift = semitones_of(accidental)
            alter = round(shift)
            if shift != alter:
                common.count("microtone rounded to a semitone")
            if common.accidentals_hold != "not":
                self._altered[scope] = alter
        elif place in self._held_places:
            alter = self._held_places[place]
        elif scope in self._altered:
            alter = self._altered[scope]
        else:
            alter = settings.key.altered[upper]
        self._places[place] = alter
        if is_tied:
            self._tied_places[place] = alter
        pitch = _MIDDLE_C + LETTERS[upper] + alter + 12 * octaves + settings.semitones
        if not 0 <= pitch <= 127:
            common.count("pitch outside 0-127 moved to the nearest")
            pitch = min(127, max(0, pitch))
        return pitch

    def _event(self, notes: list[WrittenNote], length: tuple[int, int]) -> None:
        """A note, a chord or (without notes) a rest: its place, its length, what hangs on it."""
        duration = self._duration(length)
        measure = self.measure
        self._last = measure, len(measure.notes), self.now
        self._last_places, self._places = self._places, {}
        self._held_places, self._tied_places = self._tied_places, {}
        if notes and duration:
            self.common.note_count += len(notes)
            if self.common.note_count > _MOST_NOTES:
                raise InputError(f"More than {_MOST_NOTES:,} notes.", next_step="Split the tune.")
            for note in notes:
                note.duration = duration
            measure.notes += notes
            if self._layer == 0 and self.common.has_words:
                self.lyricist.add(notes, measure, self.common.music_line)
        elif notes:
            self.common.count("note without length left out")
        if self._marks:
            standing = tuple(notes) if duration else ()
            measure.marks += [WrittenMark(self.now, *mark, standing) for mark in self._marks]
            self._marks.clear()
        self.now += duration

    def _duration(self, length: tuple[int, int]) -> int:
        """The next note's, with the tuplets and the broken rhythm it stands in."""
        over = WHOLE * self.settings.unit[0] * length[0]
        under = self.settings.unit[1] * length[1]
        if self._share is not None:
            over, under = over * self._share[0], under * self._share[1]
            self._share = None
        if self._tuplets:
            for tuplet in self._tuplets:
                over, under = over * tuplet.time, under * tuplet.notes
                tuplet.left -= 1
            self._tuplets = [tuplet for tuplet in self._tuplets if tuplet.left > 0]
        if not under:
            return 0
        duration, rest = divmod(over, under)
        if rest:
            self.common.count("length rounded to the grid")
        return duration

    def _rest(self, token: re.Match[str]) -> None:
        length = length_of(token["rest_length"])
        if token["rest_kind"] in "zx":
            self._event([], length)
            return
        if self.now or self.measure.length:
            self.common.count("rest of whole bars inside a bar, read as a plain one")
            self._event([], length)
            return
        # Z and X count bars: all but the last are closed here, the last by its bar line.
        for _ in range(length[0]):
            self.close_measure()
            self.now = self.measure.nominal or WHOLE
        self._last = None

    # --- chords and ties ---

    def _open_chord(self, token: re.Match[str]) -> None:
        if self._chord is not None:
            self._stray(token)
        else:
            self._chord, self._chord_length = [], (1, 1)

    def _close_chord(self, token: re.Match[str]) -> None:
        if self._chord is None:
            self._stray(token)
            return
        if token["close_tie"]:
            self._tied_places = dict(self._places)
            for note in self._chord:
                note.is_tied = True
        self._end_chord(length_of(token["close_length"]))

    def _end_chord(self, length: tuple[int, int]) -> None:
        """The notes begin together and last as long as the first one says (abc 2.1, 4.17)."""
        notes, self._chord = self._chord, None
        if notes:
            over, under = self._chord_length
            self._event(notes, (length[0] * over, length[1] * under))

    def _tie(self, token: re.Match[str]) -> None:
        """A tie that stands apart from its note."""
        if self._last is None or self._chord is not None:
            return
        measure, first, _ = self._last
        self._held_places = self._last_places
        for note in measure.notes[first:]:
            note.is_tied = True

    # --- rhythm ---

    def _broken(self, token: re.Match[str]) -> None:
        """``A>B``: the first half as long again, the second half as long; ``>>``: 7/4 and 1/4."""
        if self._last is None or self._last[0] is not self.measure or self._chord is not None:
            self.common.fault(f"{token[0]!r} follows no note of this bar and was left out.")
            return
        halves = 2 ** len(token[0])
        shares = (2 * halves - 1, halves), (1, halves)
        (over, under), self._share = shares if token[0][0] == ">" else shares[::-1]
        measure, first, onset = self._last
        duration = (self.now - onset) * over // under
        for note in measure.notes[first:]:
            note.duration = duration
        self.now = onset + duration

    def _tuplet(self, token: re.Match[str]) -> None:
        """``(p:q:r``: p notes in the time of q, for the next r."""
        notes = int(token["tuplet_notes"])
        metre = self.settings.metre
        is_compound = metre is not None and metre[1] == 8 and metre[0] in (6, 9, 12)
        time = int(token["tuplet_time"] or 0) or _TUPLET_TIME.get(notes, 3 if is_compound else 2)
        count = int(token["tuplet_count"] or 0) or notes
        if notes:
            # Tuplets in tuplets are rare, and deeper ones a slip.
            self._tuplets = [*self._tuplets[-2:], _Tuplet(count, time, notes)]

    def _overlay(self, token: re.Match[str]) -> None:
        """``&``: what follows sounds from the start of the bar, together with what was there."""
        if len(token[0]) > 1:
            self.common.count("overlay of several bars, (& &), read bar by bar")
        if token[0] in ("&", "&)"):
            self.measure.length = max(self.measure.length, self.now)
            self.now = 0
            self._layer += 1
            self._last = None

    # --- bar lines ---

    def _bar(self, token: re.Match[str]) -> None:
        self.end_chord()
        bar = _bar_of(token["bar_sign"], token["ending"])
        measure = self.measure
        is_full = 0 < measure.nominal <= max(self.now, measure.length)
        if bar.is_soft and not is_full:
            return  # it shows how a bar is made up, and ends none
        self._hang_marks()
        self.close_measure()
        if self.measures:
            before = self.measures[-1]
            before.repeat_to = max(before.repeat_to, bar.repeat_to)
            before.is_section_end |= bar.is_section_end
        following = self.measure
        following.repeat_from = max(following.repeat_from, bar.repeat_from)
        following.passes = bar.passes or following.passes

    def _hang_marks(self) -> None:
        """A sign over a bar line, such as a fermata, belongs to the note before it."""
        if self._marks:
            self._mark_last(self._marks)
            self._marks.clear()

    def _mark_last(self, marks: list[tuple[str, str]]) -> None:
        """Marks at the event that was read last."""
        if self._last is not None:
            measure, first, onset = self._last
            notes = tuple(note for note in measure.notes[first:] if note.offset == onset)
            measure.marks += [WrittenMark(onset, *mark, notes) for mark in marks]

    def _variant(self, token: re.Match[str]) -> None:
        """``[1`` apart from a bar line."""
        self.close_measure()
        self.measure.passes = passes_of(token["variant_ending"])

    # --- signs ---

    def _nothing(self, token: re.Match[str]) -> None:
        """Spaces and line ends for the typesetter: nothing that sounds."""

    def _slur(self, token: re.Match[str]) -> None:
        if token[0][-1] == "(":
            self._marks.append(("slur", "start"))
        else:
            self._mark_last([("slur", "stop")])

    def _stray(self, token: re.Match[str]) -> None:
        self.common.fault(f"{token[0]!r} has no meaning here and was left out.")

    def _grace(self, token: re.Match[str]) -> None:
        for _ in range(len(re.findall("[A-Ga-g]", token[0]))):
            self.common.count("grace note left out")

    def _quoted(self, token: re.Match[str]) -> None:
        text = token[0][1:-1].strip()
        symbol = chord_symbol(text) if text and text[0] not in _ANNOTATION else ""
        if symbol:
            self.measure.chords.append((self.now, symbol))
        else:
            self._words(text)

    def _words(self, text: str) -> None:
        words = clean_name(plain_text(text[1:] if text[:1] in _ANNOTATION else text))
        if JUMP_WORDS.search(words):
            self.common.count(_JUMP)
        self.add_words(words)

    def _decoration(self, token: re.Match[str]) -> None:
        name = token[0][1:-1]
        is_chord = token[0][0] == "+" and not self.common.plus_is_decoration
        if is_chord and _OLD_CHORD.fullmatch(name):  # of abc 1.6: +CEG+
            self._chord, self._chord_length = [], (1, 1)
            for note in tokens(name):
                self.handlers[note.lastgroup](note)
            self._end_chord((1, 1))
        else:
            self._mark(name)

    def _short_sign(self, token: re.Match[str]) -> None:
        name = self.common.short_signs.get(token[0])
        if name is None:
            self._stray(token)
        elif name.startswith('"'):
            self._words(name.strip('"'))
        elif name:
            self._mark(name)

    def _mark(self, name: str) -> None:
        mark = MARKS.get(name)
        if mark is None:
            left_out = _JUMP if JUMP_SIGN.fullmatch(name) else f"decoration !{name}! left out"
            self.common.count(left_out)
        elif mark[0] in PLACED:
            self.measure.marks.append(WrittenMark(self.now, *mark))
            if name in VELOCITIES:
                self.measure.velocities.append((self.now, VELOCITIES[name]))
        else:
            self._marks.append(mark)
