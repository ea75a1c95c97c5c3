"""Ordinary MIDI files as symusic reads them, ten times as fast as a reader in Python.

symusic does not say where a track ends, so each track gets a marker there before it is parsed. It
drops notes that are never released. So where there are more events than what it found is made of,
it is asked again, with a release of every pitch far behind the end of each track: a note that lasts
until there was left hanging, and the file is read by our own reader.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from itertools import accumulate
from operator import attrgetter
from typing import Any

import numpy as np
from symusic import core

from ritornello.music.controls import BANK
from ritornello.music.io.limits import clean_name
from ritornello.music.io.midi_channels import MEANT_AS_KITS
from ritornello.music.io.midi_container import END_OF_TRACK, MidiFile
from ritornello.music.io.midi_events import Message
from ritornello.music.io.midi_found import UNHEARD, MidiMusic, NoteColumns, left_out
from ritornello.music.io.midi_ordinary import NAME, OWN, Late, Ordinary, look_at, set_among_notes
from ritornello.music.io.midi_text import choose_codec, decode, decode_name
from ritornello.music.io.midi_words import END_MARK, words_in
from ritornello.music.note_tables import BEND_DTYPE, CONTROL_DTYPE

_LATE_MARK = "ritornello:late:"
_FAR_TICKS = 2**28 - 1  # the longest delta time a MIDI file can hold
_FAR_DELTA = b"\xff\xff\xff\x7f"
_FEW_EVENTS = 64  # less are read faster one by one
_LEAST_KIT = min(MEANT_AS_KITS)
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
        found = list(score.tracks)
        if looked.events != sum(
            2 * len(track.notes) + len(track.controls) + len(track.pitch_bends) for track in found
        ):
            score = _score(file, looked, ask_for_lost=True)
            found = list(score.tracks)
            looked.unheard |= set_among_notes(file.chunks, looked)
            if looked.is_heard(looked.unheard):
                return None
    except (RuntimeError, ValueError, MemoryError):
        return None
    marks = [(mark.text, mark.time) for mark in score.markers]
    ends = [time for text, time in marks if text.startswith(END_MARK)]
    notes = NoteColumns([track.notes.numpy() for track in found])
    if len(ends) < len(file.chunks) or min(ends) < 0 or notes.ran_over(_FAR_TICKS):
        return None
    if looked.late and not _place_late(marks, looked):
        return None
    programs = [track.program for track in found]
    heard = [size > 0 for size in notes.sizes]
    played = sorted(p for p, is_heard in zip(programs, heard, strict=True) if p and is_heard)
    if played != sorted(looked.programs) or looked.lends_programs(sum(heard)):
        return None
    playing = _ordinary_playing(found, heard)
    if playing is None:
        return None
    texts = [m for track in looked.messages for m in track if m.kind != OWN]
    codec = choose_codec([m.payload for m in texts])
    names = _names(found, [m.payload for m in texts if m.kind == NAME], codec)
    if names is None:
        return None
    pieces_name = next((m.payload for m in looked.messages[0] if m.kind == NAME), b"")
    title = "" if file.format == 1 and looked.first_plays else decode_name(pieces_name, codec)
    if looked.unheard:
        file.repairs.append(UNHEARD)
    if looked.system_messages:
        file.repairs.append(left_out(looked.system_messages))
    return MidiMusic(
        notes=notes,
        is_lost=None,
        owners=[0] * len(found),
        programs=programs,
        drums=[track.is_drum for track in found],
        # A name in format 0 is the piece's: all its parts share one track.
        names=names if file.format else [""] * len(found),
        playing=playing,
        tempos=[(tempo.time, tempo.mspq) for tempo in score.tempos],
        metres=[(m.time, m.numerator, m.denominator) for m in score.time_signatures],
        keys=[(key.time, key.key, key.tonality) for key in score.key_signatures],
        messages=looked.messages,
        end_ticks=max(ends, default=0),
        texts=words_in(looked.messages, codec, title, []),
    )


def _names(found: list[Any], named: list[bytes], codec: str) -> list[str] | None:
    """The names of parts; None if one has letters that symusic does not tell.

    symusic takes all names to be UTF-8, and puts a sign in place of what is not.
    """
    names = [track.name for track in found]
    if codec != "utf-8":
        foreign = {name for name in named if not name.isascii()}
        meant = {name.decode("utf-8", "replace"): decode(name, codec) for name in foreign}
        names = [meant.get(name, name) for name in names]
        if len(meant) < len(foreign) or any("\ufffd" in name for name in names):
            return None
    return [clean_name(name) for name in names]


def _score(file: MidiFile, looked: Ordinary, *, ask_for_lost: bool = False) -> core.ScoreTick:
    parts = [struct.pack(">4sIHHH", b"MThd", 6, 1, len(file.chunks), file.resolution)]
    late_tracks = {each.track for each in looked.late}
    for index, (chunk, channels) in enumerate(zip(file.chunks, looked.note_channels, strict=False)):
        is_ended = chunk.endswith(END_OF_TRACK)
        ending = _ending(index, is_ended, tuple(channels) if ask_for_lost else None)
        body = chunk[:-3] if is_ended else chunk
        if index in late_tracks:
            body = _with_late_marks(index, body, looked.late)
        parts += (b"MTrk", (len(body) + len(ending)).to_bytes(4, "big"), body, ending)
    return core.ScoreTick.from_midi(b"".join(parts))


@lru_cache(maxsize=1024)
def _ending(index: int, is_ended: bool, channels: tuple[int, ...] | None) -> bytes:
    """The end of a track: its marker, perhaps releases on some channels, and the end mark.

    Args:
        is_ended: whether the time of an end mark stands before it.
    """
    mark = b"%s%d" % (END_MARK.encode(), index)
    start = b"\xff\x06" if is_ended else b"\0\xff\x06"
    releases = b"\0" if channels is None else _releases(channels)
    return b"".join((start, bytes((len(mark),)), mark, releases, END_OF_TRACK))


def _releases(channels: tuple[int, ...]) -> bytes:
    """Far behind the end of a track a release of every pitch on some channels."""
    releases = (_RELEASES[channel] for channel in channels)
    return b"".join((_FAR_DELTA, b"\xff\x01\x00", *releases, b"\x00"))


def _with_late_marks(number: int, chunk: bytes, late: list[Late]) -> bytes:
    """A track in which a marker with a number stands for the texts among its notes."""
    parts, at = [], 0
    for index, (owner, start, end) in enumerate(late):
        if owner == number:
            mark = b"%s%d" % (_LATE_MARK.encode(), index)
            parts += [chunk[at:start], b"\xff\x06", bytes((len(mark),)), mark]
            at = end
    return b"".join((*parts, chunk[at:]))


def _place_late(marks: list[tuple[str, int]], looked: Ordinary) -> bool:
    """Give texts among notes the ticks of their marks; whether all of them are there."""
    start = len(_LATE_MARK)
    ticks = {int(text[start:]): time for text, time in marks if text.startswith(_LATE_MARK)}
    if len(ticks) < len(looked.late):
        return False
    for messages in looked.messages:
        for place, (tick, kind, payload) in enumerate(messages):
            if tick < 0:
                messages[place] = Message(ticks[-1 - tick], kind, payload)
    return True


def _ordinary_playing(found: list[Any], heard: list[bool]) -> list[dict[str, Any]] | None:
    """Controllers and bends of each track; None if a track without notes has some, or a kit's."""
    playing: list[dict[str, Any]] = [{} for _ in found]
    for name, events, dtype in (
        ("controls", [track.controls for track in found], CONTROL_DTYPE),
        ("bends", [track.pitch_bends for track in found], BEND_DTYPE),
    ):
        counts = list(map(len, events))
        if not any(counts):
            continue
        if any(count and not is_heard for count, is_heard in zip(counts, heard, strict=True)):
            return None
        table = _table(events, sum(counts), dtype)
        if name == "bends":
            values = table["value"]
            if values.min() < -8192 or values.max() > 8191:
                return None
        elif table["value"][table["number"] == BANK].max(initial=0) >= _LEAST_KIT:
            return None
        for index, end in enumerate(accumulate(counts)):
            if counts[index]:
                playing[index][name] = table[end - counts[index] : end]
    return playing


def _table(events: list[Any], count: int, dtype: np.dtype) -> np.ndarray:
    """Events of symusic, of one track after another, as one read-only table."""
    names = ["time", *(dtype.names or ())[1:]]
    if count < _FEW_EVENTS:
        fields = attrgetter(*names)
        table = np.array([fields(event) for each in events for event in each], dtype)
    else:
        columns = [each.numpy() for each in events if len(each)]
        table = np.empty(count, dtype)
        for name, theirs in zip(dtype.names or (), names, strict=True):
            parts = [each[theirs] for each in columns]
            np.concatenate(parts, out=table[name], casting="unsafe")
    table.flags.writeable = False
    return table
