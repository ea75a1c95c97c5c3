"""The parts in the events of MIDI tracks: whose program, which kit, which release ends which note.

A synthesizer has sixteen channels a port, and all tracks play on them: a program, a bank or a
controller that one track sets on a channel counts for another that plays there and sets none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from operator import itemgetter
from typing import Any

import numpy as np

from ritornello.music.controls import BANK
from ritornello.music.io.midi_events import SYSTEM_EXCLUSIVE, TrackEvents
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
_tick_and_track = itemgetter(0, 1)
_KINDS = (
    ("controls", 0xB0, CONTROL_DTYPE),
    ("bends", 0xE0, BEND_DTYPE),
    ("pressures", 0xA0, PRESSURE_DTYPE),
    ("pressures", 0xD0, PRESSURE_DTYPE),
)


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


def parts_of(events: TrackEvents, quarter_ticks: int) -> tuple[list[Part], int]:
    """The parts of all tracks, and how many controllers belong to channels that play nothing.

    Args:
        quarter_ticks: how long a note lasts at most that was never released.
    """
    table = _Table(events)
    programs, drums = _programs(table), _drums(table)
    notes = _paired(table, quarter_ticks)
    playing, unheard = _playing(table, notes.groups)
    parts: list[Part] = []
    players = 0
    for group, here in notes.groups.items():
        found = _by_sound(table, group, notes, here, programs, drums)
        for part in found:
            part.playing = playing_of(playing[group], is_drum=part.is_drum)
        if len(found) > 1:
            players += 1
            for part in found:
                part.playing["player"] = players
        parts += found
    return parts, unheard


class _Table:
    """The channel events of all tracks.

    A group is what one track sends on one channel; its number is 16 times that of the track, and
    the channel.

    Attributes:
        ports: of each track.
        ticks: int64 [events].
        kinds, firsts, seconds: uint8 [events]; place holders are of the kind F0.
        groups: int64 [events].
        end_ticks: where the piece ends.
    """

    def __init__(self, events: TrackEvents) -> None:
        self.messages = events.messages
        ports = [[m.payload[0] for m in t if m.kind == _PORT and m.payload] for t in self.messages]
        self.ports = [each[0] if each else 0 for each in ports]
        self.ticks, self.firsts, self.seconds = events.ticks, events.firsts, events.seconds
        self.kinds = events.statuses & 0xF0
        self.groups = (events.tracks << 4) + (events.statuses & 15)
        self.end_ticks = max(events.ends_ticks, default=0)

    def place(self, group: int) -> Place:
        return self.ports[group >> 4], group & 15

    def changes(self, rows: np.ndarray, values: Iterable[int]) -> Iterable[tuple[Place, Change]]:
        """Values that events set, with their places."""
        groups, ticks = self.groups[rows].tolist(), self.ticks[rows].tolist()
        for group, tick, value in zip(groups, ticks, values, strict=True):
            yield self.place(group), (tick, group >> 4, value)


def _programs(table: _Table) -> Changes:
    changes: Changes = defaultdict(list)
    rows = np.flatnonzero(table.kinds == 0xC0)
    for place, change in table.changes(rows, table.firsts[rows].tolist()):
        changes[place].append(change)
    for found in changes.values():
        found.sort(key=_tick_and_track)
    return changes


def _drums(table: _Table) -> Changes:
    """Where a channel becomes a drum kit (1) or ceases to be one (0)."""
    messages = [
        (number, table.ports[number], message)
        for number, track in enumerate(table.messages)
        for message in track
        if message.kind == SYSTEM_EXCLUSIVE
    ]
    is_gs = any(m.payload[:1] == _GS and m.payload[2:8] == _GS_RESET for *_, m in messages)
    is_xg = any(m.payload[:1] == _XG and m.payload[2:7] == _XG_ON for *_, m in messages)
    kits = (_GM2_DRUMS, *(_XG_DRUMS if is_xg or not is_gs else ()))
    changes: Changes = defaultdict(list)
    rows = np.flatnonzero((table.kinds == 0xB0) & (table.firsts == BANK))
    for place, (tick, number, bank) in table.changes(rows, table.seconds[rows].tolist()):
        # Channel 10 is drums whatever bank is asked for, but for the melodic one of GM2.
        if bank in kits or place[1] != _DRUM_CHANNEL or bank == _GM2_MELODIC:
            changes[place].append((tick, number, int(bank in kits)))
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
        found.sort(key=_tick_and_track)
    return changes


def _gs_channel(block: int) -> int:
    """GS counts its part blocks 10, 1 to 9, 11 to 16."""
    if block == 0:
        return _DRUM_CHANNEL
    return block - 1 if block <= 9 else block


def _by_sound(
    table: _Table, group: int, notes: _Notes, here: slice, programs: Changes, drums: Changes
) -> list[Part]:
    """The notes of a group by program and kit, in the order in which these come."""
    track, channel = group >> 4, group & 15
    place = table.place(group)
    set_programs, set_drums = programs.get(place, []), drums.get(place, [])
    ticks = notes.onsets[here]
    is_drum_channel = int(channel == _DRUM_CHANNEL)
    program = _single(set_programs, ticks[0], 0)
    is_drum = _single(set_drums, ticks[0], is_drum_channel)
    if program is not None and is_drum is not None:
        return [Part(track, program, bool(is_drum), notes.columns(here), notes.is_lost[here])]
    # The program that stands: the last the track itself set, or else the last of any track.
    own = np.flatnonzero((table.kinds == 0xC0) & (table.groups == group))
    last_own = np.searchsorted(own, notes.rows[here]) - 1
    sounding = _standing(set_programs, ticks, track, 0)
    has_own = last_own >= 0
    sounding[has_own] = table.firsts[own[last_own[has_own]]]
    keys = sounding * 2 + _standing(set_drums, ticks, track, is_drum_channel)
    parts = []
    for key in dict.fromkeys(keys.tolist()):
        kept = np.flatnonzero(keys == key) + here.start
        parts.append(Part(track, key >> 1, bool(key & 1), notes.columns(kept), notes.is_lost[kept]))
    return parts


def _single(changes: list[Change], tick: int, default: int) -> int | None:
    """The one value that stands from a tick on; None if there may be several."""
    if not changes:
        return default
    value = changes[0][2]
    is_single = changes[0][0] <= tick and all(each == value for *_, each in changes)
    return value if is_single else None


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


@dataclass
class _Notes:
    """The notes of all groups, one group after another.

    Attributes:
        groups: which notes are those of a group; by track, and of a track by first note.
        rows: int64 [notes], of their beginnings in the table.
        onsets, durations: int64 [notes].
        pitches, velocities: uint8 [notes].
        is_lost: bool [notes], which were never released.
    """

    groups: dict[int, slice]
    rows: np.ndarray
    onsets: np.ndarray
    durations: np.ndarray
    pitches: np.ndarray
    velocities: np.ndarray
    is_lost: np.ndarray

    def columns(self, here: slice | np.ndarray) -> dict[str, np.ndarray]:
        """Some of the notes, as `Part` has them."""
        return {
            "time": self.onsets[here],
            "duration": self.durations[here],
            "pitch": self.pitches[here],
            "velocity": self.velocities[here],
        }


def _paired(table: _Table, quarter_ticks: int) -> _Notes:
    """Of one pitch the note that began first ends first.

    Where releases are lost, each of those that are left ends the note struck nearest before it, so
    that the loss harms one note only.
    """
    rows = np.flatnonzero(table.kinds & 0xE0 == 0x80)
    groups, ticks, velocities = table.groups[rows], table.ticks[rows], table.seconds[rows]
    ons = (table.kinds[rows] == 0x90) & (velocities > 0)
    pitches = table.firsts[rows]
    keys = groups << 7
    keys += pitches
    order = _stable_order(keys)
    begins, releases = order[ons[order]], order[~ons[order]]
    torn = _torn(keys[order], ons[order])
    if torn:
        begins, releases = (each[~np.isin(groups[each], torn)] for each in (begins, releases))
    # By pitch and time, the first beginning and the first release make a note, and so on.
    ends = np.zeros(len(rows), np.int64)
    ends[begins] = ticks[releases]
    is_lost = np.zeros(len(rows), bool)
    for group in torn:
        here = np.flatnonzero(groups == group)
        is_silence = (table.groups == group) & (table.kinds == 0xB0)
        silences = table.ticks[is_silence & np.isin(table.firsts, _SILENCES)].tolist()
        ends[here], is_lost[here] = _paired_one_by_one(
            *(pitches[here].tolist(), ons[here].tolist(), ticks[here].tolist()),
            *(silences, quarter_ticks, table.end_ticks),
        )
    by_group = np.flatnonzero(ons)
    by_group = by_group[_stable_order(groups[by_group])]
    found = _slices(groups[by_group])
    rows, onsets = rows[by_group], ticks[by_group]
    return _Notes(
        groups=dict(sorted(found.items(), key=lambda each: int(rows[each[1].start]))),
        rows=rows,
        onsets=onsets,
        durations=ends[by_group] - onsets,
        pitches=pitches[by_group],
        velocities=velocities[by_group],
        is_lost=is_lost[by_group],
    )


def _stable_order(numbers: np.ndarray) -> np.ndarray:
    """Indices that sort numbers from 0 on stably; NumPy is fastest with short ones."""
    is_short = len(numbers) == 0 or numbers.max() < 1 << 16
    return np.argsort(numbers.astype(np.uint16) if is_short else numbers, kind="stable")


def _slices(ordered: np.ndarray) -> dict[int, slice]:
    """Where each of some ordered numbers stands."""
    edges = [0, *(np.flatnonzero(np.diff(ordered)) + 1).tolist(), len(ordered)]
    starts = ordered[edges[:-1]].tolist() if len(ordered) else []
    return {number: slice(*edge) for number, edge in zip(starts, pairwise(edges), strict=False)}


def _torn(keys: np.ndarray, ons: np.ndarray) -> list[int]:
    """The groups with a note that is not released, or a release that has no note.

    Args:
        keys: group and pitch of beginnings and releases, in order of them and of time.
        ons: which of them are beginnings.
    """
    sounding = np.cumsum(np.where(ons, 1, -1))
    last = np.append(np.flatnonzero(np.diff(keys)), len(keys) - 1)
    if not len(keys) or not (sounding.min() < 0 or sounding[last].any()):
        return []
    counts = np.diff(last, prepend=-1)
    sounding -= np.repeat(np.append(0, sounding[last[:-1]]), counts)
    is_wrong = sounding < 0
    is_wrong[last] |= sounding[last] != 0
    found: list[int] = np.unique(keys[is_wrong] >> 7).tolist()
    return found


def _paired_one_by_one(
    pitches: list[int],
    ons: list[bool],
    ticks: list[int],
    silences: list[int],
    quarter_ticks: int,
    end_ticks: int,
) -> tuple[list[int], list[bool]]:
    """Of beginnings and releases of a group, where the notes end and which were never released.

    What it says at releases means nothing.
    """
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
    places = range(len(ons))
    return [ends.get(index, 0) for index in places], [index in lost for index in places]


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


def _playing(table: _Table, heard: Iterable[int]) -> tuple[dict[int, dict[str, Any]], int]:
    """Controllers, bends and pressures of each group, as fields of `Track`; how many are unheard.

    Args:
        heard: the groups that have notes.
    """
    playing: dict[int, dict[str, Any]] = {group: {} for group in heard}
    kinds = np.bincount(table.kinds >> 4, minlength=16).tolist()
    tables = [
        (name, *_table_of(table, kind, dtype)) for name, kind, dtype in _KINDS if kinds[kind >> 4]
    ]
    # What a track sets on a channel where it plays nothing itself is heard where others play.
    setups: dict[Place, list[int]] = defaultdict(list)
    places = {table.place(group) for group in playing}
    unheard = 0
    for group in sorted(set().union(*(slices for *_, slices in tables))):
        if group in playing:
            continue
        if table.place(group) in places:
            setups[table.place(group)].append(group)
        else:
            unheard += sum(
                each[group].stop - each[group].start for *_, each in tables if group in each
            )
    for group, fields in playing.items():
        sources = [*setups.get(table.place(group), ()), group]
        found: dict[str, list[np.ndarray]] = defaultdict(list)
        for name, events, slices in tables:
            found[name] += [events[slices[source]] for source in sources if source in slices]
        for name, each in found.items():
            if each:
                fields[name] = each[0] if len(each) == 1 else _merged(each)
    return playing, unheard


def _table_of(table: _Table, kind: int, dtype: np.dtype) -> tuple[np.ndarray, dict[int, slice]]:
    """All events of a kind as a read-only table, one group after another; where each stands."""
    rows = np.flatnonzero(table.kinds == kind)
    rows = rows[_stable_order(table.groups[rows])]
    firsts, seconds = table.firsts[rows], table.seconds[rows]
    events = np.empty(len(rows), dtype)
    events["tick"] = table.ticks[rows]
    if kind == 0xB0:
        events["number"], events["value"] = firsts, seconds
    elif kind == 0xE0:
        events["value"] = (firsts | seconds.astype(np.int16) << 7) - 8192
    elif kind == 0xA0:
        events["pitch"], events["value"] = firsts, seconds
    else:
        events["pitch"], events["value"] = ALL_PITCHES, firsts
    events.flags.writeable = False
    return events, _slices(table.groups[rows])


def _merged(tables: list[np.ndarray]) -> np.ndarray:
    """Tables in order of time as one, in which at one tick the first of them comes first."""
    merged = np.concatenate(tables)
    merged = merged[np.argsort(merged["tick"], kind="stable")]
    merged.flags.writeable = False
    return merged
