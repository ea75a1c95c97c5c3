"""Ordinary MIDI files as symusic reads them, ten times as fast as a reader in Python.

symusic drops notes that are never released and does not say where a track ends, so each track gets
a small tail before it is parsed: a marker where the track ends, and, far behind it, a release of
every pitch. A note that lasts until there was left hanging, and the file is read by our own reader.
"""

from __future__ import annotations

import struct
from collections import Counter
from functools import lru_cache
from typing import Any

import numpy as np
from symusic import core

from ritornello.music.controls import BANK
from ritornello.music.io.limits import clean_name
from ritornello.music.io.midi_channels import MEANT_AS_KITS
from ritornello.music.io.midi_container import END_OF_TRACK, MidiFile
from ritornello.music.io.midi_found import UNHEARD, MidiMusic, NoteColumns, left_out
from ritornello.music.io.midi_ordinary import Ordinary, look_at
from ritornello.music.io.midi_text import choose_codec
from ritornello.music.io.midi_words import END_MARK, words_in
from ritornello.music.note_tables import BEND_DTYPE, CONTROL_DTYPE, NO_CONTROLS

_LATE_MARK = "ritornello:late:"
_FAR_TICKS = 2**28 - 1  # the longest delta time a MIDI file can hold
_FAR_DELTA = b"\xff\xff\xff\x7f"
_FEW = 24  # controllers of a track
_NAME = 3
_RELEASES = tuple(
    bytes((0, 0x90 | channel, 0, 0)) + b"".join(bytes((0, pitch, 0)) for pitch in range(1, 128))
    for channel in range(16)
)


def read_ordinary(file: MidiFile) -> MidiMusic | None:
    """A file as symusic reads it; None where it would read otherwise than players do, or less."""
    looked = look_at(file.chunks)
    if looked is None:
        return None
    try:
        score = _score(file, looked)
    except (RuntimeError, ValueError, MemoryError):
        return None
    ends = _ends(score)
    found = list(score.tracks)
    notes = NoteColumns.of(found)
    if (
        len(ends) < len(file.chunks)
        or min([*ends, notes.lowest_time()]) < 0
        or notes.duration.max(initial=0) >= _FAR_TICKS
    ):
        return None
    if looked.late and not _place_late(score, looked):
        return None
    programs = [track.program for track in found]
    heard = [bool(size) for size in notes.sizes.tolist()]
    if Counter(p for p, is_heard in zip(programs, heard, strict=True) if p and is_heard) != (
        looked.programs
    ):
        return None
    playing = _ordinary_playing(found, heard)
    if playing is None:
        return None
    # A name in format 0 is the piece's: all its parts share one track.
    names = [clean_name(track.name) if file.format else "" for track in found]
    codec = choose_codec(m.payload for track in looked.messages for m in track)
    if codec != "utf-8" and any(
        m.kind == _NAME and not m.payload.isascii() for track in looked.messages for m in track
    ):
        return None  # symusic takes all names to be UTF-8
    pieces_name = next((m.payload for m in looked.messages[0] if m.kind == _NAME), b"").decode()
    title = "" if file.format == 1 and looked.first_plays else clean_name(pieces_name)
    if looked.unheard:
        file.repairs.append(UNHEARD)
    if looked.system_messages:
        file.repairs.append(left_out(looked.system_messages))
    return MidiMusic(
        notes=notes,
        is_lost=np.zeros(len(notes.onset), bool),
        owners=[0] * len(found),
        programs=programs,
        drums=[track.is_drum for track in found],
        names=names,
        playing=playing,
        tempos=[(tempo.time, tempo.mspq) for tempo in score.tempos],
        metres=[(m.time, m.numerator, m.denominator) for m in score.time_signatures],
        keys=[(key.time, key.key, key.tonality) for key in score.key_signatures],
        messages=looked.messages,
        end_ticks=max(ends, default=0),
        texts=words_in(looked.messages, codec, title, []),
    )


