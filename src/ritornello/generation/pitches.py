"""Which pitches a part may play at a tick: range and key always, chords on the beat, the ending.

Chords that were drafted with a form, and not asked for, bind the accompaniment at bar lines alone,
the bass to their root: tunes move by steps, and steps need notes between those of a chord.

Where a plan states the beat of a bar, its kick, snare and cymbal are left alone.

The ending, where it is asked for: in the last bar nothing is composed after the first beat. There
each composed note is of the tonic's triad, the lowest note of the lowest part the tonic itself, at
least one pitched part strikes, and what is struck lasts half a bar at least, as long as what was
struck there first; all that was struck before ends there. Who has struck chords strikes one there:
three notes at least, if they ever struck so many, and no more than ever; so do accompanists whose
instruments break chords. The tonic is that of the key asked for, or wished for, and otherwise of
the key in which the piece is written so far. Given notes go their own way.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np

from ritornello.errors import ConfigError
from ritornello.generation.job import ENDLESS, Job, chord_symbols, is_drums, melody_part
from ritornello.generation.voicings import leaving_room
from ritornello.music.chords import CHORD_CLASSES, Chord, chord_of_class, parse_chord
from ritornello.music.instruments import BASSES, INSTRUMENTS, parse_instrument
from ritornello.music.keys import KeyName, estimate_key
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.notes import DRUM_PITCH, DURATIONS, PITCH, RESOLUTION, SIZES
from ritornello.plan.drum_grooves import BEAT_KEYS

# Whoever plays one line below the others where there is no bass; of the lowest kind first.
_LOW_LINES = frozenset(["tuba", "cello", "bassoon", "trombone"])
_LAST_CHORD = 3  # notes, of who has struck so many at once
_BREAKING = {*map(parse_instrument, ("piano", "guitar", "electric guitar"))}
_ROOTLESS = {parse_instrument("timpani")}  # which have the notes that they are tuned to


class Pitches:
    """The allowed pitches of the parts of one piece.

    Attributes:
        closing_ticks: where the last chord is struck; None where no ending is asked for.
        struck: how many notes the part that struck last has struck at that tick.

    Raises:
        ConfigError: if a part has no note of a stated chord in its range.
    """

    def __init__(self, job: Job) -> None:
        rules = job.rules
        self._job = job
        self._grid = job.grid()
        self._usual = {part: _usual(job, part) for part in job.composed_parts}
        beat = np.isin(np.arange(SIZES[PITCH]) - DRUM_PITCH, [*BEAT_KEYS, *job.beat_keys])
        self._off_beat = {part: legal & ~beat for part, legal in self._usual.items()}
        self._is_drums = {part: is_drums(part) for part in self._usual}
        self._beats_from = [start for start, _ in job.beats]
        self._tops: dict[int, int] = {}  # highest classes of masks that are kept here, by identity
        self._registers: dict[tuple[int, tuple[int, int]], np.ndarray] = {}  # of masks, as tops
        self._tune_part = None if job.tune is None else job.tune.part
        self._chords: dict[tuple[int, int], np.ndarray] = {}
        self._drafted: dict[tuple[int, int], np.ndarray] = {}
        self._pitched = [p for p in job.composed_parts if not is_drums(p)]
        own = melody_part(job.composed_parts) if len(self._pitched) > 1 else None
        self._melody = job.joining_tune if job.given_players else own
        self._chords_hold = job.chords_hold or rules.chart is not None
        # Chords that nobody asked for, as those of a song, give way to range, key and scale.
        self._chords_give_way = bool(job.drafts)
        if self._chords_hold:
            for part in self._pitched:
                for index in sorted(set(job.given.chord_classes.tolist())):
                    self._of_chord(part, index)
        self._drafts = job.drafts
        self._basses = _stated_basses(job)
        self._bass_parts = _bass_parts(self._pitched)
        self.closing_ticks: int | None = None
        last_bar = int(self._grid.bar_starts[-1])
        if job.ending and self._pitched and last_bar >= job.start_ticks:
            self.closing_ticks = last_bar
        self._heard = np.zeros(12)  # ticks that each pitch class has sounded
        self._closed: frozenset[int] = frozenset()  # pitched parts that have struck the last chord
        self._final: dict[tuple[int, bool], np.ndarray] | None = None
        self._held_ticks = 0  # of what was struck there first
        self._least_ticks = max(RESOLUTION, self.bar(last_bar)[1] // 2)
        self._last_stroke, self.struck = (-1, -1), 0  # its tick and part
        self._largest: dict[int, int] = {}  # notes that each part has struck together before it

    def copy(self) -> Pitches:
        twin = object.__new__(Pitches)
        twin.__dict__.update(self.__dict__)
        twin._heard = self._heard.copy()
        twin._largest = dict(self._largest)
        return twin

    def allowed(self, part: int, onset_ticks: int) -> np.ndarray:
        """bool [pitches], at least one; not to be written to."""
        legal = self._of_harmony(part, onset_ticks)
        return self._in_register(legal, onset_ticks) if part == self._tune_part else legal

    def _in_register(self, legal: np.ndarray, onset_ticks: int) -> np.ndarray:
        """The pitches of a tune that lie where its section has it; all if none does."""
        register = None if self._job.tune is None else self._job.tune.register(onset_ticks)
        if register is None or self.closing(onset_ticks):
            return legal
        if (id(legal), register) not in self._registers:
            found = np.zeros_like(legal)
            found[register[0] : register[1] + 1] = legal[register[0] : register[1] + 1]
            self._registers[id(legal), register] = found if found.any() else legal
        return self._registers[id(legal), register]

    def _of_harmony(self, part: int, onset_ticks: int) -> np.ndarray:
        """The allowed pitches by range, key, chords and ending."""
        if self.closing_ticks is not None and onset_ticks >= self.closing_ticks:
            return self._closing_pitches(part, onset_ticks)
        if self._is_drums[part]:
            is_given = self._beats_from and self._beat_given(onset_ticks)
            return self._off_beat[part] if is_given else self._usual[part]
        # A tune over a song is free of chords that nobody asked for.
        if self._chords_hold and not (part == self._melody and self._drafts):
            place, _, _ = self._grid.locate_one(onset_ticks)
            index = self._job.given.chords.one(onset_ticks)[0]
            if place[1] == 0 and index < CHORD_CLASSES:
                bass = self._bass_at(onset_ticks) if part in self._bass_parts else None
                if bass is not None:
                    return self._of_bass(part, bass)
                begins = self._drafts.get(onset_ticks) == index and part in self._bass_parts
                return (self._of_draft if begins else self._of_chord)(part, index)
        if part != self._melody and (draft := self._drafts.get(onset_ticks)) is not None:
            return self._of_draft(part, draft)
        return self._usual[part]

    def bar(self, onset_ticks: int) -> tuple[int, int]:
        """Where the bar of a tick begins, and its length."""
        place, _, length = self._grid.locate_one(onset_ticks)
        return onset_ticks - place[0], length

    def _beat_given(self, onset_ticks: int) -> bool:
        begun = bisect_right(self._beats_from, onset_ticks)
        return begun > 0 and onset_ticks < self._job.beats[begun - 1][1]

    def highest(self, part: int, onset_ticks: int) -> int:
        """The highest class a part may play."""
        legal = self.allowed(part, onset_ticks)
        if self.closing(onset_ticks):
            return int(np.flatnonzero(legal)[-1])
        if id(legal) not in self._tops:
            self._tops[id(legal)] = int(np.flatnonzero(legal)[-1])
        return self._tops[id(legal)]

    # --- the ending ------------------------------------------------------------------------------

    def closing(self, onset_ticks: int) -> bool:
        return self.closing_ticks is not None and onset_ticks >= self.closing_ticks

    def over(self, onset_ticks: int) -> bool:
        """Whether nothing may be composed any more."""
        return self.closing_ticks is not None and onset_ticks > self.closing_ticks

    @property
    def not_closed(self) -> set[int]:
        """Who has yet to strike the last chord: all that have pitches do."""
        return {*self._pitched} - self._closed

    def closing_missing(self, onset_ticks: int) -> bool:
        """Whether the last chord is due and a pitched part that is composed has not struck it."""
        return self.closing(onset_ticks) and bool(self.not_closed)

    def closing_left(self, onset_ticks: int) -> tuple[float, float]:
        """How many notes more the part that struck last strikes of the last chord, at least and at
        most; any number elsewhere."""
        if not self.closing(onset_ticks) or self._last_stroke[0] != onset_ticks:
            return 0, np.inf
        part = self._last_stroke[1]
        return self._least(part) - self.struck, self._most(part) - self.struck

    def closing_shortest(self, onset_ticks: int, part: int) -> int:
        """How many of the shortest durations are too short for the last chord."""
        if not self.closing(onset_ticks) or is_drums(part):
            return 0
        return bisect_left(DURATIONS.tolist(), self._held_ticks or self._least_ticks)

    def closing_end(self, onset_ticks: int, part: int) -> int:
        """The tick at which a note ends for the last chord: with what was struck there first."""
        if self.closing_ticks is not None and onset_ticks < self.closing_ticks:
            return self.closing_ticks
        return ENDLESS if is_drums(part) or not self._held_ticks else onset_ticks + self._held_ticks

    def advance(self, onset_ticks: int, part: int, pitch: int, duration_ticks: int) -> None:
        """Take a note as written, or as given."""
        self.struck = self.struck + 1 if self._last_stroke == (onset_ticks, part) else 1
        self._last_stroke = onset_ticks, part
        if not self.closing(onset_ticks):
            self._largest[part] = max(self.struck, self._largest.get(part, 1))
        if pitch < DRUM_PITCH:
            self._heard[pitch % 12] += duration_ticks
            if part in self._pitched and self.closing(onset_ticks):
                self._closed |= {part}
            if onset_ticks == self.closing_ticks and duration_ticks >= self._least_ticks:
                self._held_ticks = self._held_ticks or duration_ticks

    def _closing_pitches(self, part: int, onset_ticks: int) -> np.ndarray:
        if self._final is None:
            key = self._job.rules.key
            if not isinstance(key, KeyName):
                key = self._job.key or estimate_key(self._heard)
            tonic, third = (0, 4) if key is None else (key.tonic, 3 if key.is_minor else 4)
            triad = [tonic, (tonic + third) % 12, (tonic + 7) % 12]
            self._final = {
                (each, is_root): legal
                if is_drums(each)
                else _within(legal, [tonic] if is_root else triad)
                for each, legal in self._usual.items()
                for is_root in (False, True)
            }
        # The notes of a part are struck from its lowest one on.
        legal = self._final[part, part in self._lowest_parts() and part not in self._closed]
        left = self._least(part) - self.struck * (self._last_stroke == (onset_ticks, part))
        if left < 2:
            return legal
        within = legal.copy()
        within[np.flatnonzero(leaving_room(self._final[part, False], left))[-1] + 1 :] = False
        return within if within.any() else legal

    def _most(self, part: int) -> int:
        """How many notes a part strikes at most in the last chord."""
        breaks_chords = part in self._job.rhythms.held and notes.instrument_of(part) in _BREAKING
        most = max(self._largest.get(part, 1), _LAST_CHORD if breaks_chords else 1)
        return min(most, self._job.polyphony_of(part) or most)

    def _least(self, part: int) -> int:
        """How many it strikes there at least."""
        return min(_LAST_CHORD, self._most(part)) if part in self._pitched else 0

    def _lowest_parts(self) -> list[int]:
        """The parts that the last chord stands on: basses, or the last of the lowest instrument."""
        if self._bass_parts:
            return self._bass_parts
        own = [part for part in self._pitched if notes.instrument_of(part) not in _ROOTLESS]
        kind = notes.instrument_of((own or self._pitched)[0])
        copies = [part for part in self._pitched if notes.instrument_of(part) == kind]
        return copies[-1:] if self._job.second_hand is None else copies

    # --- chords ----------------------------------------------------------------------------------

    def _of_chord(self, part: int, index: int) -> np.ndarray:
        """The pitches of a chord that are of the key, or all of the chord if none is.

        Of chords that give way the usual pitches take their place.
        """
        if index >= CHORD_CLASSES:
            return self._usual[part]
        if (part, index) not in self._chords:
            chord = chord_of_class(index)
            classes = sorted(chord.pitch_classes) if chord else []
            if self._chords_give_way:
                self._chords[part, index] = _within(self._usual[part], classes)
            else:
                self._chords[part, index] = self._firmly_of(part, chord, classes)
        return self._chords[part, index]

    def _firmly_of(self, part: int, chord: Chord | None, classes: list[int]) -> np.ndarray:
        """The pitches of the classes of a chord, beside the key where the key has none of them."""
        of_key = _of_classes(self._usual[part], classes)
        legal = of_key if of_key.any() else _of_classes(self._in_range(part), classes)
        if not legal.any():
            name = INSTRUMENTS[notes.instrument_of(part)].name
            low, high = self._job.range_of(part)
            raise ConfigError(
                f"{name} has no note of {chord} from {low} to {high}.",
                next_step="Widen the range or change the chord.",
            )
        return legal

    def _in_range(self, part: int) -> np.ndarray:
        """All pitches in the range of a part, bool [pitches]."""
        low, high = self._job.range_of(part)
        found = np.zeros(SIZES[PITCH], bool)
        found[low : high + 1] = True
        return found

    def _of_draft(self, part: int, index: int) -> np.ndarray:
        """The usual pitches of a part that are of a chord, of a bass its root; all if none is."""
        if (part, index) not in self._drafted:
            chord = chord_of_class(index) if index < CHORD_CLASSES else None
            classes = sorted(chord.pitch_classes) if chord else []
            found = _within(self._usual[part], classes)
            if chord and part in self._bass_parts:
                found = _within(found, [chord.root])
            self._drafted[part, index] = found
        return self._drafted[part, index]

    # --- basses of chords such as C/E ------------------------------------------------------------

    def _bass_at(self, onset_ticks: int) -> int | None:
        """The pitch class that the chord at a tick has in the bass, where it states one."""
        before = bisect_right(self._basses, onset_ticks, key=lambda stated: stated[0])
        return self._basses[before - 1][1] if before else None

    def _of_bass(self, part: int, pitch_class: int) -> np.ndarray:
        """The pitches of a class that a part reaches; its usual ones if none.

        They are in the key where chords give way, else also beside it.
        """
        if (part, -1 - pitch_class) not in self._chords:
            may = self._usual[part] if self._chords_give_way else self._in_range(part)
            legal = _of_classes(may, [pitch_class])
            self._chords[part, -1 - pitch_class] = legal if legal.any() else self._usual[part]
        return self._chords[part, -1 - pitch_class]


def _stated_basses(job: Job) -> list[tuple[int, int | None]]:
    """(tick, pitch class of its bass or None) for each stated chord, ascending."""
    if job.rules.chart is None or job.length_ticks is None:
        return [(tick, None if chord is None else chord.bass) for tick, chord in job.song_chords]
    symbols = chord_symbols(job.rules, job.metres, job.length_ticks, job.start_ticks)
    return [(tick, _stated_bass(text)) for tick, text in symbols]


def _stated_bass(text: str) -> int | None:
    return None if "/" not in text else parse_chord(text).bass


def _bass_parts(pitched: list[int]) -> list[int]:
    """The parts that play the bass of C/E: basses, or else the lowest part of one line."""
    basses = [part for part in pitched if notes.instrument_of(part) in BASSES]
    lines = [part for part in pitched if INSTRUMENTS[notes.instrument_of(part)].name in _LOW_LINES]
    return basses or sorted(lines)[:1]


def _usual(job: Job, part: int) -> np.ndarray:
    """Range and key."""
    instrument = notes.instrument_of(part)
    pitches = np.array(job.allowed_pitches(part), np.int64)
    legal = np.zeros(SIZES[PITCH], bool)
    legal[pitches + (DRUM_PITCH if INSTRUMENTS[instrument].is_drum else 0)] = True
    return legal


def _of_classes(legal: np.ndarray, classes: list[int]) -> np.ndarray:
    return legal & np.isin(np.arange(len(legal)) % 12, classes)


def _within(legal: np.ndarray, classes: list[int]) -> np.ndarray:
    """Those of the classes, or all if none is."""
    found = _of_classes(legal, classes)
    return found if found.any() else legal
