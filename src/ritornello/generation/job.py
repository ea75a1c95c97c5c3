"""A job: which notes are given, where to write, and under which rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ritornello.errors import ConfigError
from ritornello.generation.beat_chords import BeatChords
from ritornello.generation.reprise import Reprise, open_runs
from ritornello.generation.rhythms import Rhythms
from ritornello.generation.rules import Rules
from ritornello.generation.tune import Tune
from ritornello.music.chords import (
    CHORD_OPEN,
    ChordChange,
    chord_changes,
    chord_class,
    written_changes,
)
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.keys import KeyName
from ritornello.music.piece import ChordSymbol, Metre
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.bar_grid import Grid
from ritornello.note_model.encoding.bar_plan import BarPlan
from ritornello.note_model.encoding.given import Given
from ritornello.note_model.encoding.notes import END, NONE, RESOLUTION
from ritornello.plan.drum_grooves import GROOVE_BARS
from ritornello.plan.plan import OPEN, Plan
from ritornello.plan.players import LINES, Player, melody_of
from ritornello.plan.swing import Swing

ENDLESS = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Opening:
    """Parts that may play notes that begin from one tick to before another.

    Attributes:
        parts: part classes, ascending.
        start_ticks, end_ticks: at 24 a quarter note.
        required: whether each of the parts must play at least once.
        sounds_until_ticks: where notes end at the latest; None: where the opening does.
        longest_rest_ticks: after so long a rest a part plays at the next moment; None lets it rest.
    """

    parts: tuple[int, ...]
    start_ticks: int
    end_ticks: int
    required: bool = False
    sounds_until_ticks: int | None = None
    longest_rest_ticks: int | None = None

    def left_in(self, lines: np.ndarray, is_open: np.ndarray) -> list[Opening]:
        """What is left of it in the halves of bars that are open.

        Args:
            lines: see `reprise.half_lines`. is_open: bool [halves].
        """
        is_open = is_open & (lines[1:] > self.start_ticks) & (lines[:-1] < self.end_ticks)
        return [
            replace(
                self,
                start_ticks=max(int(lines[start]), self.start_ticks),
                end_ticks=min(int(lines[end]), self.end_ticks),
            )
            for start, end in open_runs(is_open)
        ]


@dataclass(frozen=True)
class Job:
    """One piece to write.

    Attributes:
        rules: kept by what is composed; its bars and metre do not count, those of the job do.
        metres: the metre map, at 24 ticks a quarter.
        length_ticks: the final bar line, or None for music without an end.
        given: events that are there already, the END with them where there is one, and chords.
        openings: where to write; no part has two at a time.
        players: indices into `INSTRUMENTS` of all that play, or None where that is left open.
        given_players: those of them that are given throughout.
        given_tune: whether one of these has a tune, so that who is written accompanies it.
        ending: whether the last bar must be an ending, see `pitches`.
        key: a soft constraint where the rules ask for none.
        ranges: lowest and highest pitch by part class, in place of those of the rules.
        polyphony: most notes held at a time by part class, in place of that of the rules.
        voices: part classes that sing together, ascending, the highest voice first; see
            `voice_leading`.
        told: what a model that is told plans is told of one; None where there is none.
        drum_keys: those that drums may play, of a kit that lies in several tracks; all if empty.
        shared_parts: part classes that several tracks are read as, some of them given and others
            written: at a tick with a given note more of its part may be composed.
        plan: by which it is written, so that it may be silent before its end; None without one.
        chords_hold: whether the stated chords are rules, and not mere inputs of the model.
        song_chords: the chords written above a song that is given, at 24 ticks a quarter; those of
            the rules are stated in their place.
        drafts: the chord at each bar line, by tick, where nobody asked for chords: who accompanies
            holds to it there, and basses begin on its root; so they do the chords of a song.
        reprise: what comes back; None where nothing does by a plan.
        leaves_figures: whether a figure that came twice is left, see `figures`.
        own_beats: whether drummers hold beats that they write, see
            `ritornello.generation.instrumentation.own_drumming`.
        held_bars: how many bars of what they write go round then; 0 where they hold none.
        feel: on which grid its bars stand, an index into `plan.feel.FEELS`; `OPEN` where that is
            left to the model.
        tune: who has it, and where it may rest; None where nobody is held to it.
        rhythms: when accompanists strike, where that is stated.
        beats: from which tick to before which a drummer's beat is given, ascending.
        beat_keys: which keys it strikes; there nobody adds to them.
        swing: how what is written will be played; it is written in straight time.
        second_hand: part class of the second hand of a player alone, see `two_hands`.
        beat_chords: which the voices complete, and between which they are never silent.
    """

    rules: Rules
    metres: tuple[Metre, ...]
    length_ticks: int | None
    given: Given
    openings: tuple[Opening, ...]
    players: frozenset[int] | None = None
    given_players: frozenset[int] = frozenset()
    given_tune: bool = True
    ending: bool = False
    key: KeyName | None = None
    ranges: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    polyphony: Mapping[int, int] = field(default_factory=dict)
    voices: tuple[int, ...] = ()
    told: BarPlan | None = None
    drum_keys: frozenset[int] = frozenset()
    shared_parts: frozenset[int] = frozenset()
    plan: Plan | None = None
    chords_hold: bool = False
    song_chords: tuple[ChordChange, ...] = ()
    drafts: Mapping[int, int] = field(default_factory=dict)
    reprise: Reprise | None = None
    rhythms: Rhythms = field(default_factory=Rhythms)
    beats: tuple[tuple[int, int], ...] = ()
    beat_keys: frozenset[int] = frozenset()
    swing: Swing | None = field(default=None, compare=False)
    second_hand: int | None = None
    beat_chords: BeatChords | None = None
    leaves_figures: bool = False
    own_beats: bool = False
    held_bars: int = GROOVE_BARS
    feel: int = OPEN
    tune: Tune | None = None

    @property
    def joining_tune(self) -> int | None:
        """The part class that has the tune over given players who have none; None for nobody."""
        melody = melody_part(self.composed_parts)
        if not self.given_players or self.given_tune or melody is None:
            return None
        return melody if INSTRUMENTS[notes.instrument_of(melody)].name in LINES else None

    @property
    def start_ticks(self) -> int:
        return min(opening.start_ticks for opening in self.openings)

    @property
    def end_ticks(self) -> int:
        """Where writing ends; a planned piece may be silent before."""
        if self.plan is not None and self.length_ticks is not None:
            return self.length_ticks
        return max(opening.end_ticks for opening in self.openings)

    @property
    def composed_parts(self) -> list[int]:
        """Part classes that may be composed for, ascending."""
        return sorted({part for opening in self.openings for part in opening.parts})

    def grid(self) -> Grid:
        return Grid(self.metres, self.length_ticks)

    def range_of(self, part: int) -> tuple[int, int]:
        """Lowest and highest pitch of a part class."""
        return self.ranges.get(part) or self.rules.range_of(notes.instrument_of(part))

    def polyphony_of(self, part: int) -> int | None:
        """Most notes a part class holds at a time, None without a limit."""
        return self.polyphony.get(part) or self.rules.polyphony_of(notes.instrument_of(part))

    def allowed_pitches(self, part: int) -> list[int]:
        """MIDI pitches (or drum keys) a part class may play, ascending.

        Raises:
            ConfigError: if there is none.
        """
        instrument, (low, high) = notes.instrument_of(part), self.range_of(part)
        pitches = self.rules.allowed_pitches(instrument, (low, high))
        if self.drum_keys and INSTRUMENTS[instrument].is_drum:
            pitches = [key for key in pitches if key in self.drum_keys] or sorted(self.drum_keys)
        if not pitches:
            raise ConfigError(
                f"{INSTRUMENTS[instrument].name} has no note of {self.rules.scale_name} "
                f"from {low} to {high}.",
                next_step="Widen the range or change the key.",
            )
        return pitches


def whole_piece(rules: Rules) -> Job:
    """A piece from nothing."""
    metres = rules.metre_map()
    length = rules.bars * metres[0].bar_ticks(RESOLUTION)
    players = rules.instruments()
    opening = Opening(tuple(parts_of(players)), 0, length, required=rules.parts is not None)
    return Job(
        rules,
        metres,
        length,
        given_events(length, chords=stated_chords(rules, metres, length)),
        (opening,),
        None if players is None else frozenset(players),
        ending=rules.ending and rules.bars > 1,
    )


def given_events(
    length_ticks: int | None,
    events: np.ndarray | None = None,
    onsets_ticks: np.ndarray | None = None,
    chords: tuple[np.ndarray, np.ndarray] | None = None,
) -> Given:
    """Events in the order of the stream, closed by an END where the length is known.

    Args:
        length_ticks: the final bar line, or None.
        events: int64 [events, 5], notes and tempi in their order. onsets_ticks: of each.
        chords: ticks and classes.
    """
    fields = np.zeros((0, len(NONE)), np.int64) if events is None else events
    onsets = np.zeros(0, np.int64) if onsets_ticks is None else onsets_ticks
    if length_ticks is not None:
        fields = np.concatenate([fields, [(0, END, *NONE[notes.PITCH :])]])
        onsets = np.append(onsets, length_ticks)
    ticks, classes = chords or (np.zeros(0, np.int64), np.zeros(0, np.int64))
    return Given(fields, onsets, ticks, classes)


def stated_chords(
    rules: Rules, metres: Sequence[Metre], length_ticks: int, start_ticks: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The chords of the rules from a tick on, once a bar or as written; ticks and classes.

    Before that tick no chord is stated.
    """
    ticks, classes = changes_as_steps(_chart_changes(rules, metres, length_ticks, start_ticks))
    if len(ticks) and start_ticks > 0:
        ticks, classes = np.append(0, ticks), np.append(CHORD_OPEN, classes)
    return ticks, classes


