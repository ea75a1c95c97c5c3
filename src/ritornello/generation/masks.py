"""Rules as masks: which classes of a field are allowed for the next event of one piece.

An event is drawn field by field: shift, part, pitch, duration, velocity. Where the network gives
logits z(c), class c is drawn with probability exp(z(c) / temperature) * m(c), normalised, and m is
the mask, 0 or 1: what a rule forbids is never drawn, and what it allows keeps its odds.

The masks join the encoding's own (one legal spelling), what is given, and a person's rules. They
look one step ahead so that no choice leads into a corner: a shift is open only where some part can
then play, or where a given event comes. Choosing the tick and the part of the next given event
means that it comes and nothing is composed before it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from copy import copy
from math import ceil
from typing import Any

import numpy as np

from ritornello.generation.current_rhythms import CurrentRhythms
from ritornello.generation.figures import Figures
from ritornello.generation.job import ENDLESS, Job
from ritornello.generation.open_spans import OpenSpans
from ritornello.generation.pace import Pace, paces_of
from ritornello.generation.pitches import Pitches
from ritornello.generation.tune import Steps
from ritornello.generation.voice_leading import VoiceLeading
from ritornello.generation.voicings import Voicing, leaving_room
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.notes import (
    DRUM_PITCH,
    DURATIONS,
    END,
    MAX_SHIFT,
    NONE,
    PITCH,
    REST,
    SIZES,
    START,
    TEMPO,
    TEMPO_PITCH,
)

_DURATION_TICKS: list[int] = DURATIONS.tolist()
_REST = (MAX_SHIFT, REST, *NONE[PITCH:])
_AT_ONCE: np.ndarray = np.arange(SIZES[0]) == 0  # no shift but 0
_FIRST_DURATIONS = np.tri(len(DURATIONS) + 1, len(DURATIONS), -1, bool)  # row n allows n of them
_ALL_DURATIONS: np.ndarray = _FIRST_DURATIONS[-1]


class RuleMasks:
    """The masks of one piece, and what they need to remember of it."""

    def __init__(self, job: Job) -> None:
        rules = job.rules
        self.job = job
        self.pitch_rules = Pitches(job)
        self._voices = VoiceLeading(job.voices, job.beat_chords)
        self._spans = OpenSpans(job)
        self._parts = self._spans.parts
        self._index = {part: index for index, part in enumerate(self._parts)}
        self._polyphony = [job.polyphony_of(part) for part in self._parts]
        self._sounding: list[list[int]] = [[] for _ in self._parts]  # ends of held notes
        self._free_from = [0] * len(self._parts)
        self._all_free = 0  # the largest of them
        self._missing = {part for opening in job.openings if opening.required
                         for part in opening.parts}  # fmt: skip
        # Who may not rest for longer than that, and when each has rested long enough.
        self._longest_rest = {
            part: opening.longest_rest_ticks
            for opening in job.openings
            if opening.longest_rest_ticks is not None
            for part in opening.parts
        }
        self._rested = {part: job.start_ticks + rest for part, rest in self._longest_rest.items()}
        # Where the last opening of each part begins and ends: its last chance to play.
        self._last_span = {
            part: max((span.start_ticks, span.end_ticks) for span in spans)
            for part, spans in zip(self._parts, self._spans.of_part, strict=True)
        }
        self.onset_ticks = 0
        self._part, self._above = START, NONE[PITCH]  # lowest pitch it may strike at once with it
        self._tune_part = None if job.tune is None else job.tune.part
        self._steps, self._figures = Steps(), Figures()  # of the tune alone
        self.ahead: tuple[int, tuple[int, ...]] | None = None  # the next given event
        if job.given.events:
            self.ahead = job.given.events[0]
        self._found: tuple[int, Any, list[int], list[int]] | None = None  # see `_who_may`
        asked = rules.tempo_bpm
        self._tempo_class = None if asked is None else notes.tempo_class(asked) + TEMPO_PITCH
        self._rhythms = CurrentRhythms(job)
        self._struck_now: set[int] = set()  # parts, at the present tick
        self._voicings = dict.fromkeys(job.rhythms.strokes, Voicing())
        self._paces = {self._index[part]: pace for part, pace in paces_of(job).items()}
        self._not_before = [0] * len(self._parts)  # as far as paces go
        # Where nothing but an END is given, the piece is told its tempo by its first event.
        self._writes_tempo = all(fields[1] == END for _, fields in job.given.events)
        self._pace: Pace | None = None
        if rules.density is not None and self._writes_tempo:
            self._pace = Pace(rules.density, job.start_ticks)

    def copy(self) -> RuleMasks:
        twin = object.__new__(RuleMasks)
        twin.__dict__.update(self.__dict__)
        twin._sounding = [list(ends) for ends in self._sounding]
        twin._free_from = list(self._free_from)
        twin._spans, twin._rhythms = copy(self._spans), self._rhythms.copy()
        twin._missing = set(self._missing)
        twin._rested = dict(self._rested)
        twin._struck_now = set(self._struck_now)
        twin._voicings = dict(self._voicings)
        twin.pitch_rules = self.pitch_rules.copy()
        twin._voices = self._voices.copy()
        twin._paces = {index: pace.copy() for index, pace in self._paces.items()}
        twin._not_before = list(self._not_before)
        twin._pace = None if self._pace is None else self._pace.copy()
        return twin

    @property
    def forced_event(self) -> tuple[int, tuple[int, ...]] | None:
        """The onset and fields of the event that comes now, as nothing can be composed before it.

        A given event, or a rest on the way to it; None where there is a choice.
        """
        if self.ahead is None or (self._part == START and self._writes_tempo):
            return None
        onset, fields = self.ahead
        if onset - self.onset_ticks > MAX_SHIFT:
            onset, fields = self.onset_ticks + MAX_SHIFT, _REST
        before = onset + (fields[1] != END)
        return None if self._spans.opens_before(self.onset_ticks, before) else (onset, fields)

    # --- masks, in the order of the fields ----------------------------------------------------

    def shifts(self) -> np.ndarray:
        """Ticks that may pass before the next event, bool [shifts]; a tempo comes first."""
        if self._part == START and self._writes_tempo:
            return _AT_ONCE
        now = self.onset_ticks
        here, overdue = self._who_may(0)
        if overdue or (here and self._part != START and self.pitch_rules.closing_missing(now)):
            return _AT_ONCE
        # A shift s leads to t = now + s. It is legal if some part is open there and has room under
        # its polyphony (t >= free), but never past the next given event.
        free = self._free_from
        if self._paces:
            free = [*map(max, self._free_from, self._not_before)]
        legal = self._spans.shifts(now, free)
        closing = self.pitch_rules.closing_ticks
        if self._paces and closing is not None and 0 < closing - now <= MAX_SHIFT:
            # Nobody is too far ahead of a density for the last chord.
            open_then = self._spans.open_at(now, closing, range(len(self._parts)))
            legal[closing - now] |= any(self._free_from[i] <= closing for i in open_then)
        ahead = ENDLESS if self.ahead is None else self.ahead[0] - now
        legal[MAX_SHIFT] = True  # a rest at least
        legal[min(ahead, len(legal)) + 1 :] = False
        if ahead <= MAX_SHIFT:
            legal[ahead] = True
        self._reach_what_must_come(legal)
        if self.job.beat_chords is not None or self._paces or self._rhythms.holds:
            self._keep_parts_playing(legal)
        legal[0] = len(here) > 0 or ahead == 0
        if not np.count_nonzero(legal):
            legal[min(ahead, MAX_SHIFT)] = True
        if self._pace is not None and not self.pitch_rules.closing(now):
            legal = self._pace.narrow(legal, now)
        return legal

    def _reach_what_must_come(self, legal: np.ndarray) -> None:
        """Close the shifts that leave too little room for parts that have not played yet."""
        now = self.onset_ticks
        end, closing = self.job.end_ticks, self.pitch_rules.closing_ticks
        if closing is not None and now >= closing:
            legal[1 : min(end - now, len(legal))] = False
        elif closing is not None:
            end = closing
            legal[min(end - now, MAX_SHIFT) + 1 :] = False
        if self._missing and end != ENDLESS and now < end:
            spans = (self._last_span[part] for part in self._missing)
            last_chances = sorted((min(stop, end), start) for start, stop in spans)
            for count, (stop, start) in enumerate(last_chances, 1):
                # A tick for each part; where a span begins late, there all of its parts begin.
                if stop > now:
                    legal[max(2, start - now + 1, stop - now + 1 - count) :] = False

    def _keep_parts_playing(self, legal: np.ndarray) -> None:
        """Close the shifts beyond the moment at which a voice falls silent, or a note is late."""
        now = self.onset_ticks
        last = [*self._late(now).items()]
        if self.job.beat_chords is not None:
            last += self._rested.items()
        ticks = [tick for part, tick in last if tick > now and self._opens(part, tick)]
        ticks += self._rhythms.next_ticks(now)
        stop = min(ticks, default=ENDLESS) - now
        if stop < min(len(legal), ENDLESS if self.ahead is None else self.ahead[0] - now):
            first = int(np.argmax(legal[stop:])) + stop  # where it is possible from then on
            legal[first + 1 :] = False

    def parts(self, shift: int) -> np.ndarray:
        """Parts, rest, tempo or end that may come after a shift, bool [parts]."""
        legal = np.zeros(SIZES[1], bool)
        onset = self.onset_ticks + shift
        if self._part == START and self._writes_tempo:
            legal[TEMPO] = True
            return legal
        allowed, overdue = self._who_may(shift)
        come = self.ahead is not None and self.ahead[0] == onset
        if overdue:
            # At the last chord, and of voices, those earlier in the order could not follow.
            closing = self.pitch_rules.closing(onset)
            in_turn = closing or self.job.beat_chords is not None
            legal[overdue[:1] if in_turn else overdue] = True
            if closing and shift == 0 and self._part in allowed:
                legal[self._part] = True  # who strikes it may go on
            # So are those of a rhythm, but others may come before them.
            if self._rhythms.holds and not in_turn:
                legal[overdue] = False
                legal[[part for part in allowed if part <= overdue[0]]] = True
            return legal
        legal[allowed] = True
        if come and self.ahead is not None:
            # Whoever comes before the given note cannot strike the last chord after it.
            must = self.pitch_rules.closing_missing(onset) and len(allowed) > 0
            legal[self.ahead[1][1]] = not must
        else:
            # Nothing begins on the tick of a rest, so none may come where the last chord must.
            legal[REST] = shift == MAX_SHIFT and not self.pitch_rules.closing_missing(onset)
            legal[TEMPO] = (
                self._writes_tempo and self._tempo_class is None and shift > 0
                and onset < self.job.end_ticks and not self.pitch_rules.closing(onset)
            )  # fmt: skip
        return legal

    def pitches(self, shift: int, part: int) -> np.ndarray:
        """bool [pitches]; all of them for a part that has none to choose."""
        if part == TEMPO and self._writes_tempo:
            legal = np.zeros(SIZES[PITCH], bool)
            legal[slice(TEMPO_PITCH, None) if self._tempo_class is None else self._tempo_class] = (
                True
            )
            return legal
        if part >= REST or part not in self._index:
            return np.ones(SIZES[PITCH], bool)
        onset = self.onset_ticks + shift
        legal = self._voices.apply_rules(self.pitch_rules.allowed(part, onset), part, onset).copy()
        begun = shift == 0 and part == self._part
        if begun or part in self._voicings:
            legal = self._may_add(part, onset, legal, begun=begun)
        elif self._tune_part == part:
            left = self._figures.third_time(onset, part) if self._in_bar(onset) else []
            left = [*left, *self._steps.to_leave(onset)]
            if left and legal.sum() > len(left):
                legal[left] = False
        if left_again := self._left_again(part, onset):
            legal[:] = False
            legal[left_again[0]] = True
        if (given := self.given_pitch(shift, part)) is not None:
            # It comes next, unless a lower one is composed; where one must be, that goes first.
            legal[given:] = False
            legal[given] = not (np.count_nonzero(legal) and part in self._due(onset))
        return legal if np.count_nonzero(legal) else np.ones(SIZES[PITCH], bool)

    def _left_again(self, part: int, onset: int) -> tuple[int, ...] | None:
        """What a part has yet to strike of the chord that it strikes again; None where it is free.

        It is free as well where the rules do not allow all of that chord any more.
        """
        held = self._rhythms.stroke(part, onset)
        if held is None or not held.again:
            return None
        voicing, allowed = self._voicings[part], self.pitch_rules.allowed(part, onset)
        chord = voicing.last(onset)
        return voicing.left(onset) if chord and allowed[[*chord]].all() else None

    def _in_bar(self, onset: int) -> bool:
        """Whether a tick is in the bar in which the tune struck last."""
        return self.pitch_rules.bar(onset)[0] == self._figures.bar_ticks

    def given_pitch(self, shift: int, part: int) -> int | None:
        """The pitch of the next given note if it is of a shared part, open then, after a shift.

        With it the drawn pitch says whether the given note comes or a composed one before it.
        """
        if self.ahead is None or part not in self.job.shared_parts:
            return None
        onset, fields = self.ahead
        comes = onset == self.onset_ticks + shift and fields[1] == part
        return fields[2] if comes and self._opens(part, onset) else None

    def durations(self, shift: int, part: int, pitch: int) -> np.ndarray:
        """bool [durations]: those that end with the opening, or the piece, at the latest.

        A voice sings a pitch no longer than the chords of the beats have it.
        """
        if not TEMPO < part < REST:
            return _ALL_DURATIONS
        onset = self.onset_ticks + shift
        end = ENDLESS if self.job.length_ticks is None else self.job.length_ticks
        if part in self._index:
            if (span := self._spans.at(self._index[part], onset)) is not None:
                until = span.sounds_until_ticks
                end = min(end, span.end_ticks if until is None else until)
            if self.job.beat_chords is not None:
                is_bass = part == self.job.voices[-1]
                stays = self.job.beat_chords.stays_until(onset, pitch, is_bass=is_bass)
                end = min(end, stays or end)
            if not self.pitch_rules.closing(onset):  # nothing of it comes after the last chord
                end = min(end, self._free_by(self._index[part], onset))
        closing = self.pitch_rules.closing_ticks
        shortest = 0
        if closing is not None:
            end = min(end, self.pitch_rules.closing_end(onset, part))
            shortest = self.pitch_rules.closing_shortest(onset, part)
        if end == ENDLESS:
            return _ALL_DURATIONS
        longest = max(1, bisect_right(_DURATION_TICKS, end - onset))
        legal: np.ndarray = _FIRST_DURATIONS[longest]
        if (held := self._rhythms.stroke(part, onset)) is not None:
            longest = min(longest, max(1, bisect_right(_DURATION_TICKS, held.duration_ticks)))
            legal = _FIRST_DURATIONS[longest] & ~_FIRST_DURATIONS[longest - 1]
        if shortest:
            legal = legal & ~_FIRST_DURATIONS[min(shortest, longest - 1)]
        return legal

    def _free_by(self, index: int, onset: int) -> int:
        """The tick at which a note that begins now must end, so that the next is not late."""
        part, limit = self._parts[index], self._polyphony[index]
        if self._rhythms.is_held(part):
            following = self._rhythms.next_of(part, onset) or ENDLESS
            ringing = sum(end > following for end in self._sounding[index])
            return ENDLESS if limit is None or ringing + 1 < limit else following
        if index not in self._paces or limit is None:
            return ENDLESS
        pace = self._paces[index].copy()
        pace.take(onset)
        return max(onset + 1, int(pace.latest_ticks(onset)))

    # --- memory -------------------------------------------------------------------------------

    def advance(
        self,
        event: tuple[int, ...],
        ahead: tuple[int, tuple[int, ...]] | None,
        *,
        composed: bool = True,
    ) -> None:
        """Take the event as written, composed or given, and what is given next."""
        shift, part, pitch, duration, _ = event
        self._found = None
        self.onset_ticks += shift
        if shift:
            self._struck_now.clear()
        self._struck_now.add(part)
        # Nobody strikes keys a semitone apart at once: of real chords 2 to 17 in 1,000 have two.
        self._part, self._above = part, pitch + (1 if pitch >= DRUM_PITCH else 2)
        self.ahead = ahead
        if not TEMPO < part < REST:
            return
        if self._rhythms.advance(self.onset_ticks, part, _DURATION_TICKS[duration]):
            self._spans.answer(self._rhythms.answer)
        if part == self._tune_part:
            self._steps = self._steps.after(self.onset_ticks, pitch)
            start, length = self.pitch_rules.bar(self.onset_ticks)
            self._figures = self._figures.struck(start, length, self.onset_ticks, part, pitch)
        # In a shared part the given notes are those of others, and say nothing of who must play.
        is_own = composed or part not in self.job.shared_parts
        if is_own:
            self._missing.discard(part)
        if self._pace is not None:
            self._pace.take(self.onset_ticks)
        if is_own and part in self._rested:
            ends = self.onset_ticks + _DURATION_TICKS[duration]
            self._rested[part] = max(self._rested[part], ends + self._rest(part, ends))
        for rules in (self.pitch_rules, self._voices):
            rules.advance(self.onset_ticks, part, pitch, _DURATION_TICKS[duration])
        if part in self._voicings:
            self._voicings[part] = self._voicings[part].struck(self.onset_ticks, pitch)
        if part not in self._index:
            return
        index = self._index[part]
        if index in self._paces and composed:
            self._paces[index].take(self.onset_ticks)
            self._not_before[index] = ceil(self._paces[index].earliest_ticks)
        limit = self._polyphony[index]
        if limit is not None:
            held = [end for end in self._sounding[index] if end > self.onset_ticks]
            held.append(self.onset_ticks + _DURATION_TICKS[duration])
            held.sort()
            # With at most n notes at once there is room when the n-th last of the held ones ends.
            self._sounding[index] = held
            self._free_from[index] = held[-limit] if len(held) >= limit else 0
            self._all_free = max(self._free_from)

    def _rest(self, part: int, tick: int) -> int:
        """Ticks that a part may rest from a tick on."""
        rest, tune = self._longest_rest[part], self.job.tune
        return rest if tune is None or part != tune.part else tune.longest_rest(tick, rest)

    def _who_may(self, shift: int) -> tuple[list[int], list[int]]:
        """Allowed parts after a shift, and those overdue; found once until an event is written."""
        if self._found is None or self._found[:2] != (shift, self.ahead):
            allowed = self._open(shift)
            due = self._due(self.onset_ticks + shift)
            self._found = shift, self.ahead, allowed, [part for part in allowed if part in due]
        return self._found[2:]

    def _open(self, shift: int) -> list[int]:
        """The allowed parts that may play after a shift; part classes, ascending."""
        onset, first, last = self.onset_ticks + shift, 0, len(self._parts)
        if self.pitch_rules.over(onset):
            return []
        if shift == 0 and self._part != START:  # only what comes after the previous event
            first = bisect_left(self._parts, self._part)
            if self._parts[first : first + 1] == [self._part]:
                first += self._is_full(onset)
        if self.ahead is not None and self.ahead[0] == onset:  # and before the given one
            last = bisect_left(self._parts, self.ahead[1][1])
            last += self._has_room_below_given(shift)
        indices = self._spans.open_at(self.onset_ticks, onset, range(first, last))
        if onset < self._all_free:
            indices = [i for i in indices if self._free_from[i] <= onset]
        if self._paces and not self.pitch_rules.closing(onset):
            indices = [i for i in indices if self._not_before[i] <= onset]
        return [self._parts[i] for i in indices]

    def _has_room_below_given(self, shift: int) -> bool:
        """Whether the part of the next given note, if shared, may play a lower pitch before it."""
        if self.ahead is None or (given := self.given_pitch(shift, self.ahead[1][1])) is None:
            return False
        onset, (_, part, *_) = self.ahead
        above = self._above if shift == 0 and part == self._part else 0
        return bool(self.pitch_rules.allowed(part, onset)[above:given].any())

    def _is_full(self, onset: int) -> bool:
        """Whether the last part can add no note to its chord at this onset.

        It has come to its highest pitch, has struck all that its rhythm states, or ends on as large
        a chord as it ever played.
        """
        stated = self._yet_to_strike(self._part, onset)
        if stated is not None and stated[1] <= 0:
            return True
        ends = self.pitch_rules.closing_left(onset)[1] <= 0
        if stated is not None:
            allowed = self.pitch_rules.allowed(self._part, onset).copy()
            ends |= not np.count_nonzero(self._may_add(self._part, onset, allowed, begun=True))
        return ends or self.pitch_rules.highest(self._part, onset) < self._above

    def _may_add(self, part: int, onset: int, legal: np.ndarray, *, begun: bool) -> np.ndarray:
        """Those of the pitches, written to, that a part may strike with what it has struck."""
        legal[: self._above if begun else 0] = False
        if (held := self._rhythms.stroke(part, onset)) is not None and held.distinct:
            legal &= ~self._voicings[part].classes(onset)
            legal = leaving_room(legal, held.least - self.pitch_rules.struck * begun)
        return legal

    def _yet_to_strike(self, part: int, onset: int) -> tuple[int, int] | None:
        """How many notes more the last part strikes by its rhythm, at least and at most; None where
        that is open."""
        held = self._rhythms.stroke(part, onset)
        if held is None:
            return None
        if (left := self._left_again(part, onset)) is not None:
            return len(left), len(left)
        struck = self.pitch_rules.struck
        return held.least - struck, held.most - struck

    def _due(self, onset: int) -> set[int]:
        """The parts that must play at last: in the second half, or after a long rest."""
        due = {part for part, rested in self._rested.items() if rested <= onset}
        closing = self.pitch_rules.closing(onset)
        if closing:
            due |= self.pitch_rules.not_closed
            due |= {self._part} if self.pitch_rules.closing_left(onset)[0] > 0 else set()
        if self._missing:
            due |= {part for part in self._missing if closing or self._is_late(part, onset)}
        if self._paces:
            due |= {part for part, latest in self._late(onset).items() if latest <= onset}
        if self._rhythms.holds:
            struck = self._struck_now if onset == self.onset_ticks else frozenset()
            owed = self._rhythms.due(onset)
            due |= owed - struck
            if self._part in owed & struck:
                stated = self._yet_to_strike(self._part, onset)
                due |= {self._part} if stated and stated[0] > 0 else set()
        return due

    def _late(self, now: int) -> dict[int, int]:
        """By part class the tick at which its next note is late, of parts with a pace."""
        return {self._parts[i]: int(pace.latest_ticks(now)) for i, pace in self._paces.items()}

    def _is_late(self, part: int, onset: int) -> bool:
        """Whether less than half of the last opening of a part is left; never in endless music."""
        start, end = self._last_span[part]
        return end != ENDLESS and onset >= (start + end) // 2

    def _opens(self, part: int, onset: int) -> bool:
        return self._spans.at(self._index[part], onset) is not None
