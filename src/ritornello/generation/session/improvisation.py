"""Music without an end that can be kept, gone back in, branched and steered while it plays.

An `Improvisation` writes one event at a time, at constant cost and memory. It marks each bar line,
the latest `HISTORY_BARS` of them, with all that its future depended on there: to go back is to take
up a mark and to write again, the same numbers drawn, up to where one wants to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ritornello.errors import ConfigError
from ritornello.generation import compose
from ritornello.generation.instrumentation import Instrumentations
from ritornello.generation.masks import RuleMasks
from ritornello.generation.rules import Rules
from ritornello.generation.sampling import Sampling
from ritornello.generation.session.beginning import from_nothing, from_primer
from ritornello.generation.session.moment import (
    Instant,
    Moment,
    Remembered,
    Settings,
    drop_forgotten,
)
from ritornello.generation.session.remembered_piece import is_note, piece_of
from ritornello.generation.session.section_settings import (
    holding_own_beat,
    next_section,
    with_refrain,
)
from ritornello.generation.session.session_form import SessionForm
from ritornello.generation.usual_music import UsualMusic
from ritornello.generation.writer import Event, Writer
from ritornello.music.piece import DEFAULT_TEMPO_BPM, Piece, Tempo
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.bar_grid import Grid
from ritornello.note_model.encoding.notes import (
    DURATION,
    DURATIONS,
    MAX_SHIFT,
    NONE,
    PART,
    PITCH,
    RESOLUTION,
    REST,
    SHIFT,
    TEMPO,
    TEMPO_PITCH,
    VELOCITY,
)
from ritornello.note_model.engine.reference import Engine

HISTORY_BARS = 64
_HISTORY_EVENTS = 16384  # marked bars hold no more than that
_THIN_EVERY = 1024
_LONGEST_TICKS = int(DURATIONS[-1])


class _Mark(NamedTuple):
    """A place to go back to. free_ticks: from there on nothing was written then."""

    events: int
    free_ticks: int
    instant: Instant


class _Drawn(NamedTuple):
    """An event that is not yet written, the state after it, the random numbers before it."""

    event: Event
    state: np.ndarray
    rng: Mapping[str, Any]


class Improvisation:
    """Endless music as events of the encoding: an iterator, from any moment on.

    The same moment gives the same music, however often it is taken up.

    Args:
        engine: the model. moment: where to begin.
        collections: names of the model's collections, to find ``rules.collection`` in.

    Raises:
        ConfigError: if the rules cannot be met.
    """

    def __init__(self, engine: Engine, moment: Moment, collections: tuple[str, ...] = ()) -> None:
        self._engine, self._collections = engine, collections
        self.metres = moment.metres
        self._grid = Grid(moment.metres, None)
        self._events, self._skipped = moment.remembered_events(), moment.skipped
        self._thin_at = len(self._events) + _THIN_EVERY
        self._take_up(moment.instant)
        self._marks = [self._mark()]

    @classmethod
    def start(
        cls,
        engine: Engine,
        rules: Rules,
        *,
        seed: int = 0,
        sampling: Sampling | None = None,
        collections: tuple[str, ...] = (),
        instrumentations: Instrumentations = (),
        usual: UsualMusic = UsualMusic(),  # noqa: B008, it is a constant
        primer: Piece | None = None,
        form: bool = False,
    ) -> Improvisation:
        """From the first event, or from the end of a primer.

        Args:
            rules, sampling, collections, instrumentations, usual: as of `compose.compose`.
            seed: the same seed, the same music.
            primer: as the model hears it, see `primer.fit`. The music goes on at its last bar
                line, in its metre, and in its tempo and with its players where the rules leave
                them open.
            form: whether it has sections, see `session_form`; else it goes on from bar to bar.
        """
        sampling = sampling or Sampling()
        if primer is None:
            moment = from_nothing(engine, rules, sampling, seed, instrumentations, usual, form=form)
            return cls(engine, moment, collections)
        moment = from_primer(
            engine,
            primer,
            rules,
            sampling,
            seed,
            collections,
            instrumentations,
            usual,
            form=form,
        )
        music = cls(engine, moment, collections)
        in_force = music.settings.rules  # those of the primer at first
        if rules.tempo_bpm not in (None, in_force.tempo_bpm):
            music.change(replace(in_force, tempo_bpm=rules.tempo_bpm), sampling)
        return music

    def _take_up(self, instant: Instant) -> None:
        """Go on from an instant, after the events that are remembered."""
        job = instant.settings.job(self.metres)
        rng = np.random.default_rng()
        rng.bit_generator.state = instant.rng
        self._writer = Writer.start(job, rng)
        self._writer.give(instant.settings.given(job))
        for onset, event in self._events:
            self._writer.write(_with_shift(event, onset - self.onset_ticks))
        self._writer.forget()
        self._condition = compose.conditions(self._engine, [self._writer], self._collections)
        self._instant = instant
        self._drawn: _Drawn | None = None

    # --- where the music is -----------------------------------------------------------------------

    @property
    def onset_ticks(self) -> int:
        """Of the last event."""
        return self._writer.tracker.onset_ticks

    @property
    def onset_seconds(self) -> float:
        return self._instant.seconds

    @property
    def tempo_bpm(self) -> float:
        tempos = self._instant.tempos
        return tempos[-1].bpm if tempos else DEFAULT_TEMPO_BPM

    @property
    def settings(self) -> Settings:
        """What is asked, at the latest from the next bar line on."""
        return self._instant.pending or self._instant.settings

    @property
    def line_ticks(self) -> int:
        """The first bar line from which on nothing is written."""
        if self._fresh:
            return max(self._instant.reached_ticks, 0)
        start, length = self._bar(self.onset_ticks)
        return start + length

    @property
    def _fresh(self) -> bool:
        """Whether the music stands at a bar line, and nothing of the bar is written."""
        return not self._events or self._instant.reached_ticks > self.onset_ticks

    def _bar(self, tick: int) -> tuple[int, int]:
        """Start and length of the bar of a tick."""
        place, _, length = self._grid.locate_one(tick)
        return tick - place[0], length

    # --- going on ---------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        """The next event, now written."""
        event, state, _ = self._draw()
        onset = self.onset_ticks + event[SHIFT]
        bar, _ = self._bar(onset)
        if not self._events or bar > self.onset_ticks:
            self._note_bar(bar)
        instant = self._instant
        tempos = instant.tempos
        if event[PART] == TEMPO:
            fixed = instant.settings.rules.tempo_bpm
            bpm = notes.tempo_bpm(event[PITCH] - TEMPO_PITCH) if fixed is None else fixed
            tempos = (*tempos, Tempo(onset, bpm))
        self._instant = replace(
            instant,
            state=state,
            seconds=instant.seconds + event[SHIFT] * 60 / (self.tempo_bpm * RESOLUTION),
            tempos=tempos,
        )
        self._writer.write(event)
        self._writer.forget()
        self._events.append((onset, event))
        self._drawn = None
        self._forget()
        return event

    def bars(self, count: int) -> Iterator[Event]:
        """The events up to the bar line so many bars on; the rest of a bar begun is the first."""
        line = self.line_ticks
        _, length = self._bar(line)
        end = line + (count - (not self._fresh)) * length
        while self.onset_ticks + self._draw().event[SHIFT] < end:
            yield next(self)
        self._instant = replace(self._instant, reached_ticks=end)

    def _draw(self) -> _Drawn:
        """The next event, drawn once; new settings come into force before it if they are due."""
        while self._drawn is None:
            rng = self._writer.rng.bit_generator.state
            [event], state = compose.propose(
                self._engine,
                [self._writer],
                self._condition,
                self._instant.state,
                self._instant.settings.sampling,
            )
            event = self._tempo_due() or event
            pending, form = self._instant.pending, self._instant.settings.form
            onset = self.onset_ticks + event[SHIFT]
            # Nothing more begins in the bar, or section; what begins in the next is drawn anew.
            if pending is not None and onset >= pending.start_ticks:
                self._use(pending)
            elif form is not None and self._begins_to_hold(form, onset):
                heard = self._latest(form.start_ticks)
                held = holding_own_beat(self._instant.settings, form, heard)
                self._use(held, pending=True)
            elif form is not None and onset >= form.end_ticks:
                heard = self._latest(form.start_ticks)
                after = next_section(self._instant.settings, form, heard, self.metres)
                self._use(after, pending=True)
            else:
                self._drawn = _Drawn(event, state, rng)
        return self._drawn

    def _begins_to_hold(self, form: SessionForm, onset: int) -> bool:
        """Whether a drummer has played what it holds before a tick."""
        settings = self._instant.settings
        held_from = form.own_beat_ticks(settings.rules.collection, settings.parts)
        return held_from is not None and onset >= held_from

    def _tempo_due(self) -> Event | None:
        """The change to a tempo that is asked for, as an event, or the rest before it."""
        settings = self._instant.settings
        bpm, wait = settings.rules.tempo_bpm, settings.start_ticks - self.onset_ticks
        if not self._events or bpm is None or bpm == self.tempo_bpm:
            return None
        if wait > MAX_SHIFT:
            return MAX_SHIFT, REST, NONE[PITCH], NONE[DURATION], NONE[VELOCITY]
        tempo = TEMPO_PITCH + notes.tempo_class(bpm)
        return wait, TEMPO, tempo, NONE[DURATION], NONE[VELOCITY]

    # --- another way ------------------------------------------------------------------------------

    def change(self, rules: Rules, sampling: Sampling) -> None:
        """Ask for something else from the next bar line on; what is not yet written is drawn anew.

        Raises:
            ConfigError: if the rules cannot be met; all stays as it is then.
        """
        line, now = self.line_ticks, self.settings
        same = rules.chords == now.rules.chords
        start = now.chords_start_ticks if same else line
        settings = Settings(rules, sampling, line, start, now.key)
        RuleMasks(settings.job(self.metres))
        in_force = self._instant.settings
        if (form := in_force.form) is not None:
            if replace(rules, tempo_bpm=None) == replace(in_force.rules, tempo_bpm=None):
                settings = replace(settings, form=form)
            else:
                settings = with_refrain(
                    settings,
                    self.metres,
                    form.seed,
                    number=form.number + 1,
                    own_drumming=form.own_drumming,
                )
        self._undraw()
        self._instant = replace(self._instant, pending=settings)

    def reseed(self, seed: int) -> None:
        """Go another way from here."""
        self._drawn = None
        self._writer.rng = np.random.default_rng(seed)
        settings = self._instant.settings
        if settings.form is not None:
            settings = replace(settings, form=replace(settings.form, seed=seed))
            self._instant = replace(self._instant, settings=settings)
        if self._fresh:  # the bar before stays as it is
            self._use(replace(settings, start_ticks=self.line_ticks), pending=True)
        self._marks.append(self._mark())

    def _use(self, settings: Settings, *, pending: bool = False) -> None:
        """Bring settings into force; ``pending``: others still follow them."""
        job = settings.job(self.metres)
        masks = RuleMasks(job)
        for onset, event in self._latest(self.onset_ticks - _LONGEST_TICKS):
            masks.advance(_with_shift(event, onset - masks.onset_ticks), None)
        self._writer = replace(self._writer, job=job, masks=masks)
        self._writer.tracker.give_anew(job.given)
        self._writer.give(settings.given(job))
        self._condition = compose.conditions(self._engine, [self._writer], self._collections)
        follows = self._instant.pending if pending else None
        self._instant = replace(self._instant, settings=settings, pending=follows)

    def _latest(self, start_ticks: int) -> Remembered:
        """The events from a tick on."""
        first = len(self._events)
        while first and self._events[first - 1][0] >= start_ticks:
            first -= 1
        return self._events[first:]

    def _undraw(self) -> None:
        if self._drawn is not None:
            self._writer.rng.bit_generator.state = self._drawn.rng
            self._drawn = None

    # --- keeping and going back -------------------------------------------------------------------

    def moment(self) -> Moment:
        """All that the future depends on; going on does not change it."""
        form = self._instant.settings.form
        needed = None if form is None else form.needed_ticks
        events, skipped = drop_forgotten(self._events, self._skipped, needed)
        rows = [(onset, *event) for onset, event in events]
        table = np.array(rows, np.int64).reshape(-1, 1 + len(NONE))
        return Moment(self._now(), self.metres, table, skipped)

    def at(self, moment: Moment) -> Improvisation:
        """The music of the same model from a moment on."""
        return Improvisation(self._engine, moment, self._collections)

    def branch(self) -> Improvisation:
        """The same music with the same past, that goes its own way."""
        twin = object.__new__(Improvisation)
        twin.__dict__.update(self.__dict__)
        twin._writer = self._writer.copy()
        twin._events, twin._marks = list(self._events), list(self._marks)
        return twin

    def undo_notes(self, count: int) -> None:
        """Back to before the last so many notes.

        Raises:
            ConfigError: if so many are not remembered.
        """
        first, left = len(self._events), count
        while left and first > self._marks[0].events:
            first -= 1
            left -= is_note(self._events[first][1])
        if left:
            raise ConfigError(
                f"The last {count - left} notes can be taken back; asked for {count}.",
                next_step=f"Up to {HISTORY_BARS} bars are remembered, none from before a snapshot.",
            )
        mark = max(index for index, mark in enumerate(self._marks) if mark.events <= first)
        self._go_back(mark)
        while len(self._events) < first:
            next(self)

    def undo_bars(self, count: int) -> None:
        """Back to the bar line so many bars ago; of a bar that has begun, its start is the first.

        Raises:
            ConfigError: if so many are not remembered.
        """
        line = self.line_ticks
        _, length = self._bar(line - 1 if line else 0)
        target = line - count * length
        if target < self._marks[0].free_ticks:
            most = (line - self._marks[0].free_ticks) // length
            raise ConfigError(
                f"The last {most} bars can be taken back; asked for {count}.",
                next_step=f"Up to {HISTORY_BARS} bars are remembered, none from before a snapshot.",
            )
        marks = (i for i, mark in enumerate(self._marks) if mark.free_ticks >= target)
        if (mark := next(marks, None)) is not None:
            self._go_back(mark)
        else:
            self._undraw()
        self._instant = replace(self._instant, reached_ticks=target)

    def _go_back(self, index: int) -> None:
        mark = self._marks[index]
        del self._marks[index + 1 :], self._events[mark.events :]
        self._take_up(mark.instant)

    def _now(self) -> Instant:
        drawn = self._drawn
        rng = self._writer.rng.bit_generator.state if drawn is None else drawn.rng
        return replace(self._instant, rng=rng)

    def _mark(self) -> _Mark:
        free = self.line_ticks if self._fresh else self.onset_ticks + 1
        return _Mark(len(self._events), free, self._now())

    def _note_bar(self, bar_ticks: int) -> None:
        """Mark the bar that the event which is drawn begins."""
        mark = _Mark(len(self._events), bar_ticks, self._now())
        if mark[:2] != self._marks[-1][:2]:
            self._marks.append(mark)
        while len(self._marks) > HISTORY_BARS or (
            len(self._marks) > 1 and mark.events - self._marks[0].events > _HISTORY_EVENTS
        ):
            del self._marks[0]

    def _forget(self) -> None:
        """Drop now and then what neither the future nor a mark depends on."""
        if len(self._events) < self._thin_at:
            return
        first = self._marks[0].events
        form = self._marks[0].instant.settings.form
        needed = None if form is None else form.needed_ticks
        kept, self._skipped = drop_forgotten(self._events[:first], self._skipped, needed)
        self._events[:first] = kept
        self._thin_at = len(self._events) + _THIN_EVERY
        gone = first - len(kept)
        self._marks = [mark._replace(events=mark.events - gone) for mark in self._marks]
        oldest = self._events[self._skipped][0]
        tempos = self._instant.tempos
        before = [tempo for tempo in tempos if tempo.tick <= oldest]
        if len(before) > 1:
            tempos = tempos[len(before) - 1 :]
            self._instant = replace(self._instant, tempos=tempos)

    # --- as a piece -------------------------------------------------------------------------------

    def piece(self, bars: int | None = None) -> Piece:
        """The last bars, the one that has begun with them; or all that is remembered.

        What sounds on is cut at the bar line.

        Raises:
            InputError: if there are no notes in them.
        """
        line = self.line_ticks
        start = self._first_line()
        if bars is not None:
            _, length = self._bar(max(0, line - 1))
            start = max(start, line - bars * length)
        chosen = [(onset, event) for onset, event in self._latest(start) if onset >= start]
        return piece_of(chosen, start, line, self._instant.tempos, self.metres)

    def _first_line(self) -> int:
        """The bar line from which on every event is remembered."""
        if not self._skipped:
            return 0
        start, length = self._bar(self._events[self._skipped - 1][0])
        return start + length


def _with_shift(event: Event, shift: int) -> Event:
    _, part, pitch, duration, velocity = event
    return shift, part, pitch, duration, velocity
