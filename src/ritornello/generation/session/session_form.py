"""The form of music without an end: a refrain that keeps coming back, and something new between.

Each section has eight bars. Of eight sections the first is a refrain, that comes again at once and
after each other one; then another refrain begins. So the form needs the notes of one refrain and no
others, however long the music goes on. What a section is is drawn when it begins, from its number
and a seed alone: a value, as all that the music depends on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from ritornello.generation.figures import MEMORY_BARS
from ritornello.generation.job import ENDLESS, Opening, is_drums, melody_part
from ritornello.generation.reprise import BEGINS_WITH_CRASH, beat_rows, with_crash
from ritornello.generation.rhythms import HeldBar, Rhythms, usual_rhythms
from ritornello.generation.rules import Rules
from ritornello.json_values import JsonObject
from ritornello.music.instruments import DRUMS, INSTRUMENTS
from ritornello.music.keys import KeyName
from ritornello.music.piece import Metre
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.notes import DURATION, DURATIONS, PART, SHIFT, duration_class
from ritornello.plan.chord_progressions import told_drafts, with_progressions
from ritornello.plan.drum_grooves import HAT, Beat, Groove, draw_groove
from ritornello.plan.held_rhythms import HeldRhythm, draw_rhythms
from ritornello.plan.plan import Plan
from ritornello.plan.sections import Section
from ritornello.plan.style_usages import usages_of
from ritornello.rng import Rng

SECTION_BARS = 8
_ROUND = (0, 1, 0, 0, 2, 0, 3, 0)  # 0 is the refrain
_OTHER_ENDING_BARS, _OTHER_ENDING = 2, 0.6  # of a refrain that returns, and how often it has one
_AS_IT_WAS, _KEPT = 0.4, 0.7  # how often all play a refrain again, and each of them otherwise
_RESTS = 0.5  # how often somebody rests in another section
_LEAST_RESTING = 3  # players
_KIT_KEYS = range(INSTRUMENTS[DRUMS].low, INSTRUMENTS[DRUMS].high + 1)
# What these are drawn from, beside the seed and the number of the round, or of the section.
_RHYTHMS, _FILLS = 7, 8
_SAME_GROOVE = 0.6  # how often another section has the groove of the refrain


@dataclass(frozen=True)
class SessionForm:
    """A section that is played, and the refrain that it may return to.

    Attributes:
        seed: what sections to come are drawn from. number: of the section, from 0.
        start_ticks, bar_ticks: where it begins, and how long its bars are.
        chords: the class of each bar; none where they are left open.
        kept: part classes that play the refrain again. kept_bars: of how many bars.
        resting: part classes that are silent. groove: that a drummer holds who does not play the
            refrain again; None where it is left to who plays.
        own_drumming: collections of somebody's own that have drummers, and how many bars of what
            they write these hold; no groove is drawn in them.
        refrain: its notes as far as it was played, (onset from its beginning, part, pitch,
            duration, velocity) each. refrain_chords, refrain_groove: its chords and its groove.
    """

    seed: int
    number: int
    start_ticks: int
    bar_ticks: int
    chords: tuple[int, ...] = ()
    kept: tuple[int, ...] = ()
    kept_bars: int = 0
    resting: tuple[int, ...] = ()
    groove: Groove | None = None
    refrain: tuple[tuple[int, ...], ...] = ()
    refrain_chords: tuple[int, ...] = ()
    refrain_groove: Groove | None = None
    own_drumming: Mapping[str, int] = field(default_factory=dict)

    @property
    def end_ticks(self) -> int:
        return self.start_ticks + SECTION_BARS * self.bar_ticks

    @property
    def needed_ticks(self) -> int:
        """From where on what was played may still matter: to the refrain, or as a figure."""
        return self.start_ticks - (MEMORY_BARS + 1) * self.bar_ticks

    @property
    def kept_ticks(self) -> int:
        """From where on those who play the refrain again go their own way."""
        return self.start_ticks + self.kept_bars * self.bar_ticks

    def given(self, start_ticks: int) -> np.ndarray:
        """The notes of the refrain that are played again from a tick on; int64 [notes, 5], onsets
        in place of shifts."""
        rows = np.array(self.refrain, np.int64).reshape(-1, len(notes.FIELDS))
        rows[:, SHIFT] += self.start_ticks
        onsets = rows[:, SHIFT]
        member = np.isin(rows[:, PART], self.kept)
        rows = rows[member & (onsets >= start_ticks) & (onsets < self.kept_ticks)]
        left = self.kept_ticks - rows[:, SHIFT]
        classes = duration_class(np.minimum(DURATIONS[rows[:, DURATION]], left))
        rows[:, DURATION] = np.maximum(classes - (DURATIONS[classes] > left), 0)
        return rows

    def openings(
        self, parts: Sequence[int], start_ticks: int, stated: int | None = None
    ) -> tuple[Opening, ...]:
        """Where each of the parts is composed for, from a tick on.

        Args:
            stated: a drummer who plays what the form gives and nothing else, but for a fill where
                the groove has none.
        """
        free = tuple(part for part in parts if part not in (*self.kept, *self.resting, stated))
        own = tuple(part for part in parts if part in self.kept)
        spans = [(free, start_ticks), (own, max(start_ticks, self.kept_ticks))]
        if stated is not None and self.groove is not None and not self.groove.is_whole:
            spans.append(((stated,), max(start_ticks, self.end_ticks - self.bar_ticks // 2)))
        return (
            *(Opening(who, start, self.end_ticks, longest_rest_ticks=self.bar_ticks)
              for who, start in spans if who and start < self.end_ticks),
            Opening(tuple(parts), self.end_ticks, ENDLESS),
        )  # fmt: skip

    def beats(self, parts: Sequence[int], start_ticks: int) -> dict[tuple[int, int], np.ndarray]:
        """From which tick to before which the beat of a drummer is given, and its notes, from a
        tick on. The last half bar is left for a fill, unless the groove has its own."""
        drummer = self.holding(parts)
        if self.groove is None or drummer is None:
            return {}
        rng = np.random.default_rng((self.seed, self.number, _FILLS))
        crashes = self.number > 0 and rng.random() < BEGINS_WITH_CRASH
        found = {}
        for bar, (start, end) in enumerate(self._held_spans):
            beat = self.groove.beat(bar)
            if self.groove.is_whole and bar == SECTION_BARS - 1:
                end, beat = self.end_ticks, self.groove.fill(rng, is_last=True)
            rows = beat_rows(beat, start, drummer)
            if bar == 0 and crashes:
                rows = with_crash(rows, start, drummer)
            if start >= start_ticks:
                found[start, end] = rows[rows[:, SHIFT] < end]
        return found

    def holding(self, parts: Sequence[int]) -> int | None:
        """Which of the parts is a drummer who holds the groove, if there is one."""
        drummer = next((part for part in parts if is_drums(part)), None)
        is_free = drummer not in (*self.kept, *self.resting)
        return drummer if self.groove is not None and is_free else None

    def own_beat_ticks(self, collection: str | None, parts: Sequence[int]) -> int | None:
        """From when on a drummer of somebody's own music holds what it played in the section.

        Returns:
            A tick; None where it holds nothing, or does already.
        """
        held = self.own_drumming.get(collection or "", 0)
        drummer = next((part for part in parts if is_drums(part)), None)
        is_free = drummer is not None and drummer not in (*self.kept, *self.resting)
        if not held or not is_free or self.groove is not None:
            return None
        return self.start_ticks + held * self.bar_ticks

    def holding_own_beat(self, played: Sequence[tuple[int, tuple[int, ...]]]) -> SessionForm:
        """The same with the strokes of whole bars that were played as the groove of its drummer.

        Args:
            played: onset and fields of the events of the section.
        """
        last = max(onset for onset, _ in played) - self.start_ticks
        bars: list[list[tuple[int, int, int]]] = [[] for _ in range(last // self.bar_ticks + 1)]
        for onset, (_, part, pitch, _, velocity) in played:
            if notes.FIRST_PART <= part < notes.REST and is_drums(part):
                bar, tick = divmod(onset - self.start_ticks, self.bar_ticks)
                loud = (2 * velocity + 1) * 64 // notes.VELOCITIES
                bars[bar].append((tick, pitch - notes.DRUM_PITCH, loud))
        beats = tuple(Beat((), (), (), HAT, tuple(sorted(strokes))) for strokes in bars)
        return replace(self, groove=Groove(beats))

    def rhythms(self, rules: Rules, metre: Metre, parts: Sequence[int]) -> Rhythms:
        """When those who accompany a drummer strike; they change with the sections of a round.

        In the last half bar they are free, to lead on.
        """
        players = {part: notes.instrument_of(part) for part in parts}
        counts = metre.numerator, metre.denominator
        usual = usual_rhythms(rules, counts, players, melody_part(parts))
        rounds, place = divmod(self.number, len(_ROUND))
        rng = np.random.default_rng((self.seed, rounds, _RHYTHMS))
        drawn = draw_rhythms([str(each) for each in sorted({*_ROUND})], usual, rng)
        found: dict[int, list[HeldBar]] = {}
        for part in usual.keys() - {*self.resting}:
            held = drawn[str(_ROUND[place]), part]
            first = self.kept_bars if part in self.kept else 0
            if first == SECTION_BARS:
                continue
            found[part] = [
                (start, end, _over(held[bar % len(held)], self.chords[bar : bar + 1]))
                for bar, (start, end) in enumerate(self._held_spans)
                if bar >= first
            ]
        return Rhythms.of_bars(found, lambda part, tick: True)

    def drafts(self) -> dict[int, int]:
        """The chord at each bar line, by tick."""
        return dict(zip(self._bar_lines, self.chords, strict=False))

    def told_drafts(self, beat_ticks: int) -> tuple[np.ndarray, np.ndarray]:
        """Ticks and classes of the chords that a model is told."""
        ticks, classes = told_drafts(self.chords, self._bar_lines, beat_ticks)
        return np.array(ticks, np.int64), np.array(classes, np.int64)

    @property
    def _held_spans(self) -> list[tuple[int, int]]:
        """From which tick to before which each bar is held to a beat or a rhythm: of the last one
        the second half is free, to lead on."""
        lasts = [self.bar_ticks] * (SECTION_BARS - 1) + [self.bar_ticks // 2]
        return [(start, start + last) for start, last in zip(self._bar_lines, lasts, strict=True)]

    @property
    def _bar_lines(self) -> range:
        return range(self.start_ticks, self.end_ticks, self.bar_ticks)

    def with_refrain(self, played: Sequence[tuple[int, tuple[int, ...]]]) -> SessionForm:
        """The same at its end, with what was played as the refrain if it is a new one.

        Args:
            played: onset and fields of the events of the section.
        """
        if self.number % len(_ROUND):
            return self
        rows = tuple(
            (onset - self.start_ticks, *event[1:])
            for onset, event in played
            if notes.FIRST_PART <= event[PART] < notes.REST
        )
        return replace(self, refrain=rows, refrain_chords=self.chords, refrain_groove=self.groove)

    def as_json(self) -> JsonObject:
        """Numbers, lists and names."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: JsonObject) -> SessionForm:
        """Of what `as_json` gave."""
        tuples = {name: tuple(value) for name, value in found.items() if isinstance(value, list)}
        grooves = {name: _groove(found[name]) for name in ("groove", "refrain_groove")}
        rows = tuple(tuple(row) for row in found["refrain"])
        return cls(**{**found, **tuples, **grooves, "refrain": rows})


