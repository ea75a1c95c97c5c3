"""The measures of one MusicXML part as plain values: what sounds, and what changes, where.

Times are in divisions of the part (`PartReader.divisions`), counted from the measure's start.
Pitches are sounding ones. Repeats and ties are left for `ritornello.music.io.musicxml.read`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from ritornello.errors import InputError
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.spelling import STEP_SEMITONES, Signature, drum_key

_LARGEST_NUMBER = 10**8
_MAX_DIVISIONS = 10**7
FORTE_VELOCITY = 90  # what MusicXML calls 100% dynamics
# Where our writer notes the length of a piece that ends inside its last bar.
LENGTH_FIELD = "ritornello-length-ticks"
_DEFAULT_VELOCITY = 80
_MARKS = {"pppp": 10, "ppp": 20, "pp": 33, "p": 49, "mp": 64, "mf": 80, "f": 96, "ff": 112,
          "fff": 120, "ffff": 127}  # fmt: skip
_BEAT_UNITS = {"breve": 8.0, "whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5,
               "16th": 0.25, "32nd": 0.125}  # fmt: skip
# Names of parts in other tongues and in choirs, each with an instrument of ours.
_PART_NAMES = {
    "violoncell": "cello", "kontrabass": "double bass", "contrabass": "double bass",
    "violon": "violin", "violin": "violin", "geige": "violin", "bratsche": "viola",
    "flaut": "flute", "flöte": "flute", "piccolo": "flute", "hautbois": "oboe",
    "clarinett": "clarinet", "klarinette": "clarinet", "fagott": "bassoon", "basson": "bassoon",
    "corn": "horn", "cor ": "horn", "tromb": "trombone", "posaune": "trombone",
    "tromp": "trumpet", "pauke": "timpani", "soprano": "voice", "alto": "voice",
    "tenor": "voice", "baritone": "voice", "basso": "voice", "choir": "voice",
    "canto": "voice", "gesang": "voice", "vocal": "voice", "arpa": "harp", "klavier": "piano",
    "cembalo": "harpsichord", "orgel": "organ", "sax": "saxophone", "guitar": "guitar",
    "gitarre": "guitar",
}  # fmt: skip


@dataclass(slots=True)
class RawNote:
    """A note as written: ``attack`` and ``release`` are how far it sounds from there."""

    offset: int
    duration: int
    pitch: int
    velocity: int
    voice: str
    sound: tuple[int, bool]
    attack: int = 0
    release: int = 0
    tied_from: bool = False
    tied_to: bool = False


@dataclass(slots=True)
class Measure:
    """One measure.

    ``length`` is the furthest point reached, ``sounding`` the furthest by a note; ``endings``
    are the passes the measure is played in, empty for all.
    """

    notes: list[RawNote] = field(default_factory=list)
    length: int = 0
    sounding: int = 0
    tempos: list[tuple[int, float]] = field(default_factory=list)
    keys: list[tuple[int, Signature]] = field(default_factory=list)
    metre: tuple[int, int] | None = None
    repeats_from: bool = False
    repeat_times: int = 0
    endings: frozenset[int] = frozenset()


@dataclass
class PartInfo:
    """What the part list says: instrument id -> (program, is_drum) and -> percussion key."""

    name: str
    sounds: dict[str, tuple[int, bool]]
    drum_keys: dict[str, int]

    @property
    def default_sound(self) -> tuple[int, bool]:
        return next(iter(self.sounds.values()), (0, False))


def number(element: Element | None, tag: str, default: float) -> float:
    """The number in a child element; the default where it is absent.

    Raises:
        InputError: if the text is not a number of sensible size.
    """
    text = element.findtext(tag) if element is not None else None
    return default if text is None or not text.strip() else to_number(text, tag)


def to_number(text: str, tag: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= _LARGEST_NUMBER:
        raise InputError(f"<{tag}> holds {text.strip()[:40]!r}, which is not a usable number.")
    return value


def read_part_info(score_part: Element | None, repairs: Counter[str]) -> PartInfo:
    """Name and instruments of a part; the program is guessed from the name where none is given."""
    if score_part is None:
        return PartInfo("", {}, {})
    name = " ".join((score_part.findtext("part-name") or "").split())
    sounds: dict[str, tuple[int, bool]] = {}
    drum_keys: dict[str, int] = {}
    hints = [name]
    for instrument in score_part.findall("score-instrument"):
        hints += [instrument.findtext("instrument-name") or ""]
        hints += [(instrument.findtext("instrument-sound") or "").replace(".", " ")]
    guess = _guessed_program(hints)
    guessed = not score_part.findall("midi-instrument")
    for instrument in score_part.findall("midi-instrument"):
        identity = instrument.get("id", "")
        is_drum = number(instrument, "midi-channel", 0) == 10
        key = int(number(instrument, "midi-unpitched", 0)) - 1
        if 0 <= key <= 127:
            drum_keys[identity] = key
        guessed |= not is_drum and instrument.find("midi-program") is None
        program = int(number(instrument, "midi-program", guess + 1)) - 1
        sounds[identity] = (program if 0 <= program <= 127 else guess, is_drum)
    if not sounds:
        sounds[""] = (guess, False)
    repairs["part without a program: one was guessed from its name"] += guessed
    return PartInfo(name, sounds, drum_keys)


def _guessed_program(hints: list[str]) -> int:
    """A General MIDI program from part and instrument names; piano where they say nothing."""
    text = " ".join(hints).lower() + " "
    if match := next((ours for theirs, ours in _PART_NAMES.items() if theirs in text), None):
        return next(item.program for item in INSTRUMENTS if item.name == match)
    known = [item for item in INSTRUMENTS if not item.is_drum and item.name in text]
    return max(known, key=lambda item: len(item.name)).program if known else 0


class PartReader:
    """Reads the measures of one part in document order."""

    def __init__(self, measures: list[Element], info: PartInfo, repairs: Counter[str]) -> None:
        self.info = info
        self.repairs = repairs
        self.divisions = _common_divisions(measures)
        self._scale = self.divisions
        self._velocity = _DEFAULT_VELOCITY
        self._shifts: dict[str, int] = {}
        self._endings: frozenset[int] = frozenset()
        self.measures = [self._measure(element) for element in measures]

    def _ticks(self, element: Element, tag: str = "duration") -> int:
        return round(number(element, tag, 0) * self._scale)

    def _measure(self, element: Element) -> Measure:
        measure = Measure(endings=self._endings)
        now = chord_onset = 0
        for child in element:
            tag = child.tag
            if tag == "note":
                if child.find("grace") is not None or child.find("cue") is not None:
                    is_grace = child.find("grace") is not None
                    self.repairs[f"{'grace' if is_grace else 'cue'} note left out"] += 1
                    continue
                duration = max(0, self._ticks(child))
                if child.find("chord") is None:
                    chord_onset = now
                    now += duration
                if child.find("rest") is None:
                    self._note(child, chord_onset, duration, measure)
            elif tag == "backup":
                now = max(0, now - self._ticks(child))
            elif tag == "forward":
                now += self._ticks(child)
            elif tag == "attributes":
                self._attributes(child, now, measure)
            elif tag == "direction":
                self._direction(child, now, measure)
            elif tag == "sound":
                self._sound(child, now + self._ticks(child, "offset"), measure)
            elif tag == "barline":
                self._barline(child, measure)
            measure.length = max(measure.length, now)
        return measure

    def _note(self, element: Element, offset: int, duration: int, measure: Measure) -> None:
        identity = element.find("instrument")
        name = identity.get("id", "") if identity is not None else ""
        sound = self.info.sounds.get(name, self.info.default_sound)
        pitch = self._pitch(element, name, sound[1])
        is_unpitched = element.find("unpitched") is not None
        if pitch is None or duration == 0:
            self.repairs["note without pitch or length left out"] += 1
            return
        ties = element.findall("tie") or element.findall("notations/tied")
        kinds = {tie.get("type") for tie in ties}
        dynamics = element.get("dynamics")
        percent = to_number(dynamics, "note dynamics") if dynamics else None
        velocity = self._velocity if percent is None else round(percent * FORTE_VELOCITY / 100)
        measure.sounding = max(measure.sounding, offset + duration)
        measure.notes.append(
            RawNote(
                offset,
                duration,
                min(127, max(0, pitch)),
                min(127, max(1, velocity)),
                element.findtext("voice") or "",
                (sound[0], sound[1] or is_unpitched),
                round(to_number(element.get("attack") or "0", "note attack") * self._scale),
                round(to_number(element.get("release") or "0", "note release") * self._scale),
                "stop" in kinds,
                "start" in kinds,
            )
        )
        self.repairs["pitch outside 0-127 moved to the nearest"] += not 0 <= pitch <= 127

    def _pitch(self, element: Element, instrument: str, is_drum: bool) -> int | None:
        unpitched = element.find("unpitched")
        if unpitched is not None:
            key = self.info.drum_keys.get(instrument)
            if key is None:
                self.repairs["drum guessed from its place on the staff"] += 1
                step = (unpitched.findtext("display-step") or "").strip()
                octave = int(number(unpitched, "display-octave", 4))
                key = drum_key(step, octave, element.findtext("notehead") or "normal")
            return key
        written = element.find("pitch")
        step = (written.findtext("step") or "").strip().upper() if written is not None else ""
        if step not in STEP_SEMITONES:
            return None
        alter = number(written, "alter", 0)
        self.repairs["microtone rounded to a semitone"] += alter != round(alter)
        pitch = 12 * (int(number(written, "octave", 4)) + 1) + STEP_SEMITONES[step] + round(alter)
        shift = self._shifts.get(element.findtext("staff") or "1", self._shifts.get("", 0))
        return pitch if is_drum else pitch + shift

    def _attributes(self, element: Element, now: int, measure: Measure) -> None:
        divisions = number(element, "divisions", 0)
        if divisions > 0:
            self._scale = round(self.divisions / divisions)
        for transpose in element.findall("transpose"):
            octaves = int(number(transpose, "octave-change", 0))
            shift = round(number(transpose, "chromatic", 0)) + 12 * octaves
            self._shifts[transpose.get("number", "")] = shift
        key = element.find("key")
        if key is not None and key.find("fifths") is not None:
            shift = next(iter(self._shifts.values()), 0)
            fifths = round(number(key, "fifths", 0)) + 7 * shift
            mode = (key.findtext("mode") or "").strip().lower()
            measure.keys.append((now, Signature((fifths + 6) % 12 - 6, mode)))
        time = element.find("time")
        if time is not None and time.find("beats") is not None:
            measure.metre = _metre(time) or measure.metre
            self.repairs["time signature without a meaning left out"] += _metre(time) is None

    def _direction(self, element: Element, now: int, measure: Measure) -> None:
        offset = element.find("offset")
        at = now
        if offset is not None and offset.get("sound") == "yes":
            at += round(to_number(offset.text or "0", "offset") * self._scale)
        for mark in element.findall("direction-type/dynamics/*"):
            self._velocity = _MARKS.get(mark.tag, self._velocity)
        sound = element.find("sound")
        if sound is not None:
            self._sound(sound, at, measure)
        metronome = element.find("direction-type/metronome")
        if metronome is not None and (sound is None or sound.get("tempo") is None):
            self._tempo(_metronome_bpm(metronome), at, measure)

    def _sound(self, element: Element, at: int, measure: Measure) -> None:
        if dynamics := element.get("dynamics"):
            velocity = round(to_number(dynamics, "sound dynamics") * FORTE_VELOCITY / 100)
            self._velocity = min(127, max(1, velocity))
        if tempo := element.get("tempo"):
            self._tempo(to_number(tempo, "sound tempo"), at, measure)
        for jump in ("dacapo", "dalsegno", "tocoda"):
            self.repairs["jump (D.C., D.S., coda) not followed"] += element.get(jump) is not None

    def _tempo(self, bpm: float | None, at: int, measure: Measure) -> None:
        if bpm is not None and 1 <= bpm <= 10_000:
            measure.tempos.append((max(0, at), bpm))
        else:
            self.repairs["tempo without a meaning left out"] += 1

    def _barline(self, element: Element, measure: Measure) -> None:
        repeat = element.find("repeat")
        if repeat is not None and repeat.get("direction") == "forward":
            measure.repeats_from = True
        elif repeat is not None:
            measure.repeat_times = int(to_number(repeat.get("times") or "2", "repeat times"))
        ending = element.find("ending")
        if ending is not None:
            passes = frozenset(
                int(found) for found in re.findall(r"\d{1,2}", ending.get("number", ""))
            )
            is_start = ending.get("type") == "start"
            self._endings = passes if is_start else frozenset()
            measure.endings = passes or measure.endings


def _common_divisions(measures: list[Element]) -> int:
    """Ticks a quarter in which every division of the part is whole."""
    common = 1
    for measure in measures:
        for element in measure.iterfind("attributes/divisions"):
            value = to_number(element.text or "", "divisions")
            if value < 1 or value != round(value):
                raise InputError(f"<divisions> is a whole number from 1; found {element.text!r}.")
            common = math.lcm(common, round(value))
            if common > _MAX_DIVISIONS:
                raise InputError("The measures are divided in ways that share no common grid.")
    return common


def _metre(time: Element) -> tuple[int, int] | None:
    """(3, 8) of <beats>3</beats><beat-type>8</beat-type>; sums such as 3+2 are added up."""
    try:
        lower = [int(child.text or "") for child in time.findall("beat-type")]
        upper = [
            sum(int(beat) for beat in (child.text or "").split("+"))
            for child in time.findall("beats")
        ]
    except ValueError:
        return None
    if (
        not lower
        or len(lower) != len(upper)
        or any(d not in (1, 2, 4, 8, 16, 32, 64) for d in lower)
    ):
        return None
    beats = sum(n * max(lower) // d for n, d in zip(upper, lower, strict=True))
    return (beats, max(lower)) if 1 <= beats <= 255 else None


def _metronome_bpm(element: Element) -> float | None:
    """Quarters a minute of ♩ = 96; None for equations between note values."""
    unit = _BEAT_UNITS.get((element.findtext("beat-unit") or "").strip())
    found = re.search(r"\d+(\.\d+)?", element.findtext("per-minute") or "")
    if unit is None or found is None:
        return None
    return float(found[0]) * unit * (2 - 0.5 ** len(element.findall("beat-unit-dot")))
