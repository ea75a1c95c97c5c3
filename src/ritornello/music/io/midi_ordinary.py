"""Which MIDI files symusic reads rightly and whole, told from their bytes.

symusic is ten times as fast as a reader in Python, but tells nothing of aftertouch, splits at
programs without a word, and misreads some rare events. `look_at` finds all events of each track
that are no note, controller or bend. What it cannot follow is no fault: the file is then read by
`midi_events`.

Up to its first note each event of a track is looked at. From there on most events are notes,
controllers and bends: a delta time, perhaps a status, and two data bytes. Whatever their status
and the length of their times, three bytes of each are below 128. So a byte that may be another
status is one if the number of such bytes before it leaves a remainder of one by three, and part of
a delta time if it leaves none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from ritornello.music.io.midi_container import END_OF_TRACK
from ritornello.music.io.midi_events import Message

_LOW, _HIGH = bytes(range(0x80)), bytes(range(0x80, 0x100))
_SETTINGS = bytes((*range(0xB0, 0xC0), *range(0xE0, 0xF0)))
_NOT_RARE = bytes(range(0x80, 0xA0)) + _SETTINGS
_STRIKES = range(0x90, 0xA0)
_TAKE_TWO = frozenset(_NOT_RARE)
LEAST_BYTES = {0x51: 3, 0x58: 2, 0x59: 2}  # of tempi, metres and keys
_META, _SYSEX, _END = 0xFF, 0xF0, 0x2F
NAME, OWN = 0x03, 0x7F
_FIRST_NO_TEXT, _TEXT, _LYRIC, _MARKER = 0x10, 0x01, 0x05, 0x06
_MAY_MEAN_MORE, _MEANS_MORE = (_TEXT, _MARKER), (b"@", b"r")
# Controllers and bends at one tick, from the first one's status on.
_AT_ONCE = re.compile(
    rb"[\xb0-\xbf\xe0-\xef][\x00-\x7f]{2}(?:\x00[\xb0-\xbf\xe0-\xef]?[\x00-\x7f]{2})*"
)
_KITS = re.compile(rb"\x41.\x42\x12\x40[\x10-\x1f]\x15|\x43.\x4c\x08.\x07", re.DOTALL)
_RESETS = re.compile(rb"\x7e.\x09|\x41.\x42\x12\x40\x00\x7f|\x43.\x4c\x00\x00\x7e", re.DOTALL)


class Late(NamedTuple):
    """Texts among notes, at one tick: the track, and from where to where in it they stand."""

    track: int
    start: int
    end: int


@dataclass
class Ordinary:
    """What symusic does not tell of a file that it reads rightly.

    Attributes:
        messages: of each track its texts and what only some programs understand; those among
            notes are at a tick less than 0, -1 minus their place in ``late``.
        late: where texts stand among notes.
        note_channels: of each track the channels it has notes on, perhaps with some it has not.
        firsts: of each track the channel of its first note.
        set_programs: of each track the programs it sets, by channel.
        programs: each program but 0 that a track sets for its own notes.
        first_plays: whether the first track has notes.
        unheard: channels, as bits, that a track sets controllers on before its first note, and
            plays nothing on; for later ones see `set_among_notes`.
        set_elsewhere: the same of programs but 0.
        spans: track, start and end of what is notes, controllers and bends.
        events: how many beginnings and ends of notes, controllers and bends are in the file.
        system_messages: how many messages to synthesizers, resets aside, are in the file.
    """

    messages: list[list[Message]] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    note_channels: list[list[int]] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)
    set_programs: list[dict[int, int]] = field(default_factory=list)
    programs: list[int] = field(default_factory=list)
    first_plays: bool = False
    unheard: int = 0
    set_elsewhere: int = 0
    spans: list[tuple[int, int, int]] = field(default_factory=list)
    events: int = 0
    system_messages: int = 0

    def is_heard(self, channels: int) -> bool:
        """Whether a track has notes on one of some channels, given as bits."""
        # What one track sets on a channel counts for another that plays there.
        return any(channels >> channel & 1 for own in self.note_channels for channel in own)

    def lends_programs(self, parts: int) -> bool:
        """Whether tracks play on one channel of which some set its program, and others none.

        Args:
            parts: how many parts there are; as many as tracks that play have one channel each.
        """
        channels = self.note_channels
        if parts == sum(map(bool, channels)):
            channels = [
                [first] if own else [] for own, first in zip(channels, self.firsts, strict=False)
            ]
        places = [(channel, number) for number, own in enumerate(channels) for channel in own]
        if len({channel for channel, _ in places}) == len(places):
            return False
        programs: dict[int, list[int]] = {}
        for channel, number in places:
            programs.setdefault(channel, []).append(self.set_programs[number].get(channel, -1))
        return any(min(each) < 0 < max(each) for each in programs.values())


def look_at(chunks: list[bytes]) -> Ordinary | None:
    """What symusic does not tell of a file; None where it would not read it rightly and whole."""
    found = Ordinary()
    for number, chunk in enumerate(chunks):
        track = _Track(chunk, number, found)
        try:
            if not track.follow_head() or not track.follow_notes():
                return None
        except IndexError:
            return None
        track.count()
    return None if found.is_heard(found.unheard | found.set_elsewhere) else found


def set_among_notes(chunks: list[bytes], found: Ordinary) -> int:
    """Channels, as bits, that a track sets controllers on among its notes, and plays nothing on.

    symusic drops these controllers, so they are looked for where it tells of too few events.
    """
    channels = 0
    for number, start, end in found.spans:
        own = found.note_channels[number]
        span, low_bytes, at = chunks[number][start:end], 0, 0
        for place in _places(span, 0, span.translate(None, _all_but_settings(tuple(own)))):
            if place and span[place - 1] > 0x7F:
                continue
            low_bytes += len(span[at:place].translate(None, _HIGH))
            at = place
            if low_bytes % 3 == 1:
                channels |= 1 << (span[place] & 15)
    return channels


@lru_cache(maxsize=256)
def _all_but_settings(own: tuple[int, ...]) -> bytes:
    """All bytes but the statuses of controllers and bends on channels other than those given."""
    return bytes(set(range(256)).difference(s for s in _SETTINGS if s & 15 not in own))


def is_reset(payload: bytes) -> bool:
    """Whether a message to synthesizers only says which standard follows."""
    return _RESETS.search(payload) is not None


class _Track:
    """A track on the way through it; each step says whether it could be followed."""

    def __init__(self, chunk: bytes, number: int, found: Ordinary) -> None:
        self.chunk, self.number, self.found = chunk, number, found
        self.messages: list[Message] = []
        self.programs: dict[int, int] = {}
        self.settings = 0  # channels with controllers or bends before the first note, as bits
        self.first_note = -1
        self.high = b""  # bytes from the first note on that are no data
        found.messages.append(self.messages)
        found.firsts.append(-1)

    def follow_head(self) -> bool:
        """Go through all before the first note, one by one."""
        chunk, size = self.chunk, len(self.chunk)
        at = now = running = 0
        while at < size:
            start = at
            delta = chunk[at]
            at += 1
            if delta > 0x7F:
                delta, at = _number(chunk, at - 1)
            now += delta
            status = chunk[at]
            if status >= _SYSEX:
                at = self._message(at, now)
                if at < 0:
                    return at == _AT_END
                continue
            if at_once := _AT_ONCE.match(chunk, at):
                statuses = at_once.group().translate(None, _LOW)
                for each in statuses:
                    self.settings |= 1 << (each & 15)
                running = statuses[-1]
                end = at_once.end()
                self.found.events += (end - at - len(statuses) + 1) // 3
                at = end
                continue
            if status > 0x7F:
                running = status
                at += 1
            kind = running >> 4
            if kind == 0x9:
                self.first_note = start
                self.found.firsts[-1] = running & 15
                return True
            if chunk[at] > 0x7F:
                return False
            if kind == 0xC:
                channel = running & 15
                is_new = self.programs.get(channel, chunk[at]) != chunk[at]
                if is_new and self.settings >> channel & 1:
                    return False  # symusic would leave the controllers with the old one
                self.programs[channel] = chunk[at]
                at += 1
            elif kind in (0xB, 0xE, 0x8):
                self.settings |= (kind != 0x8) << (running & 15)
                self.found.events += 1
                if chunk[at + 1] > 0x7F:
                    return False
                at += 2
            else:
                return False
        return True

    def follow_notes(self) -> bool:
        """Go from one rare event to the next among all from the first note on."""
        if self.first_note < 0:
            return True
        chunk, size = self.chunk, len(self.chunk)
        start = at = self.first_note
        # In most tracks hardly a byte is left here: some controllers, and the end mark.
        self.high = chunk[start:].translate(None, _LOW)
        rare = self.high.translate(None, _NOT_RARE)
        if rare == b"\xff" and chunk.endswith(END_OF_TRACK):
            self._add_span(start, size - 3, size - start - len(self.high) - 2)
            return True
        low_bytes = 0  # since ``start``
        for place in _places(chunk, at, rare):
            if place < at or chunk[place - 1] > 0x7F:
                continue  # in the message before, or in a delta time
            if chunk[place - 3] in _TAKE_TWO and chunk[place - 2] < 0x80 and place > at + 3:
                continue  # behind a status and its data, where only a delta time can begin
            if place == size - 3 and chunk.endswith(END_OF_TRACK):
                size -= 3
                break
            low_bytes += len(chunk[at:place].translate(None, _HIGH))
            at = place
            if low_bytes % 3 == 0:
                continue  # part of a delta time
            if low_bytes % 3 == 2:
                return False
            self._add_span(start, place, low_bytes)
            status = chunk[place]
            if status >= _SYSEX:
                at = self._message(place, -1)
                if at < 0:
                    return at == _AT_END
            elif status >> 4 == 0xC:
                channel, program = status & 15, chunk[place + 1]
                if not _has_status(chunk, place + 2):
                    return False
                if channel not in self.programs:
                    if chunk.find(0x90 | channel, self.first_note, place) >= 0:
                        return False
                    self.programs[channel] = program
                elif program != self.programs[channel]:
                    return False
                at = place + 2
            else:
                return False
            start, low_bytes = at, 0
        self._add_span(start, size, low_bytes + len(chunk[at:size].translate(None, _HIGH)))
        return True

    def _add_span(self, start: int, end: int, low_bytes: int) -> None:
        """Take a span of events, of each of which three bytes are below 128."""
        self.found.spans.append((self.number, start, end))
        self.found.events += low_bytes // 3

    def _message(self, at: int, now: int) -> int:
        """Take a meta event or a message to synthesizers; where it ends, or less than 0.

        Args:
            now: its tick, -1 among notes.
        """
        chunk, start = self.chunk, at
        if chunk[at] == _META:
            kind, length = chunk[at + 1], chunk[at + 2]
            at += 3
            if length > 0x7F:
                length, at = _number(chunk, at - 1)
            end = at + length
            if 0 < kind < _FIRST_NO_TEXT or kind == OWN:
                payload = chunk[at:end]
                # Karaoke, or a marker that looks like ours, needs more than to be decoded.
                if kind == _LYRIC or (kind in _MAY_MEAN_MORE and payload[:1] in _MEANS_MORE):
                    return _NOT_FOLLOWED
                if now >= 0:
                    self.messages.append(_new(Message, (now, kind, payload)))
                elif kind != NAME:  # which symusic tells, wherever it is
                    self._add_late(kind, payload, start, end)
            elif kind == _END:
                return _AT_END
            elif length < LEAST_BYTES.get(kind, 0):
                return _NOT_FOLLOWED
            return end if end <= len(chunk) else _NOT_FOLLOWED
        length = chunk[at + 1]
        end = at + 2 + length
        payload = chunk[at + 2 : end]
        if chunk[at] != _SYSEX or length > 0x7F or payload[-1:] != b"\xf7":
            return _NOT_FOLLOWED
        if _KITS.search(payload) or not _has_status(chunk, end):
            return _NOT_FOLLOWED
        self.found.system_messages += not is_reset(payload)
        return end

    def _add_late(self, kind: int, payload: bytes, start: int, end: int) -> None:
        late = self.found.late
        follows = late and late[-1].track == self.number and late[-1].end == start - 1
        if follows and self.chunk[start - 1] == 0:  # it stands at the tick of the one before it
            start = late.pop().start
        late.append(Late(self.number, start, end))
        self.messages.append(Message(-len(late), kind, payload))

    def count(self) -> None:
        """Add the channels and programs of the track to what was found."""
        channels: list[int] = []
        if self.first_note >= 0:
            self.found.first_plays |= self.number == 0
            channels = [status & 15 for status in _STRIKES if status in self.high]
        self.found.note_channels.append(channels)
        self.found.set_programs.append(self.programs)
        own = sum(1 << channel for channel in channels)
        self.found.unheard |= self.settings & ~own
        for channel, program in self.programs.items():
            if program and own >> channel & 1:
                self.found.programs.append(program)
            elif program:
                self.found.set_elsewhere |= 1 << channel


_AT_END, _NOT_FOLLOWED = -1, -2
_new = tuple.__new__  # what a call of a named tuple does, three times as fast


def _places(chunk: bytes, start: int, found: bytes) -> list[int]:
    """Where the bytes that were found stand, from a start on, ascending."""
    places = []
    for byte in set(found):
        at = chunk.find(byte, start)
        while at >= 0:
            places.append(at)
            at = chunk.find(byte, at + 1)
    return sorted(places)


def _has_status(chunk: bytes, at: int) -> bool:
    """Whether a status follows the delta time at a place."""
    if at >= len(chunk):
        return True
    return chunk[_number(chunk, at)[1]] > 0x7F


def _number(chunk: bytes, at: int) -> tuple[int, int]:
    number = 0
    for index in range(at, at + 4):
        number = number << 7 | chunk[index] & 0x7F
        if chunk[index] < 0x80:
            return number, index + 1
    raise IndexError