def _over(rhythm: HeldRhythm, chords: Sequence[int]) -> HeldRhythm:
    """A rhythm with chords as large as the one of its bar, if there is one."""
    return tuple(stroke.over(chord) for chord in chords for stroke in rhythm) or rhythm


def _groove(found: JsonObject | None) -> Groove | None:
    if found is None:
        return None
    beats, fills = (
        tuple(
            Beat(tuple(kick), tuple(snare), tuple(cymbal), key, tuple(map(tuple, others)))
            for kick, snare, cymbal, key, others in found.get(name, ())
        )
        for name in ("beats", "fills")
    )
    return Groove(beats, fills)


def begin(
    seed: int,
    start_ticks: int,
    metre: Metre,
    key: KeyName | None,
    *,
    number: int = 0,
    rules: Rules,
    own_drumming: Mapping[str, int],
) -> SessionForm:
    """A form from a bar line on, with a refrain that is new.

    Args:
        key: that chords are drawn in; they are left open where None.
        rules: whose style has the chords and the beats that are drawn.
        number: of a section; the round of sections after it is the one that begins.
        own_drumming: as of `SessionForm`.
    """
    rounds = -(-number // len(_ROUND))
    rng = np.random.default_rng((seed, rounds * len(_ROUND)))
    bar = metre.bar_ticks(notes.RESOLUTION)
    bare = SessionForm(seed, rounds * len(_ROUND), start_ticks, bar, own_drumming=own_drumming)
    chords, groove = _draw_chords(metre, key, rng, rules), _draw_groove(bare, metre, rng, rules)
    return replace(bare, chords=chords, groove=groove)


def following(
    form: SessionForm,
    metre: Metre,
    parts: Sequence[int],
    key: KeyName | None,
    rules: Rules,
) -> SessionForm:
    """The section after one that has ended.

    Args:
        parts: part classes that play. metre, key, rules: as of `begin`.
    """
    number = form.number + 1
    place = number % len(_ROUND)
    if place == 0:
        return begin(
            form.seed,
            form.end_ticks,
            metre,
            key,
            number=number,
            rules=rules,
            own_drumming=form.own_drumming,
        )
    rng = np.random.default_rng((form.seed, number))
    after = replace(form, number=number, start_ticks=form.end_ticks, kept=(), resting=())
    if _ROUND[place] == 0:
        played = sorted({row[PART] for row in form.refrain})
        every = rng.random() < _AS_IT_WAS
        keeps = rng.random(len(played)) < _KEPT
        kept = tuple(
            part for part, keep in zip(played, keeps, strict=True)
            if every or keep or part == played[-1] or is_drums(part)
        )  # fmt: skip
        # Where stated chords go round, a refrain keeps its notes if the chords are the same.
        if rules.chart is not None and place * SECTION_BARS % len(rules.chart):
            kept = ()
        ending = _OTHER_ENDING_BARS * int(rng.random() < _OTHER_ENDING)
        return replace(
            after,
            chords=form.refrain_chords,
            groove=form.refrain_groove,
            kept=kept,
            kept_bars=SECTION_BARS - ending,
        )
    resting: tuple[int, ...] = ()
    if len(parts) >= _LEAST_RESTING and rng.random() < _RESTS:
        melody = melody_part(parts)
        resting = (int(rng.choice([part for part in parts if part != melody])),)
    same = rng.random() < _SAME_GROOVE
    groove = form.refrain_groove if same else _draw_groove(form, metre, rng, rules)
    chords = _draw_chords(metre, key, rng, rules)
    return replace(after, chords=chords, groove=groove, resting=resting, kept_bars=0)


def _draw_chords(metre: Metre, key: KeyName | None, rng: Rng, rules: Rules) -> tuple[int, ...]:
    if key is None:
        return ()
    bars = Plan.open(SECTION_BARS, (metre._replace(tick=0),))
    section = Section("A", 0, SECTION_BARS)
    plan = replace(bars, sections=(section,))
    plan = with_progressions(plan, key, rng, rules.collection, within=rules.pitch_classes)
    return tuple(plan.chords[:, 0].tolist())


def _draw_groove(form: SessionForm, metre: Metre, rng: Rng, rules: Rules) -> Groove | None:
    if rules.collection in form.own_drumming:
        return None
    # Nothing is drawn from a style for a kit with rules.
    style = None if rules.ranges else usages_of(rules.collection)
    counts = metre.numerator, metre.denominator
    own = () if style is None else style.drummers_within(counts, _KIT_KEYS)
    return draw_groove(counts, rng, own)
