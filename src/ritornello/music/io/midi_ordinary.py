"""Which MIDI files symusic reads rightly and whole, told from their bytes in a few passes.

symusic is ten times as fast as a reader in Python, but tells nothing of aftertouch and of texts
that come late, splits at programs without a word, and misreads some rare events. All these begin
with a status byte. Bytes from 128 on are statuses, parts of long delta times or of texts; nearly
all delta times are known by what is before them, and what is left is looked at one by one. A doubt
costs time alone: the file is then read by `midi_events`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from ritornello.music.io.midi_events import SYSTEM_EXCLUSIVE, Message

_IS_RARE = np.zeros(256, bool)  # statuses that are worth a look
_IS_RARE[0xA0:0xB0] = _IS_RARE[0xC0:] = True
_IS_RARE[0xE0:0xF0] = False
_TAKES_TWO = np.zeros(256, bool)  # statuses of channel events with two data bytes
_TAKES_TWO[0x80:0xC0] = _TAKES_TWO[0xE0:0xF0] = True
_TAKES_TWO[0xA0:0xB0] = False  # rare ones are looked at themselves
_LATE_METAS = frozenset((*range(0x01, 0x10), 0x7F))
_TEXT, _MARKER, _TEXTS = 0x01, 0x06, frozenset(range(0x01, 0x10))
_NEEDS_MORE = (0x05, 0x7F)  # lyrics, and what only its maker understands
_MOST_HEAD = 64  # messages at the beginning of a track
_KITS = re.compile(rb"\x41.\x42\x12\x40[\x10-\x1f]\x15|\x43.\x4c\x08.\x07", re.DOTALL)
_RESETS = re.compile(rb"\x7e.\x09|\x41.\x42\x12\x40\x00\x7f|\x43.\x4c\x00\x00\x7e", re.DOTALL)


@dataclass
class Ordinary:
    """What symusic does not tell of a file that it reads rightly.

    Attributes:
        heads: of each track the messages with which it begins, all at tick 0.
        note_channels: of each track the channels it has notes on, perhaps with some it has not.
        programs: how often each program but 0 is set; where parts that symusic finds do not have
            just these, a program counts for another track.
        system_messages: how many messages to synthesizers, resets aside, are in the file.
    """

    heads: list[list[Message]] = field(default_factory=list)
    note_channels: list[list[int]] = field(default_factory=list)
    programs: Counter[int] = field(default_factory=Counter)
    system_messages: int = 0


def look_at(chunks: list[bytes]) -> Ordinary | None:
    """What is needed beside symusic; None where it would not read the file rightly and whole."""
    found = Ordinary()
    ends_of_heads = []
    for chunk in chunks:
        head = _head(chunk)
        if head is None:
            return None
        found.heads.append(head[0])
        ends_of_heads.append(head[1])
    edges = np.cumsum([0, *map(len, chunks)])
    data = np.frombuffer(b"".join(chunks), np.uint8)
    if len(data) < 8:
        found.note_channels = [[] for _ in chunks]
        return found
    places = _statuses(data)
    owners = np.searchsorted(edges, places, side="right") - 1
    is_late = places - edges[owners] >= np.array(ends_of_heads)[owners]
    rare = places[is_late]
    kinds = data[rare]
    metas = rare[kinds == 0xFF]
    if (kinds >> 4 == 0xA).any() or (kinds >> 4 == 0xD).any() or _has_late_text(data, metas):
        return None
    if not _are_plain(data, rare[(kinds >= 0xF0) & (kinds < 0xFF)], found):
        return None
    programs = _programs_are_plain(chunks, edges, rare[kinds >> 4 == 0xC], ends_of_heads)
    if programs is None:
        return None
    found.programs = Counter(program for program in programs if program)
    found.note_channels = _note_channels(data, edges)
    return found


def is_reset(payload: bytes) -> bool:
    """Whether a message to synthesizers only says which standard follows."""
    return _RESETS.search(payload) is not None


def _statuses(data: np.ndarray) -> np.ndarray:
    """Places of rare bytes that may be statuses.

    A byte is part of a delta time if one over 127 is before it, or if the two before it are the
    data of a status: had a status stood here, that status would have had one data byte, and has
    two. The end of a tempo looks like such data.
    """
    places = np.flatnonzero(_IS_RARE[data])
    before = [data[np.maximum(places - back, 0)] for back in range(8)]
    is_plain = (before[1] < 0x80) | (places == 0)
    follows_data = _TAKES_TWO[before[3]] & (before[2] < 0x80) & (places >= 3)
    follows_tempo = (before[7] == 0xFF) & (before[6] == 0x51)
    result: np.ndarray = places[is_plain & ~(follows_data & ~follows_tempo)]
    return result


def _head(chunk: bytes) -> tuple[list[Message], int] | None:
    """The messages at tick 0 at the beginning of a track, and where they end; None in doubt."""
    messages: list[Message] = []
    at = 0
    while at + 3 < len(chunk) and chunk[at] == 0 and chunk[at + 1] in (0xFF, 0xF0):
        is_meta = chunk[at + 1] == 0xFF
        start = at + 3 if is_meta else at + 2
        length = chunk[start]
        if length > 0x7F:
            if start + 1 >= len(chunk) or chunk[start + 1] > 0x7F:
                return None
            length = (length & 0x7F) << 7 | chunk[start + 1]
            start += 1
        end = start + 1 + length
        payload = chunk[start + 1 : end]
        if end >= len(chunk) or len(messages) == _MOST_HEAD:
            return None
        if is_meta:
            kind = chunk[at + 2]
            if kind == 0x2F:
                break
            if kind in _NEEDS_MORE or (kind in _TEXTS and not payload.isascii()):
                return None
            if kind in (_TEXT, _MARKER) and payload[:1] in (b"@", b"r"):
                return None  # karaoke, or a marker that looks like ours
            messages.append(Message(0, kind, payload))
        else:
            if payload[-1:] != b"\xf7" or _KITS.search(payload) or not _explicit(chunk, end):
                return None
            messages.append(Message(0, SYSTEM_EXCLUSIVE, payload))
        at = end
    return messages, at


def _explicit(chunk: bytes, at: int) -> bool:
    """Whether a status follows the delta time at a place."""
    for index in range(at, min(at + 4, len(chunk) - 1)):
        if chunk[index] < 0x80:
            return chunk[index + 1] >= 0x80
    return at >= len(chunk)


def _has_late_text(data: np.ndarray, metas: np.ndarray) -> bool:
    kinds = data[np.minimum(metas + 1, len(data) - 1)]
    return bool(np.isin(kinds, list(_LATE_METAS)).any())


def _are_plain(data: np.ndarray, places: np.ndarray, found: Ordinary) -> bool:
    """Whether messages to synthesizers are whole and followed by a status."""
    found.system_messages = sum(
        message.kind == SYSTEM_EXCLUSIVE and not is_reset(message.payload)
        for head in found.heads
        for message in head
    )
    skipped_to = -1
    for place in places.tolist():
        if place < skipped_to:
            continue
        length = int(data[place + 1]) if place + 1 < len(data) else 0x80
        end = place + 2 + length
        if data[place] != 0xF0 or length > 0x7F or end >= len(data) or data[end - 1] != 0xF7:
            return False
        payload = data[place + 2 : end].tobytes()
        if _KITS.search(payload) or not _explicit(data[end : end + 5].tobytes(), 0):
            return False
        found.system_messages += not is_reset(payload)
        skipped_to = end
    return True


def _note_channels(data: np.ndarray, edges: np.ndarray) -> list[list[int]]:
    """Of each track the channels whose statuses of notes are among its bytes."""
    places = np.flatnonzero(data >> 4 == 0x9)
    owners = np.searchsorted(edges, places, side="right") - 1
    is_there = np.zeros((len(edges) - 1, 16), bool)
    is_there[owners, data[places] & 15] = True
    return [np.flatnonzero(row).tolist() for row in is_there]


def _programs_are_plain(
    chunks: list[bytes], edges: np.ndarray, places: np.ndarray, ends_of_heads: list[int]
) -> list[int] | None:
    """The programs that are set; None if a track sets two on a channel, or one after a note."""
    seen = set()
    programs = []
    owners = np.searchsorted(edges, places, side="right") - 1
    for owner, place in zip(owners.tolist(), (places - edges[owners]).tolist(), strict=True):
        chunk = chunks[owner]
        channel = chunk[place] & 15
        if (owner, channel) in seen or place + 1 >= len(chunk):
            return None
        if chunk.find(bytes((0x90 | channel,)), ends_of_heads[owner], place) >= 0:
            return None
        seen.add((owner, channel))
        programs.append(chunk[place + 1])
    return programs