def _score(file: MidiFile, looked: Ordinary) -> core.ScoreTick:
    header = struct.pack(">4sIHHH", b"MThd", 6, 1, len(file.chunks), file.resolution)
    parts = [header]
    for index, (chunk, channels) in enumerate(zip(file.chunks, looked.note_channels, strict=False)):
        mark = b"%s%d" % (END_MARK.encode(), index)
        is_ended = chunk.endswith(END_OF_TRACK)
        ending = b"\xff\x06" if is_ended else b"\0\xff\x06"
        tail = b"".join((ending, bytes((len(mark),)), mark, _releases(tuple(channels))))
        body = _with_late_marks(index, chunk[:-3] if is_ended else chunk, looked.late)
        parts += (b"MTrk", (len(body) + len(tail)).to_bytes(4, "big"), body, tail)
    return core.ScoreTick.from_midi(b"".join(parts))


@lru_cache(maxsize=64)
def _releases(channels: tuple[int, ...]) -> bytes:
    """Far behind the end of a track a release of every pitch on some channels."""
    releases = (_RELEASES[channel] for channel in channels)
    return b"".join((_FAR_DELTA, b"\xff\x01\x00", *releases, b"\x00", END_OF_TRACK))


def _with_late_marks(number: int, chunk: bytes, late: list[tuple[int, int, int]]) -> bytes:
    """A track in which a marker with a number stands for each text among its notes."""
    parts, at = [], 0
    for index, (owner, start, end) in enumerate(late):
        if owner == number:
            mark = b"%s%d" % (_LATE_MARK.encode(), index)
            parts += [chunk[at:start], b"\xff\x06", bytes((len(mark),)), mark]
            at = end
    return b"".join((*parts, chunk[at:])) if parts else chunk


def _place_late(score: core.ScoreTick, looked: Ordinary) -> bool:
    """Give texts among notes the ticks of their marks; whether all of them are there."""
    ticks = {
        int(mark.text.removeprefix(_LATE_MARK)): mark.time
        for mark in score.markers
        if mark.text.startswith(_LATE_MARK)
    }
    if len(ticks) < len(looked.late):
        return False
    for messages in looked.messages:
        for place, message in enumerate(messages):
            if message.tick < 0:
                messages[place] = message._replace(tick=ticks[-1 - message.tick])
    return True


def _ends(score: core.ScoreTick) -> list[int]:
    """Where the tracks end, in ticks, by the marks of `_score`."""
    return [mark.time for mark in score.markers if mark.text.startswith(END_MARK)]


def _ordinary_playing(found: list[Any], heard: list[bool]) -> list[dict[str, Any]] | None:
    """Controllers and bends of each track; None if a track without notes has some, or a kit's."""
    playing: list[dict[str, Any]] = [{} for _ in found]
    few: list[tuple[int, int, int]] = []  # controllers of all tracks, as a table has its price
    counts = []
    for index, (track, is_heard) in enumerate(zip(found, heard, strict=True)):
        controls, bends = track.controls, track.pitch_bends
        count = len(controls)
        counts.append(count if count < _FEW else 0)
        if not is_heard and (count or len(bends)):
            return None
        if counts[-1]:
            few += [(control.time, control.number, control.value) for control in controls]
        elif count:
            playing[index]["controls"] = _table(controls.numpy(), CONTROL_DTYPE)
        if len(bends):
            table = playing[index]["bends"] = _table(bends.numpy(), BEND_DTYPE)
            if table["value"].min() < -8192 or table["value"].max() > 8191:
                return None
    if few:
        table = np.array(few, CONTROL_DTYPE)
        table.flags.writeable = False
        end = 0
        for index, count in enumerate(counts):
            start, end = end, end + count
            if count:
                playing[index]["controls"] = table[start:end]
    for found_here in playing:
        banks = found_here.get("controls", NO_CONTROLS)
        if len(banks) and (banks["value"][banks["number"] == BANK] >= min(MEANT_AS_KITS)).any():
            return None
    return playing


def _table(columns: dict[str, np.ndarray], dtype: np.dtype) -> np.ndarray:
    """Events of symusic as a read-only table."""
    table = np.empty(len(columns["time"]), dtype)
    for name in dtype.names or ():
        table[name] = columns["time" if name == "tick" else name]
    table.flags.writeable = False
    return table
