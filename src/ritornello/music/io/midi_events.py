"""The events of one track of a MIDI file, read as players read them, whatever its bytes.

This is the tolerant reader. A status byte holds over messages to synthesizers (F0, F7) and texts,
as it does in most players, though the specification ends it there. Packets (F7) and escapes are
passed over as what they are. Values over 127 become 127.

Most events are notes, controllers and bends: a delta time, perhaps a status, and two data bytes.
Of each, three bytes are below 128: the last of its time and its data. So a run of them is read at
once, as columns; one by one are read what stands between such runs, and short ones.

Source: Standard MIDI Files 1.0 (RP-001); for lyrics RP-017.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np

from ritornello.errors import InputError
from ritornello.music.io.midi_container import NEXT_STEP

MOST_EVENTS = 4_000_000  # in one file; a million notes have two million
_META, _SYSEX, _PACKET, _END = 0xFF, 0xF0, 0xF7, 0x2F
_SYSTEM_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}
# Events with two data bytes: a time of one to four bytes, perhaps a status, and the data.
_RUN = re.compile(rb"(?:[\x80-\xff]{0,3}[\x00-\x7f][\x80-\xbf\xe0-\xef]?[\x00-\x7f]{2})+")
_SHORTEST_RUN_BYTES = 64  # less is read as fast one by one


class Message(NamedTuple):
    """Bytes at a place: a meta event of a kind, or a message to a synthesizer (kind -1)."""

    tick: int
    kind: int
    payload: bytes


SYSTEM_EXCLUSIVE = -1


@dataclass
class TrackEvents:
    """What stands in a track.

    Attributes:
        ticks, statuses, firsts, seconds: of each channel event; ``seconds`` is 0 where there is
            no second data byte.
        messages: meta events and messages to synthesizers, in order.
        end_tick: of the end mark, or of the last event.
        faults: how often each was mended, by sentence.
    """

    AFTER_END: ClassVar[str] = "end marks before the end"

    ticks: array[int] = field(default_factory=lambda: array("q"))
    statuses: bytearray = field(default_factory=bytearray)
    firsts: bytearray = field(default_factory=bytearray)
    seconds: bytearray = field(default_factory=bytearray)
    messages: list[Message] = field(default_factory=list)
    end_tick: int = 0
    faults: Counter[str] = field(default_factory=Counter)


class _DamageError(Exception):
    pass


def read_events(chunk: bytes, number: int, where: str, most: int = MOST_EVENTS) -> TrackEvents:
    """The events of a track.

    Args:
        chunk: the bytes of the track, without its header.
        number: of the track, for messages.
        most: events that are taken.

    Raises:
        InputError: if the bytes are no events, or too many.
    """
    events = TrackEvents()
    try:
        _read(chunk, events, most)
    except IndexError:
        raise _damaged("an event is cut off", number, where) from None
    except _DamageError as damage:
        raise _damaged(str(damage), number, where) from None
    return events


def _damaged(reason: str, number: int, where: str) -> InputError:
    return InputError(
        f"The file is damaged ({reason} in track {number}).", where=where, next_step=NEXT_STEP
    )


def _read(chunk: bytes, events: TrackEvents, most: int) -> None:
    ticks, statuses = events.ticks.append, events.statuses.append
    firsts, seconds = events.firsts.append, events.seconds.append
    at, now, running, size = 0, 0, 0, len(chunk)
    left = most
    looked_until = 0  # a run of events that is too short ends there
    while at < size:
        if at >= looked_until and running >= 0x80 and not 0xC0 <= running < 0xE0:
            run = _RUN.match(chunk, at)
            looked_until = at + 1 if run is None else run.end()
            if looked_until - at >= _SHORTEST_RUN_BYTES:
                count, now, running = _read_run(chunk[at:looked_until], now, running, events)
                at, left = looked_until, left - count
                if left < 0:
                    raise _DamageError(f"more than {most:,} events")
                continue
        byte = chunk[at]
        at += 1
        if byte < 0x80:
            now += byte
        else:
            delta, at = _number(chunk, at - 1)
            now += delta
        if at >= size:
            break  # a time with nothing at it: the end mark is missing
        left -= 1
        if left < 0:
            raise _DamageError(f"more than {most:,} events")
        status = chunk[at]
        if status >= 0xF0:
            at = _message(chunk, at, now, events)
            if at < 0:
                break
            continue
        if status >= 0x80:
            running = status
            at += 1
        elif not running:
            raise _DamageError(f"a value without a status at byte {at:,}")
        first = chunk[at]
        second = 0
        if 0xC0 <= running < 0xE0:
            at += 1
        else:
            second = chunk[at + 1]
            at += 2
        if (first | second) > 0x7F:
            events.faults["values over 127 were taken as 127"] += 1
            first, second = min(first, 0x7F), min(second, 0x7F)
        ticks(now)
        statuses(running)
        firsts(first)
        seconds(second)
    events.end_tick = now


def _read_run(span: bytes, now: int, running: int, events: TrackEvents) -> tuple[int, int, int]:
    """Take events of two data bytes each; how many, the tick and the status after them."""
    run = np.frombuffer(span, np.uint8)
    low = np.flatnonzero(run < 0x80)
    time_ends, firsts, seconds = low[0::3], low[1::3], low[2::3]
    deltas = run[time_ends].astype(np.int64)
    # The bytes of a time before its last one, seven bits each.
    longer = time_ends - np.append(0, seconds[:-1] + 1)
    for place in range(1, int(longer.max()) + 1):
        here = longer >= place
        deltas[here] += (run[time_ends[here] - place] & 0x7F).astype(np.int64) << 7 * place
    ticks = now + np.cumsum(deltas)
    # Where no status stands, the last one holds.
    has_status = firsts - time_ends == 2
    last = np.maximum.accumulate(np.where(has_status, time_ends + 1, -1))
    statuses = np.where(last < 0, running, run[last]).astype(np.uint8)
    events.ticks.frombytes(ticks.tobytes())
    events.statuses += statuses.tobytes()
    events.firsts += run[firsts].tobytes()
    events.seconds += run[seconds].tobytes()
    return len(ticks), int(ticks[-1]), int(statuses[-1])


def _message(chunk: bytes, at: int, now: int, events: TrackEvents) -> int:
    """Read a meta event or a message to a synthesizer; where it ends, or -1 at the end mark."""
    status = chunk[at]
    at += 1
    if status == _META:
        kind = chunk[at]
        length, at = _number(chunk, at + 1)
        if at + length > len(chunk):
            raise _DamageError("a text is longer than the track")
        if kind == _END:
            if chunk[at + length :].strip(b"\0"):
                events.faults[TrackEvents.AFTER_END] += 1
            return -1
        events.messages.append(Message(now, kind, chunk[at : at + length]))
        return at + length
    if status in (_SYSEX, _PACKET):
        length, at = _number(chunk, at)
        if at + length > len(chunk):
            raise _DamageError("a message is longer than the track")
        payload = chunk[at : at + length]
        messages = events.messages
        if status == _SYSEX:
            messages.append(Message(now, SYSTEM_EXCLUSIVE, payload))
        elif (
            messages
            and messages[-1].kind == SYSTEM_EXCLUSIVE
            and not messages[-1].payload.endswith(b"\xf7")
        ):
            messages[-1] = messages[-1]._replace(payload=messages[-1].payload + payload)
        return at + length
    events.faults["messages that belong on a wire were passed over"] += 1
    return at + _SYSTEM_DATA_BYTES.get(status, 0)


def _number(chunk: bytes, at: int) -> tuple[int, int]:
    """A number of up to four bytes, and where it ends."""
    number = 0
    for index in range(at, at + 4):
        byte = chunk[index]
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, index + 1
    raise _DamageError("a number of more than four bytes")
