"""The events of the tracks of a MIDI file, read as players read them, whatever their bytes.

This is the tolerant reader. A status byte holds over messages to synthesizers (F0, F7) and texts,
as it does in most players, though the specification ends it there. Packets (F7) and escapes are
passed over as what they are. Values over 127 become 127.

It goes two steps. First each track is made a stream of events of one shape: a delta time, perhaps
a status, and two bytes below 128. Notes, controllers and bends have it already, and are copied
whole spans at a time; a program gets a second byte, and what is no channel event a place holder.
Then NumPy reads the streams of all tracks at once, as columns.

Of an event of that shape three bytes are below 128, whatever its status and the length of its
time. So if the number of such bytes between two places leaves a remainder of one by three, an event
has come up to its status. A track where a span turns out to be no events of that shape (a value
over 127, a time of five bytes, a missing byte) is gone through byte by byte.

Source: Standard MIDI Files 1.0 (RP-001); for lyrics RP-017.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from ritornello.errors import InputError
from ritornello.music.io.midi_container import NEXT_STEP

MOST_EVENTS = 4_000_000  # in one file; a million notes have two million
SYSTEM_EXCLUSIVE = -1
_META, _SYSEX, _PACKET, _END = 0xFF, 0xF0, 0xF7, 0x2F
_SYSTEM_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}
_HIGH = bytes(range(0x80, 0x100))
# 1 for each status of what has not two data bytes: programs, channel pressure, messages.
_RARE = bytes(0xC0 <= byte < 0xE0 or byte >= 0xF0 for byte in range(256))
_MOST_BYTES = 7  # of an event of the shape
_HOLDER, _LAST = b"\xff\0\0", b"\xff\x01\x01"  # in place of a message, and at the end of a track


class Message(NamedTuple):
    """Bytes at a place: a meta event of a kind, or a message to a synthesizer (kind -1)."""

    tick: int
    kind: int
    payload: bytes


@dataclass
class TrackEvents:
    """What stands in the tracks of a file.

    Attributes:
        tracks, ticks, statuses, firsts, seconds: of each channel event; ``seconds`` is 0 where
            there is no second data byte. Place holders have a status from F0 on.
        messages: of each track its meta events and messages to synthesizers, in order.
        ends_ticks: of each track its end mark, or its last event.
        faults: of each track how often each was mended, by sentence.
    """

    AFTER_END: ClassVar[str] = "end marks before the end"

    tracks: np.ndarray
    ticks: np.ndarray
    statuses: np.ndarray
    firsts: np.ndarray
    seconds: np.ndarray
    messages: list[list[Message]]
    ends_ticks: list[int]
    faults: list[Counter[str]]


class _DamageError(Exception):
    pass


def read_events(chunks: Sequence[bytes], where: str, most: int = MOST_EVENTS) -> TrackEvents:
    """The events of all tracks of a file.

    Args:
        chunks: the bytes of each track, without its header.
        most: events that are taken.

    Raises:
        InputError: if the bytes are no events, or too many.
    """
    for is_careful in (False, True):
        walked: list[_Walk] = []
        left = most
        for number, chunk in enumerate(chunks):
            walk = None if is_careful else _by_spans(chunk, left)
            walked.append(walk or _by_bytes(chunk, left, number, where))
            left -= walked[-1].events
        events = _columns(walked)
        if events is not None:
            break
    assert events is not None
    return events


def _damaged(reason: str, number: int, where: str) -> InputError:
    return InputError(
        f"The file is damaged ({reason} in track {number}).", where=where, next_step=NEXT_STEP
    )


class _Walk:
    """A walk through a track.

    Attributes:
        stream: its events in one shape, the last of them the end of the track.
        found: kind and bytes of what each place holder stands for; None if it is passed over.
        faults: how often each was mended, by sentence.
    """

    def __init__(self, chunk: bytes, most: int) -> None:
        self.chunk, self.most = chunk, most
        self.stream = bytearray()
        self.found: list[tuple[int, bytes] | None] = []
        self.last_found = -1  # its place that is not None
        self.faults: Counter[str] = Counter()

    @property
    def events(self) -> int:
        return len(self.stream.translate(None, _HIGH)) // 3

    def over_spans(self) -> bool:
        """Go from one event of another shape to the next; False where that fails."""
        chunk, size, stream = self.chunk, len(self.chunk), self.stream
        rare = chunk.translate(_RARE)
        start = at = low_bytes = 0
        while (place := rare.find(1, at)) >= 0 and len(stream) <= _MOST_BYTES * self.most:
            low_bytes += len(chunk[at:place].translate(None, _HIGH))
            if low_bytes % 3 == 0:
                at = place + 1  # part of a time
                continue
            if low_bytes % 3 == 2 or chunk[place - 1] > 0x7F:
                return False  # a value over 127
            stream += chunk[start:place]
            at = self.take_message(place) if chunk[place] >= _SYSEX else self.take_single(place)
            if at < 0:
                return True
            start, low_bytes = at, 0
        low_bytes += len(chunk[at:].translate(None, _HIGH))
        stream += chunk[start:]
        if low_bytes % 3 == 0:
            stream += b"\0"
        stream += _LAST  # a time at which nothing stands is the time of this
        return low_bytes % 3 < 2 and (start >= size or chunk[-1] < 0x80)

    def over_bytes(self) -> None:
        """Go from event to event.

        Raises:
            IndexError: if an event is cut off. _DamageError: if it is none, or one too many.
        """
        chunk, size, stream, left = self.chunk, len(self.chunk), self.stream, self.most
        at = running = 0
        while at < size:
            left -= 1
            if left < 0:
                raise _DamageError(f"more than {self.most:,} events")
            start = at
            at = _number(chunk, at)[1]
            stream += chunk[start:at]
            if at >= size:
                stream += _LAST  # a time with nothing at it: the end mark is missing
                return
            status = chunk[at]
            if status >= _SYSEX:
                at = self.take_message(at)
                if at < 0:
                    return
                continue
            if status >= 0x80:
                running = status
                at += 1
            elif not running:
                raise _DamageError(f"a value without a status at byte {at:,}")
            takes_one = 0xC0 <= running < 0xE0
            first, second = chunk[at], 0 if takes_one else chunk[at + 1]
            at += 1 if takes_one else 2
            if (first | second) > 0x7F:
                self.faults["values over 127 were taken as 127"] += 1
                first, second = min(first, 0x7F), min(second, 0x7F)
            stream += bytes((running, first, second))
        stream += b"\0" + _LAST

    def take_single(self, at: int) -> int:
        """Take a program or a pressure, and those under its status; where they end.

        Raises:
            IndexError: if one is cut off. _DamageError: if it is over 127.
        """
        chunk, size, stream = self.chunk, len(self.chunk), self.stream
        status = chunk[at]
        at += 1
        while True:
            if chunk[at] > 0x7F:
                raise _DamageError("a value over 127")
            stream += bytes((status, chunk[at], 0))
            start = at + 1
            if start >= size:
                return start
            at = _number(chunk, start)[1]
            if at >= size or chunk[at] > 0x7F:
                return start
            stream += chunk[start:at]

    def take_message(self, at: int) -> int:
        """Take a meta event or a message to a synthesizer; where it ends, or -1 at the end mark.

        Raises:
            IndexError: if it is cut off. _DamageError: if it is longer than the track.
        """
        chunk, stream = self.chunk, self.stream
        status = chunk[at]
        at += 1
        if status == _META:
            kind = chunk[at]
            length, at = _number(chunk, at + 1)
            end = at + length
            if end > len(chunk):
                raise _DamageError("a text is longer than the track")
            if kind == _END:
                stream += _LAST
                if chunk[end:].strip(b"\0"):
                    self.faults[TrackEvents.AFTER_END] += 1
                return -1
            self.find(kind, chunk[at:end])
        elif status in (_SYSEX, _PACKET):
            length, at = _number(chunk, at)
            end = at + length
            if end > len(chunk):
                raise _DamageError("a message is longer than the track")
            if status == _SYSEX:
                self.find(SYSTEM_EXCLUSIVE, chunk[at:end])
            else:
                self.go_on(chunk[at:end])
        else:
            self.faults["messages that belong on a wire were passed over"] += 1
            self.found.append(None)
            end = at + _SYSTEM_DATA_BYTES.get(status, 0)
        stream += _HOLDER
        return end

    def find(self, kind: int, payload: bytes) -> None:
        self.last_found = len(self.found)
        self.found.append((kind, payload))

    def go_on(self, payload: bytes) -> None:
        """Take a packet: the rest of the message before it, where that has no end yet."""
        last = self.found[self.last_found] if self.found else None
        if last and last[0] == SYSTEM_EXCLUSIVE and not last[1].endswith(b"\xf7"):
            self.found[self.last_found] = SYSTEM_EXCLUSIVE, last[1] + payload
        self.found.append(None)


def _by_spans(chunk: bytes, most: int) -> _Walk | None:
    walk = _Walk(chunk, most)
    try:
        return walk if walk.over_spans() and walk.events <= most else None
    except (IndexError, _DamageError):
        return None


def _by_bytes(chunk: bytes, most: int, number: int, where: str) -> _Walk:
    walk = _Walk(chunk, most)
    try:
        walk.over_bytes()
    except IndexError:
        raise _damaged("an event is cut off", number, where) from None
    except _DamageError as damage:
        raise _damaged(str(damage), number, where) from None
    return walk


def _columns(walked: Sequence[_Walk]) -> TrackEvents | None:
    """The events of all tracks; None if some have another shape after all."""
    run = np.frombuffer(b"".join([walk.stream for walk in walked]), np.uint8)
    low = np.flatnonzero(run < 0x80)
    time_ends, firsts, seconds = low[0::3], low[1::3], low[2::3]
    own = run[firsts - 1]  # the status, or where none stands the end of the time
    longer = np.diff(seconds, prepend=-1) + (time_ends - seconds) - 1  # a time, by bytes
    most_longer = int(longer.max())
    if most_longer > 3 or (firsts - time_ends).max() > 2 or (seconds - firsts).max() > 1:
        return None
    rows = np.arange(len(own))
    is_holder = own >= _SYSEX
    # Where no status stands, the last one of the track holds.
    last = np.maximum.accumulate(np.where((own >= 0x80) & ~is_holder, rows, -1))
    statuses = np.where(is_holder, own, own[last])
    values = run[firsts]
    holders = np.flatnonzero(is_holder)
    ends = holders[values[holders] > 0]
    counts = np.diff(ends, prepend=-1)
    is_running = (last < rows) & ~is_holder
    if ((last < np.repeat(ends + 1 - counts, counts)) & ~is_holder).any():
        return None  # the first values of a track have no status
    if (is_running & (statuses & 0xE0 == 0xC0)).any():
        return None  # one value each
    deltas = run[time_ends].astype(np.int64)
    # The bytes of a time before its last one, seven bits each.
    for place in range(1, most_longer + 1):
        here = np.flatnonzero(longer >= place)
        deltas[here] += (run[time_ends[here] - place] & 0x7F).astype(np.int64) << 7 * place
    ticks = np.cumsum(deltas)
    ticks -= np.repeat(np.append(0, ticks[ends[:-1]]), counts)
    told = iter(ticks[holders].tolist())
    messages, ends_ticks = [], []
    for walk in walked:
        at = zip(walk.found, told, strict=False)
        messages.append([Message(tick, *each) for each, tick in at if each])
        ends_ticks.append(next(told))
    return TrackEvents(
        tracks=np.repeat(np.arange(len(walked)), counts),
        ticks=ticks,
        statuses=statuses,
        firsts=values,
        seconds=run[seconds],
        messages=messages,
        ends_ticks=ends_ticks,
        faults=[walk.faults for walk in walked],
    )


def _number(chunk: bytes, at: int) -> tuple[int, int]:
    """A number of up to four bytes, and where it ends."""
    number = 0
    for index in range(at, at + 4):
        byte = chunk[index]
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, index + 1
    raise _DamageError("a number of more than four bytes")