def changes_as_steps(changes: Sequence[ChordChange]) -> tuple[np.ndarray, np.ndarray]:
    """Ticks and classes of chords, int64 [changes]."""
    return (
        np.array([change.tick for change in changes], np.int64),
        np.array([chord_class(change.chord) for change in changes], np.int64),
    )


def chord_symbols(
    rules: Rules, metres: Sequence[Metre], length_ticks: int, start_ticks: int = 0
) -> tuple[ChordSymbol, ...]:
    """The chords of the rules from a tick on as they were written, in the ticks of the model."""
    changes = _chart_changes(rules, metres, length_ticks, start_ticks)
    return tuple(ChordSymbol(tick, text) for tick, text in written_changes(changes))


def _chart_changes(
    rules: Rules, metres: Sequence[Metre], length_ticks: int, start_ticks: int
) -> tuple[ChordChange, ...]:
    if rules.chart is None:
        return ()
    bars = Grid(tuple(metres), length_ticks).bar_starts
    bars = bars[bars >= start_ticks]
    if not len(bars):  # what is written begins and ends inside the last bar
        return ()
    return chord_changes(rules.chart, bars.tolist(), length_ticks)


def is_drums(part: int) -> bool:
    """Whether a part class is one of drums."""
    return INSTRUMENTS[notes.instrument_of(part)].is_drum


def player_of(part: int) -> Player:
    """The player of a part class."""
    return Player(notes.instrument_of(part), (part - notes.FIRST_PART) % notes.PARTS_PER_INSTRUMENT)


def melody_part(parts: Sequence[int]) -> int | None:
    """Which of the part classes has the melody; None of drums alone."""
    index = melody_of([*map(player_of, parts)])
    return None if index is None else parts[index]


def parts_of(instruments: Sequence[int] | None) -> list[int]:
    """Part classes for players of instruments, numbered in turn, ascending; all where None."""
    if instruments is None:
        numbers = range(notes.PARTS_PER_INSTRUMENT)
        everyone = ((i, number) for i in range(len(INSTRUMENTS)) for number in numbers)
        return sorted({notes.part_of(i, number) for i, number in everyone})
    counts: dict[int, int] = {}
    parts = []
    for instrument in instruments:
        parts.append(notes.part_of(instrument, counts.get(instrument, 0)))
        counts[instrument] = counts.get(instrument, 0) + 1
    return sorted(parts)
