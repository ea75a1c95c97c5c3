"""The measures of one MusicXML part as plain values: what sounds, and what changes, where.

Times are in divisions of the part (`PartReader.divisions`), counted from the measure's start.
Pitches are sounding ones. Repeats and ties are left for `ritornello.music.io.musicxml.read`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from fractions import Fraction
from xml.etree.ElementTree import Element

from ritornello.errors import InputError
from ritornello.music.dynamics import VELOCITIES
from ritornello.music.io.musicxml.directions import (
    CONTROL,
    Direction,
    control_of,
    read_direction,
    read_pedals,
    read_sound_pedals,
)
from ritornello.music.io.musicxml.harmony import read_harmony
from ritornello.music.io.musicxml.instruments import PartInfo, ScoreInstrument, read_changes
from ritornello.music.io.musicxml.leads import (
    leads_of_barline,
    leads_of_direction,
    leads_of_sound,
    leads_of_words,
)
from ritornello.music.io.musicxml.lyrics import read_lyrics
from ritornello.music.io.musicxml.numbers import number, to_number, value_quarters
from ritornello.music.io.musicxml.raw_measure import Measure, RawNote
from ritornello.music.io.musicxml.repeat_signs import RepeatSigns
from ritornello.music.io.musicxml.signs import Sign, fermata_name, is_for_chord, read_signs
from ritornello.music.spelling import STEP_SEMITONES, KeySignature, drum_key

_MAX_DIVISIONS = 10**7
FINE_RESOLUTION = 10_080  # whole for every value and tuplet in use
FORTE_VELOCITY = 90  # what MusicXML calls 100% dynamics
# Where our writer notes the length of a piece that ends inside its last bar.
LENGTH_FIELD = "ritornello-length-ticks"
SOFTWARE = "ritornello"  # which wrote a score, as our writer says it
_DEFAULT_VELOCITY = 80
_LONGEST_WORDS, _LONGEST_COUNT = 1000, 9


class PartReader:
    """Reads the measures of one part in document order."""

    def __init__(
        self,
        measures: list[Element],
        info: PartInfo,
        repairs: Counter[str],
        default_divisions: Fraction = Fraction(1),
    ) -> None:
        self.info = info
        self.repairs = repairs
        self.divisions, first = _common_divisions(measures, default_divisions, repairs)
        self._scale: Fraction | int = _scale(self.divisions, first)
        self._velocity = _DEFAULT_VELOCITY
        self._shifts: dict[str, int] = {}
        self._endings: frozenset[int] = frozenset()
        self._chord_signs: tuple[Sign, ...] = ()
        self._changed: dict[str, ScoreInstrument] = {}
        self._repeat_signs = RepeatSigns(self.divisions, repairs)
        self.measures: list[Measure] = []
        last = -1
        for element in measures:
            count = element.get("number", "")[:_LONGEST_COUNT]
            self.measures.append(self._measure(element))
            if count.isdecimal():
                self.measures[-1].begins_anew = int(count) < min(last, 2)  # not a second ending
                last = int(count)

    def _ticks(self, element: Element, tag: str = "duration") -> int:
        return round(number(element, tag, 0) * self._scale)

    def _printed_ticks(self, note: Element) -> int:
        """How long a note is by its printed value, of one whose duration is missing; 0 if none."""
        quarters = value_quarters(note, "type", "dot") or 0.0
        ratio = note.find("time-modification")
        quarters *= number(ratio, "normal-notes", 1) / max(1, number(ratio, "actual-notes", 1))
        self.repairs["note without a duration given that of its value"] += quarters > 0
        return round(quarters * self.divisions)

    def _measure(self, element: Element) -> Measure:
        measure = Measure(endings=self._endings)
        now = chord_onset = 0
        for child in element:
            tag = child.tag
            if tag == "note":
                if child.find("grace") is not None:
                    self.repairs["grace note left out"] += 1
                    continue
                duration = max(0, self._ticks(child))
                if duration == 0 and child.find("duration") is None:
                    duration = self._printed_ticks(child)
                if child.find("chord") is None:
                    chord_onset = now
                    now += duration
                if child.find("cue") is not None:  # takes its time, and sounds in another part
                    self.repairs["cue note left out"] += child.find("rest") is None
                elif child.find("rest") is None:
                    self._note(child, chord_onset, duration, measure)
                elif child.find("notations") is not None:
                    signs = read_signs(child, self.repairs)
                    measure.remarks += [(chord_onset, Direction(*sign)) for sign in signs]
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
                measure.leads |= leads_of_sound(child)
            elif tag == "harmony":
                if text := read_harmony(child, self.repairs):
                    at = max(0, now + self._ticks(child, "offset"))
                    for place, other in measure.chords[-1:]:
                        is_second = place == at and other != text
                        self.repairs["chord symbol at the place of another left out"] += is_second
                    measure.chords.append((at, text))
            elif tag == "barline":
                self._barline(child, measure)
                last = max((note.offset for note in measure.notes), default=0)
                measure.remarks += [
                    (last, Direction("fermata", fermata_name(sign)))
                    for sign in child.iterfind("fermata")
                ]
            measure.length = max(measure.length, now)
        self._repeat_signs.play_in(measure, self.measures)
        element.clear()  # what was read need not be kept beside what was written
        return measure

    def _note(self, element: Element, offset: int, duration: int, measure: Measure) -> None:
        identity = element.find("instrument")
        named = self._instrument(identity.get("id", "")) if identity is not None else None
        instrument = named or self._instrument(self.info.default_id) or self.info.default
        is_unpitched = element.find("unpitched") is not None
        program = instrument.program
        if instrument.melodic is not None and not is_unpitched:
            program = instrument.melodic
            self.repairs["note on the drum channel played by its pitched instrument"] += 1
        is_drum = is_unpitched or (instrument.is_drum and instrument.melodic is None)
        key = named.key if named is not None else self.info.only_key
        pitch = self._key(element, key) if is_unpitched else self._pitch(element, is_drum)
        if pitch is None or duration == 0:
            self.repairs["note without pitch or length left out"] += 1
            return
        for mark in element.iterfind("notations/dynamics/*"):
            self._velocity = VELOCITIES.get(mark.tag, self._velocity)
            name = mark.text if mark.tag == "other-dynamics" else mark.tag
            measure.remarks.append((offset, Direction("dynamic", " ".join((name or "").split()))))
        signs = tuple(read_signs(element, self.repairs))
        if element.find("chord") is None:
            self._chord_signs = tuple(filter(is_for_chord, signs))
        else:
            signs = self._chord_signs + signs
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
                (
                    self.info.drum_program if is_drum else program,
                    is_drum,
                    instrument.singer,
                ),
                round(to_number(element.get("attack") or "0", "note attack") * self._scale),
                round(to_number(element.get("release") or "0", "note release") * self._scale),
                "stop" in kinds,
                "start" in kinds,
                signs,
                tuple(read_lyrics(element)),
                element.findtext("staff") or "1",
            )
        )
        self.repairs["pitch outside 0-127 moved to the nearest"] += not 0 <= pitch <= 127

    def _key(self, element: Element, key: int | None) -> int:
        """The percussion key of an unpitched note: its instrument's, else by its place."""
        if key is not None:
            return key
        self.repairs["drum guessed from its place on the staff"] += 1
        unpitched = element.find("unpitched")
        step = unpitched.findtext("display-step") if unpitched is not None else None
        octave = int(number(unpitched, "display-octave", 4))
        return drum_key((step or "").strip(), octave, element.findtext("notehead") or "normal")

    def _pitch(self, element: Element, is_drum: bool) -> int | None:
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
            self._scale = _scale(self.divisions, _fraction(divisions))
        for style in element.iterfind("measure-style"):
            self._repeat_signs.read(style, now, measure, self.measures)
        for transpose in element.findall("transpose"):
            octaves = int(number(transpose, "octave-change", 0))
            shift = round(number(transpose, "chromatic", 0)) + 12 * octaves
            self._shifts[transpose.get("number", "")] = shift
        key = element.find("key")
        if key is not None and key.find("fifths") is not None:
            shift = next(iter(self._shifts.values()), 0)
            fifths = round(number(key, "fifths", 0)) + 7 * shift
            mode = (key.findtext("mode") or "").strip().lower()
            measure.keys.append((now, KeySignature((fifths + 6) % 12 - 6, mode)))
        time = element.find("time")
        if time is not None and time.find("beats") is not None:
            measure.metre = _metre(time) or measure.metre
            self.repairs["time signature without a meaning left out"] += _metre(time) is None

    def _instrument(self, identity: str) -> ScoreInstrument | None:
        """An instrument of the part, as what was last said of it makes it."""
        return self._changed.get(identity, self.info.instruments.get(identity))

    def _direction(self, element: Element, now: int, measure: Measure) -> None:
        place = at = now
        offset = element.find("offset")
        if offset is not None:
            place += round(to_number(offset.text or "0", "offset") * self._scale)
            at = place if offset.get("sound") == "yes" else now
        for mark in element.findall("direction-type/dynamics/*"):
            self._velocity = VELOCITIES.get(mark.tag, self._velocity)
        remarks = read_direction(element, self.repairs)
        for remark in remarks:
            if remark.kind == CONTROL:
                measure.controls.append((max(0, place), *control_of(remark)))
            elif remark.kind == "words" and leads_of_words(remark.name):
                measure.lead_words.append((max(0, place), remark))
            else:
                measure.remarks.append((max(0, place), remark))
        measure.controls += [(max(0, place), *change) for change in read_pedals(element)]
        sound = element.find("sound")
        if sound is not None:
            self._sound(sound, at, measure)
        words = [remark.name for remark in remarks if remark.kind == "words"]
        measure.leads |= leads_of_direction(element, words)
        metronome = element.find("direction-type/metronome")
        if metronome is not None and (sound is None or sound.get("tempo") is None):
            self._tempo(_metronome_bpm(metronome), at, measure)

    def _sound(self, element: Element, at: int, measure: Measure) -> None:
        at = max(0, at)
        if dynamics := element.get("dynamics"):
            velocity = round(to_number(dynamics, "sound dynamics") * FORTE_VELOCITY / 100)
            self._velocity = min(127, max(1, velocity))
        if tempo := element.get("tempo"):
            self._tempo(to_number(tempo, "sound tempo"), at, measure)
        measure.controls += [(at, *change) for change in read_sound_pedals(element)]
        self._changed |= read_changes(element, self.info)

    def _tempo(self, bpm: float | None, at: int, measure: Measure) -> None:
        if bpm is not None and 1 <= bpm <= 10_000:
            measure.tempos.append((at, bpm))
        else:
            self.repairs["tempo without a meaning left out"] += 1

    def _barline(self, element: Element, measure: Measure) -> None:
        repeat = element.find("repeat")
        if repeat is not None and repeat.get("direction") == "forward":
            measure.repeats_from = True
        elif repeat is not None:
            measure.repeat_times = int(to_number(repeat.get("times") or "2", "repeat times"))
        measure.leads |= leads_of_barline(element)
        ending = element.find("ending")
        if ending is not None:
            numbers = re.findall(r"\d{1,2}", ending.get("number", "")[:_LONGEST_WORDS])
            passes = frozenset(map(int, numbers))
            is_start = ending.get("type") == "start"
            self._endings = passes if is_start else frozenset()
            measure.endings = passes or measure.endings


