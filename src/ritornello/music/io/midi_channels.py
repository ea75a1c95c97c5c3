"""The parts in the events of MIDI tracks: whose program, which kit, which release ends which note.

A synthesizer has sixteen channels a port, and all tracks play on them: a program, a bank or a
controller that one track sets on a channel counts for another that plays there and sets none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from ritornello.music.controls import BANK
from ritornello.music.io.midi_events import SYSTEM_EXCLUSIVE, Message, TrackEvents
from ritornello.music.note_tables import ALL_PITCHES, BEND_DTYPE, CONTROL_DTYPE, PRESSURE_DTYPE

_NEVER_TICKS = 2**40
_DRUM_CHANNEL = 9
_PORT = 0x21
_SILENCES = (120, 123, 124, 125, 126, 127)  # controllers that turn all notes of a channel off
# Banks of drum kits: General MIDI 2 has 120, XG 127 and, of effects, 126; 121 is melodic in GM2.
# Roland's GS has other sounds in bank 127.
_GM2_DRUMS, _GM2_MELODIC, _XG_DRUMS = 120, 121, (126, 127)
MEANT_AS_KITS = (_GM2_DRUMS, *_XG_DRUMS)
_GS, _XG = b"\x41", b"\x43"
_GS_MODEL, _GS_RESET = b"\x42\x12", b"\x42\x12\x40\x00\x7f\x00"
_XG_ON = b"\x4c\x00\x00\x7e\x00"

Place = tuple[int, int]  # port and channel
Change = tuple[int, int, int]  # tick, track and value
Changes = dict[Place, list[Change]]  # in order of time, and of tracks


@dataclass
class Part:
    """What one channel of one track plays with one program.

    Attributes:
        chunk: the track.
        notes: time, duration, pitch and velocity, each int64 [notes], in any order.
        is_lost: bool [notes], which were never released.
        playing: fields of `Track` that say how it is played.
    """

    chunk: int
    program: int
    is_drum: bool
    notes: dict[str, np.ndarray]
    is_lost: np.ndarray
    playing: dict[str, Any] = field(default_factory=dict)


def parts_of(tracks: Sequence[TrackEvents], quarter_ticks: int) -> tuple[list[Part], int]:
    """The parts of all tracks, and how many controllers belong to channels that play nothing.

    Args:
        quarter_ticks: how long a note lasts at most that was never released.
    """
    end_ticks = max((events.end_tick for events in tracks), default=0)
    tables = [_Table.of(events) for events in tracks]
    programs, drums = _programs(tables), _drums(tables)
    elsewhere, unheard = _setups(tables)
    parts: list[Part] = []
    players = 0
    for number, table in enumerate(tables):
        for channel in table.playing:
            place = (table.port, channel)
            notes = _paired(table, channel, quarter_ticks, end_ticks)
            playing_now = _playing(table, channel, elsewhere.get(place, ()))
            found = [
                replace(part, chunk=number, playing=playing_of(playing_now, is_drum=part.is_drum))
                for part in _by_sound(table, channel, number, notes, programs[place], drums[place])
            ]
            if len(found) > 1:
                players += 1
                for part in found:
                    part.playing["player"] = players
            parts += found
    return parts, unheard


@dataclass
class _Table:
    """The channel events of a track as columns, each int64 [events]."""

    port: int
    ticks: np.ndarray
    kinds: np.ndarray
    channels: np.ndarray
    firsts: np.ndarray
    seconds: np.ndarray
    messages: list[Message]

    @classmethod
    def of(cls, events: TrackEvents) -> _Table:
        def column(values: bytearray) -> np.ndarray:
            return np.frombuffer(values, np.uint8).astype(np.int64)

        ports = [m.payload[0] for m in events.messages if m.kind == _PORT and m.payload]
        statuses = column(events.statuses)
        return cls(
            ports[0] if ports else 0,
            np.frombuffer(events.ticks, np.int64),
            statuses & 0xF0,
            statuses & 0x0F,
            column(events.firsts),
            column(events.seconds),
            events.messages,
        )

    def of_kind(self, kind: int, channel: int) -> np.ndarray:
        """Indices of the events of a kind on a channel."""
        return np.flatnonzero((self.kinds == kind) & (self.channels == channel))

    @cached_property
    def is_onset(self) -> np.ndarray:
        """bool [events], which begin a note."""
        result: np.ndarray = (self.kinds == 0x90) & (self.seconds > 0)
        return result

    @cached_property
    def _statuses(self) -> list[int]:
        """Kind and channel of its events, each once."""
        found: list[int] = np.flatnonzero(np.bincount(self.kinds | self.channels)).tolist()
        return found

    def control_kinds(self, channel: int) -> list[int]:
        """The kinds of its events on a channel that are no notes and no programs."""
        kinds = (status & 0xF0 for status in self._statuses if status & 0x0F == channel)
        return [kind for kind in kinds if kind >= 0xA0 and kind != 0xC0]

    @property
    def control_channels(self) -> set[int]:
        """The channels that have such events."""
        return {each & 0x0F for each in self._statuses if each >= 0xA0 and each & 0xF0 != 0xC0}

    @cached_property
    def playing(self) -> list[int]:
        """The channels it has notes on, in the order of their first ones."""
        channels, first = np.unique(self.channels[self.is_onset], return_index=True)
        found: list[int] = channels[np.argsort(first)].tolist()
        return found


def _programs(tables: Iterable[_Table]) -> Changes:
    changes: Changes = defaultdict(list)
    for number, table in enumerate(tables):
        for index in np.flatnonzero(table.kinds == 0xC0).tolist():
            place = (table.port, int(table.channels[index]))
            changes[place].append((int(table.ticks[index]), number, int(table.firsts[index])))
    for found in changes.values():
        found.sort(key=lambda change: change[:2])
    return changes


def _drums(tables: Iterable[_Table]) -> Changes:
    """Where a channel becomes a drum kit (1) or ceases to be one (0)."""
    tables = list(tables)
    messages = [
        (number, table.port, message)
        for number, table in enumerate(tables)
        for message in table.messages
        if message.kind == SYSTEM_EXCLUSIVE
    ]
    is_gs = any(m.payload[:1] == _GS and m.payload[2:8] == _GS_RESET for *_, m in messages)
    is_xg = any(m.payload[:1] == _XG and m.payload[2:7] == _XG_ON for *_, m in messages)
    kits = (_GM2_DRUMS, *(_XG_DRUMS if is_xg or not is_gs else ()))
    changes: Changes = defaultdict(list)
    for number, table in enumerate(tables):
        for index in np.flatnonzero((table.kinds == 0xB0) & (table.firsts == BANK)).tolist():
            channel, bank = int(table.channels[index]), int(table.seconds[index])
            # Channel 10 is drums whatever bank is asked for, but for the melodic one of GM2.
            if bank in kits or channel != _DRUM_CHANNEL or bank == _GM2_MELODIC:
                change = (int(table.ticks[index]), number, int(bank in kits))
                changes[table.port, channel].append(change)
    for number, port, (tick, _, payload) in messages:
        if payload[:1] == _GS and payload[2:5] == _GS_MODEL + b"\x40" and len(payload) >= 8:
            block, address, value = payload[5:8]
            if block & 0xF0 == 0x10 and address == 0x15:
                channel = _gs_channel(block & 15)
                changes[port, channel].append((tick, number, int(value > 0)))
        elif payload[:1] == _XG and payload[2:4] == b"\x4c\x08" and len(payload) >= 7:
            part, address, value = payload[4:7]
            if part < 16 and address == 7:
                changes[port, part].append((tick, number, int(value > 0)))
    for found in changes.values():
        found.sort(key=lambda change: change[:2])
    return changes


def _gs_channel(block: int) -> int:
    """GS counts its part blocks 10, 1 to 9, 11 to 16."""
    if block == 0:
        return _DRUM_CHANNEL
    return block - 1 if block <= 9 else block


def _setups(tables: Sequence[_Table]) -> tuple[dict[Place, list[tuple[_Table, int]]], int]:
    """Tracks that set controllers on channels on which they play nothing themselves."""
    heard = {(table.port, channel) for table in tables for channel in table.playing}
    found: dict[Place, list[tuple[_Table, int]]] = defaultdict(list)
    unheard = 0
    for table in tables:
        is_control = (table.kinds >= 0xA0) & (table.kinds != 0xC0)
        for channel in sorted(table.control_channels.difference(table.playing)):
            if (table.port, channel) in heard:
                found[table.port, channel].append((table, channel))
            else:
                unheard += int((is_control & (table.channels == channel)).sum())
    return found, unheard


def _by_sound(
    table: _Table,
    channel: int,
    number: int,
    notes: _Paired,
    programs: list[Change],
    drums: list[Change],
) -> list[Part]:
    """The notes of a channel by program and kit, in the order in which these come."""
    rows = notes.rows
    ticks = table.ticks[rows]
    # The program that stands: the last the track itself set, or else the last of any track.
    own = table.of_kind(0xC0, channel)
    last_own = np.searchsorted(own, rows) - 1
    sounding = _standing(programs, ticks, number, 0)
    has_own = last_own >= 0
    sounding[has_own] = table.firsts[own[last_own[has_own]]]
    keys = sounding * 2 + _standing(drums, ticks, number, int(channel == _DRUM_CHANNEL))
    parts = []
    for key in dict.fromkeys(keys.tolist()):
        here = keys == key
        program, is_drum = divmod(key, 2)
        parts.append(
            Part(
                0,
                program,
                bool(is_drum),
                {
                    "time": notes.onsets[here],
                    "duration": notes.durations[here],
                    "pitch": table.firsts[rows[here]],
                    "velocity": table.seconds[rows[here]],
                },
                notes.is_lost[here],
            )
        )
    return parts


def playing_of(playing: dict[str, Any], *, is_drum: bool) -> dict[str, Any]:
    """How a part is played, without the banks that only say whether it is a drum kit."""
    controls = playing.get("controls")
    if not isinstance(controls, np.ndarray):
        return dict(playing)
    banks = controls["number"] == BANK
    if not banks.any():
        return dict(playing)
    meant = (*MEANT_AS_KITS, _GM2_MELODIC) if is_drum else MEANT_AS_KITS
    kept = controls[~(banks & np.isin(controls["value"], meant))]
    kept.flags.writeable = False
    return {**playing, "controls": kept}


def _standing(changes: list[Change], ticks: np.ndarray, number: int, default: int) -> np.ndarray:
    """The value that stands at each tick for a track, int64 [ticks].

    Of one tick a track hears what itself and those before it set, and else what any track sets.
    """
    if not changes:
        return np.full(len(ticks), default, np.int64)
    at, tracks, values = np.array(changes, np.int64).T
    heard_at = 2 * at + (tracks > number)
    order = np.argsort(heard_at, kind="stable")
    heard = np.searchsorted(heard_at[order], 2 * ticks, side="right") - 1
    any_heard = np.searchsorted(at, ticks, side="right") - 1
    found = np.append(values, default)[any_heard]
    found[heard >= 0] = values[order][heard[heard >= 0]]
    return found


class _Paired(NamedTuple):
    """The notes of a channel: int64 [notes], with the rows of their beginnings in the table."""

    rows: np.ndarray
    onsets: np.ndarray
    durations: np.ndarray
    is_lost: np.ndarray


def _paired(table: _Table, channel: int, quarter_ticks: int, end_ticks: int) -> _Paired:
    """Of one pitch the note that began first ends first.

    Where releases are lost, each of those that are left ends the note struck nearest before it, so
    that the loss harms one note only.
    """
    is_note = (table.channels == channel) & ((table.kinds == 0x80) | (table.kinds == 0x90))
    rows = np.flatnonzero(is_note)
    ons = table.is_onset[rows]
    order = np.argsort(table.firsts[rows], kind="stable")
    begins, releases = order[ons[order]], order[~ons[order]]
    if not _is_whole(table.firsts[rows][order], ons[order]):
        is_silence = np.isin(table.firsts, _SILENCES) & (table.kinds == 0xB0)
        silences = table.ticks[is_silence & (table.channels == channel)].tolist()
        return _paired_one_by_one(table, rows, ons, silences, quarter_ticks, end_ticks)
    # By pitch and time, the first beginning and the first release make a note, and so on.
    ticks = table.ticks[rows]
    until = np.zeros(len(rows), np.int64)
    until[begins] = ticks[releases]
    onsets = ticks[ons]
    return _Paired(rows[ons], onsets, until[ons] - onsets, np.zeros(len(onsets), bool))


def _is_whole(pitches: np.ndarray, ons: np.ndarray) -> bool:
    """Whether each note is released, and each release has a note; events by pitch and time."""
    sounding = np.cumsum(np.where(ons, 1, -1))
    pitch_ends = np.append(np.flatnonzero(np.diff(pitches)), len(pitches) - 1)
    return bool((sounding >= 0).all() and not sounding[pitch_ends].any())


def _paired_one_by_one(
    table: _Table,
    rows: np.ndarray,
    on: np.ndarray,
    silences: list[int],
    quarter_ticks: int,
    end_ticks: int,
) -> _Paired:
    pitches, ons, ticks = table.firsts[rows].tolist(), on.tolist(), table.ticks[rows].tolist()
    begun: dict[int, list[int]] = defaultdict(list)  # of a pitch: its notes, as a stack
    for index, (pitch, is_on) in enumerate(zip(pitches, ons, strict=True)):
        if is_on:
            begun[pitch].append(index)
        elif stack := begun[pitch]:
            # One at the very tick of the last strike rather ends the note before that.
            stack.pop(-2 if len(stack) > 1 and ticks[stack[-1]] == ticks[index] else -1)
    lost = {index for stack in begun.values() for index in stack}
    ends: dict[int, int] = {}
    waiting: dict[int, deque[int]] = defaultdict(deque)
    for index, (pitch, is_on) in enumerate(zip(pitches, ons, strict=True)):
        if is_on and index not in lost:
            waiting[pitch].append(index)
        elif not is_on and waiting[pitch]:
            ends[waiting[pitch].popleft()] = ticks[index]
    notes = [index for index, is_on in enumerate(ons) if is_on]
    by_pitch: dict[int, list[int]] = defaultdict(list)
    touched = {pitches[index] for index in lost}
    for index in notes:
        if pitches[index] in touched:
            by_pitch[pitches[index]].append(index)
    for same in by_pitch.values():
        _end_lost(same, lost, ends, ticks, silences, quarter_ticks, end_ticks)
    onsets = np.array([ticks[index] for index in notes], np.int64)
    until = np.array([ends[index] for index in notes], np.int64)
    is_lost = np.array([index in lost for index in notes], bool)
    return _Paired(rows[notes], onsets, until - onsets, is_lost)


def _end_lost(
    notes: list[int],
    lost: set[int],
    ends: dict[int, int],
    ticks: list[int],
    silences: list[int],
    quarter_ticks: int,
    end_ticks: int,
) -> None:
    """Ends for the notes of a pitch that were never released.

    Where all notes are turned off before their pitch is struck again, they end there, and are not
    lost. Others last a quarter, or less where their pitch is struck again or the piece ends before,
    but end no sooner than notes that began before them, and no later than those that begin after.
    """
    latest, ends_before = 0, {}
    for index in notes:
        ends_before[index] = latest
        latest = max(latest, ends.get(index, 0))
    next_onset = next_end = _NEVER_TICKS
    for index in reversed(notes):
        onset = ticks[index]
        if index in lost:
            silence = bisect_right(silences, onset)
            if silence < len(silences) and silences[silence] <= next_onset:
                end = silences[silence]
                lost.discard(index)
            else:
                end = min(onset + quarter_ticks, end_ticks, next_onset)
            ends[index] = min(max(end, ends_before[index], onset + 1), next_end)
        next_onset, next_end = onset, ends[index]


def _playing(table: _Table, channel: int, setups: Sequence[tuple[_Table, int]]) -> dict[str, Any]:
    """Controllers, bends and pressures of a channel, as fields of `Track`."""
    sources = [*setups, (table, channel)]
    kinds = {kind for source, on in sources for kind in source.control_kinds(on)}

    def rows(kind: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        if kind not in kinds:
            return found
        for source, on in sources:
            at = source.of_kind(kind, on)
            found.append((source.ticks[at], source.firsts[at], source.seconds[at]))
        return found

    controls = [(ticks, numbers, values) for ticks, numbers, values in rows(0xB0)]
    bends = [(ticks, (fine | coarse << 7) - 8192) for ticks, fine, coarse in rows(0xE0)]
    pressures = [(ticks, pitches, values) for ticks, pitches, values in rows(0xA0)]
    pressures += [(t, np.full(len(t), ALL_PITCHES), values) for t, values, _ in rows(0xD0)]
    return {
        name: events
        for name, columns, dtype in (
            ("controls", controls, CONTROL_DTYPE),
            ("bends", bends, BEND_DTYPE),
            ("pressures", pressures, PRESSURE_DTYPE),
        )
        if columns and len(events := _in_order(columns, dtype))
    }


def _in_order(columns: Sequence[tuple[np.ndarray, ...]], dtype: np.dtype) -> np.ndarray:
    table = np.empty(sum(len(part[0]) for part in columns), dtype)
    edges = np.cumsum([0, *(len(part[0]) for part in columns)]).tolist()
    for (start, end), part in zip(pairwise(edges), columns, strict=True):
        for name, values in zip(dtype.names or (), part, strict=True):
            table[name][start:end] = values
    table = table[np.argsort(table["tick"], kind="stable")]
    table.flags.writeable = False
    return table
