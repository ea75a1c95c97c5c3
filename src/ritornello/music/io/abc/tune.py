"""The lines of one ABC tune as a `Score`: fields and directives here, notes in the voices."""

from __future__ import annotations

import re

from ritornello.errors import InputError
from ritornello.music.instrument_names import NameMeaning, name_meaning, register_sound
from ritornello.music.io.abc.book import Line, Tune, plain_text
from ritornello.music.io.abc.fields import (
    is_free,
    key_field,
    length_field,
    metre_of,
    tempo_by_words,
    tempo_of,
    voice_field,
)
from ritornello.music.io.abc.score import Findings, Score, WrittenMark
from ritornello.music.io.abc.tokens import tokens
from ritornello.music.io.abc.voice import VoiceReader
from ritornello.music.io.abc.voice_settings import Common, Settings, whole
from ritornello.music.io.limits import MOST_TRACKS, clean_name

_DRUM_CHANNEL = 10
_COPYRIGHT = "abc-copyright"
# Commands of %%MIDI about how notes are accented or an accompaniment is made up: what is written
# needs none of them.
_MANNERS = re.compile(
    r"beat|nobeat|gchord|chord|bass|grace|ratio|trim|fermata|stress|ptstress|volinc|vol$"
)
_INFORMATION = frozenset("ABDFGHNORrSXZ")


def read_tune(tune: Tune, findings: Findings) -> Score:
    """The score of a tune; what is left out of it goes to ``findings``.

    Raises:
        InputError: if there is no note, or more than can be held.
    """
    return _TuneReader(tune, findings).score()