def first_divisions(measures: list[Element]) -> Fraction | None:
    """What a part first says of its divisions, wherever that stands; None if it says nothing."""
    for measure in measures:
        for element in measure.iterfind("attributes/divisions"):
            return _divisions(element)
    return None


def written_divisions(measures: list[Element]) -> Fraction | None:
    """What the first note with a plain written value says of the divisions of a part."""
    for note in (note for measure in measures for note in measure.iterfind("note")):
        quarters = value_quarters(note, "type", "dot")
        length = number(note, "duration", 0)
        if quarters and length > 0 and note.find("time-modification") is None:
            return _fraction(length) / _fraction(quarters)
    return None


def _divisions(element: Element) -> Fraction:
    value = to_number(element.text or "", "divisions")
    if value <= 0:
        raise InputError(f"<divisions> is a number above 0; found {(element.text or '')[:40]!r}.")
    return _fraction(value)


def _fraction(value: float) -> Fraction:
    """A number of a file, which may have decimals, as the fraction that was meant."""
    return Fraction(value).limit_denominator(1000)


def _scale(common: int, divisions: Fraction) -> Fraction | int:
    scale = common / divisions
    return scale.numerator if scale.denominator == 1 else scale


def _common_divisions(
    measures: list[Element], default: Fraction, repairs: Counter[str]
) -> tuple[int, Fraction]:
    """Ticks a quarter in which every time of the part is whole, and its first divisions.

    Some programs state the divisions after the first notes: they hold from the beginning.
    """
    first = first_divisions(measures) or default
    common, decimals = first.numerator, 1
    for measure in measures:
        for element in measure.iterfind("attributes/divisions"):
            common = math.lcm(common, _divisions(element).numerator)
        for element in measure.iter("duration"):
            if "." in (element.text or ""):
                value = _fraction(to_number(element.text or "", "duration"))
                decimals = math.lcm(decimals, value.denominator)
        if common * decimals > _MAX_DIVISIONS:
            repairs["part divided in ways that share no grid: times rounded"] += 1
            return FINE_RESOLUTION, first
    return common * decimals, first


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
    unit = value_quarters(element, "beat-unit", "beat-unit-dot")
    found = re.search(r"\d+(\.\d+)?", element.findtext("per-minute") or "")
    if unit is None or found is None:
        return None
    return float(found[0]) * unit