class _TuneReader:
    def __init__(self, tune: Tune, findings: Findings) -> None:
        self.findings = findings
        self.common = Common(findings)
        self.titles: list[str] = []
        self.composers: list[str] = []
        self.copyright = ""
        self.order = ""
        self.defaults = Settings()
        self.voices: dict[str, VoiceReader] = {}
        self.voice: VoiceReader | None = None  # None until one is named or a note is written
        self.opening_tempos: list[float] = []
        self.opening_words: list[str] = []
        self.opening_part = ""
        self.channel_programs: dict[int, int] = {}
        self.own: dict[str, str] = {}  # what our writer says in its line %%ritornello
        self.is_joined = False  # by "\": the next line of music goes on with this one
        self.common.has_words = any(line.letter == "w" for line in tune.lines)
        body = self._header(tune.lines)
        for line in tune.lines[body:]:
            self.common.line = line.number
            if line.letter:
                self._field(line.letter, line.text)
            else:
                self._music(line.text)
        for _ in range(tune.lost_music):
            self.common.count("line of music after the empty line that ends the tune")

    def score(self) -> Score:
        for channel, voice in enumerate(self.voices.values(), 1):
            voice.end_chord()
            voice.close_measure()
            voice.settings.program = self.channel_programs.get(channel, voice.settings.program)
        played = [voice for voice in self.voices.values() if voice.measures]
        self._name_programs(played)
        if not self.common.note_count:
            raise InputError("The tune has no notes.", next_step="Write notes after the K: line.")
        opening = played[0].measures[0]
        opening.tempos[:0] = [(0, bpm) for bpm in self.opening_tempos]
        opening.marks[:0] = [WrittenMark(0, "words", words) for words in self.opening_words]
        opening.part = opening.part or self.opening_part
        names = [name for name, voice in self.voices.items() if voice.measures]
        voices = [(voice.info, voice.measures) for voice in played]
        hands = [pair.split("+") for pair in self.own.get("hands", "").split(",")]
        second_staves = {
            names.index(pair[1]): names.index(pair[0])
            for pair in hands
            if len(pair) == 2 and pair[0] in names and pair[1] in names[names.index(pair[0]) + 1 :]
        }
        return Score(
            voices,
            second_staves,
            next((title for title in self.titles if title), ""),
            "; ".join(dict.fromkeys(filter(None, self.composers))),
            self.copyright,
            self.order,
            self.own,
        )

    def _name_programs(self, voices: list[VoiceReader]) -> None:
        """Instruments by the names of the parts, where no program is stated."""
        meanings = [
            name_meaning(voice.settings.name) if voice.settings.is_named else NameMeaning()
            for voice in voices
        ]
        for index, (voice, meaning) in enumerate(zip(voices, meanings, strict=True)):
            if voice.settings.program is not None or voice.settings.is_drum:
                continue
            sound = meaning.sound
            if sound is None and meaning.register:
                is_sung = any(measure.syllables for measure in voice.measures)
                beside = [*meanings[:index], *meanings[index + 1 :]]
                sound = register_sound(meaning.register, beside, is_sung=is_sung)
            if sound is not None and not sound.is_drum:
                voice.settings.program = sound.program
                self.findings.count(voice.measures[0].line, "part without a program: read by name")

    # --- the header ---

    def _header(self, lines: list[Line]) -> int:
        """Reads the fields up to K:; returns where the body begins."""
        common, settings = self.common, self.defaults
        body = next((at for at, line in enumerate(lines, 1) if line.letter == "K"), 0)
        if not body:  # the first line that is no field begins the music
            body = next((at for at, line in enumerate(lines) if not line.letter), len(lines))
            common.line = lines[-1].number
            common.count("tune without a K: field, read in C")
        has_unit = is_history = False
        later: list[Line] = []  # what needs all else: tempo, voices and what is said of them
        for line in lines[:body]:
            common.line = line.number
            letter, text = line.letter, line.text
            if letter == "M":
                settings.metre = self._metre(text)
            elif letter == "L":
                unit = self._unit(text)
                settings.unit, has_unit = unit or settings.unit, has_unit or unit is not None
            elif letter == "P" and not self.order:
                self.order = text
            elif letter == "P":
                self.opening_part = text.strip()[:1]
            elif letter == "K":
                self._key(text, settings)
            elif letter in "QV" or (letter == "%" and later):
                later.append(line)
            elif letter:
                self._field(letter, text)
            elif not is_history:
                common.fault("This line of the header is no field and was left out.")
            is_history = letter == "H" or (is_history and not letter)
        metre = settings.metre
        if not has_unit:  # abc 2.1, 3.1.7
            settings.unit = (1, 16) if metre and metre[0] * 4 < metre[1] * 3 else (1, 8)
        for line in sorted(later, key=lambda line: line.letter != "Q"):  # for no voice alone
            common.line = line.number
            self._field(line.letter, line.text)
        self.voice = None
        return body

    # --- fields ---

    def _field(self, letter: str, text: str) -> None:
        if letter == "V":
            identity, found = voice_field(text)
            self.voice = self._voice_of(identity)
            self.voice.set_key(found)
            if not (self.voice.measures or self.voice.now):
                self.voice.note_key()  # sounds as its clef says
        elif letter in "KMLQP":
            self._change(letter, text)
        elif letter == "w":
            self._current().sing(text)
        elif letter in "%I":
            self._directive(re.sub(r"^MIDI\s*=", "MIDI ", text))
        elif letter == "U":
            self._user_symbol(text)
        elif letter == "T":
            self._title(clean_name(plain_text(text)))
        elif letter == "C":
            self.composers.append(clean_name(plain_text(text)))
        elif letter == "Z" and text.startswith(_COPYRIGHT):
            self.copyright = clean_name(plain_text(text.removeprefix(_COPYRIGHT)))
        elif letter == "m":
            self.common.count("macro (m:) not applied")
        elif letter == "s":
            self.common.count("symbol line (s:) left out")
        elif letter == "W":
            self.common.count("line of words below the tune (W:) left out")
        elif letter not in _INFORMATION:
            self.common.fault(f"{letter}: is no field of a tune and was left out.")

    def _title(self, text: str) -> None:
        voice = self.voice
        if voice is None or not (voice.measures or voice.now):
            self.titles.append(text)
        else:
            voice.measure.markers.append((voice.now, text))

    def _change(self, letter: str, text: str) -> None:
        """K:, M:, L:, Q: or P:, for the voice that is written or, before there is one, for all."""
        if letter == "Q":
            self._tempo(text)
            return
        if letter == "P":
            self._part(text.strip())
            return
        if self.voice is None:
            self._change_settings(letter, text, self.defaults)
            for voice in self.voices.values():
                self._change_voice(letter, text, voice)
        else:
            self._change_voice(letter, text, self.voice)

    def _part(self, text: str) -> None:
        """The name of what begins here, and its letter in the order of parts if there is one."""
        voice = self._current()
        if self.order:
            voice.begin_part(text[:1])
        if name := clean_name(plain_text(text)):
            voice.measure.markers.append((voice.now, name))

    def _change_voice(self, letter: str, text: str, voice: VoiceReader) -> None:
        if letter == "M":
            voice.set_metre(self._metre(text))
        elif letter == "K":
            found = key_field(text)
            voice.set_key(found)
            voice.note_key()
        else:
            self._change_settings(letter, text, voice.settings)

    def _change_settings(self, letter: str, text: str, settings: Settings) -> None:
        if letter == "M":
            settings.metre = self._metre(text)
        elif letter == "L":
            settings.unit = self._unit(text) or settings.unit
        else:
            self._key(text, settings)

    def _key(self, text: str, settings: Settings) -> None:
        found = key_field(text)
        if text and not (found.states_key or found.clef_octaves is not None or found.properties):
            self.common.fault(f"{text[:40]!r} is no key.")
        settings.take(found)

    def _metre(self, text: str) -> tuple[int, int] | None:
        metre = metre_of(text)
        if metre is None and not is_free(text):
            self.common.fault(f"{text[:40]!r} is no metre.")
        return metre

    def _unit(self, text: str) -> tuple[int, int] | None:
        unit = length_field(text)
        if unit is None:
            self.common.fault(f"{text[:40]!r} is no unit length.")
        return unit

    def _tempo(self, text: str) -> None:
        voice = self.voice
        mark = tempo_of(text, voice.settings.unit if voice else self.defaults.unit)
        if mark is None:
            self.common.fault(f"{text[:40]!r} is no tempo.")
            return
        bpm = mark.quarter_bpm
        if bpm is None and (usual := tempo_by_words(mark.words)):
            bpm = float(usual)
            self.common.count("tempo of words alone, given its usual speed")
        words = clean_name(plain_text(mark.words))
        if voice is None:
            self.opening_tempos += [bpm] if bpm else []
            self.opening_words += [words] if words else []
        else:
            voice.measure.tempos += [(voice.now, bpm)] if bpm else []
            voice.add_words(words)

    def _user_symbol(self, text: str) -> None:
        match = re.match(r"\s*([~.H-Wh-w])\s*=\s*(.*)", text)
        if match is None:
            self.common.fault(f"{text[:40]!r} defines no symbol.")
            return
        meaning = match[2].strip().strip("!+")
        self.common.short_signs[match[1]] = "" if meaning in ("nil", "none") else meaning

    # --- voices ---

    def _voice_of(self, identity: str) -> VoiceReader:
        voice = self.voices.get(identity)
        if voice is None:
            if len(self.voices) >= MOST_TRACKS:
                raise InputError(f"More than {MOST_TRACKS} voices.", next_step="Split the tune.")
            voice = VoiceReader(self.defaults, self.common)
            if not identity.isdigit():
                voice.settings.name = clean_name(identity)
            voice.note_key()
            self.voices[identity] = voice
        return voice

    def _current(self) -> VoiceReader:
        """The voice that is written; the first one if none was named."""
        if self.voice is None:
            self.voice = next(iter(self.voices.values()), None) or self._voice_of("1")
        return self.voice

    # --- directives ---

    def _directive(self, text: str) -> None:
        words = text.split()
        if len(words) < 2:
            return
        if words[0] == "MIDI":
            self._midi(words[1].lower(), words[2:])
        elif words[0] == "ritornello":
            self.own = dict(word.split("=", 1) for word in words[1:] if "=" in word)
        elif words[0] == "propagate-accidentals":
            self.common.accidentals_hold = words[1]
        elif words[0] == "decoration":
            self.common.plus_is_decoration = words[1] == "+"

    def _midi(self, command: str, given: list[str]) -> None:
        """``%%MIDI``, as abc2midi reads it; no accompaniment is made up from chord symbols."""
        voice = self.voice
        targets = [voice.settings] if voice else [self.defaults]
        if voice is None:
            targets += [voice.settings for voice in self.voices.values()]
        numbers = [whole(word, 127) for word in given]
        if command == "program" and numbers:
            self._program(numbers, targets)
        elif command == "channel" and numbers:
            for settings in targets:
                settings.is_drum = numbers[0] == _DRUM_CHANNEL
        elif command == "transpose" and numbers:
            for settings in targets:
                settings.midi_transpose = numbers[0]
        elif command == "control" and len(numbers) > 1:
            measure, now = self._current().measure, self._current().now
            measure.controls.append((now, abs(numbers[0]), abs(numbers[1])))
        elif command == "drummap" and len(given) > 1:
            self.common.drum_keys[given[0]] = min(127, max(0, numbers[1]))
        elif not _MANNERS.match(command):
            self.common.count(f"%%MIDI {command[:20]} not followed")

    def _program(self, numbers: list[int], targets: list[Settings]) -> None:
        """``program 40``, or ``program 2 40`` for the voice of the second channel."""
        program = min(127, max(0, numbers[min(1, len(numbers) - 1)]))
        voice = self.voice
        if voice is None and len(numbers) > 1:
            self.channel_programs[numbers[0]] = program
        elif voice and (voice.measures or voice.now):
            voice.measure.programs.append((voice.now, program))
        else:
            for settings in targets:
                settings.program = program

    # --- music ---

    def _music(self, text: str) -> None:
        if not self.is_joined:
            self.common.music_line += 1
        self.is_joined = text.rstrip().endswith("\\")
        voice = self._current()
        for token in tokens(text):
            kind = token.lastgroup
            if kind == "field":
                self._field(token["field_letter"], token["field_text"].strip())
                voice = self._current()
            else:
                voice.handlers[kind](token)
