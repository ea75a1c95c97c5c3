"""`Piece` to a standard MIDI file of format 1, exact to the tick.

The first track holds title, tempi, metres and keys and lasts as long as the piece; then comes
one track for each part that has notes or a name.

A file holds no notes but onsets and releases. Readers pair them within a track in the order they
come: of one pitch, the note that began first ends first. So a pitch may overlap itself, and notes
may be doubled, as long as none begins and ends inside another.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ritornello.errors import OutputError
from ritornello.music.io.limits import FASTEST_BPM, SLOWEST_BPM, clean_name
from ritornello.music.io.midi_read import tempo_bpm
from ritornello.music.keys import KeyName
from ritornello.music.piece import KeyChange, Metre, Piece, Track

_LOG = logging.getLogger(__name__)
_DRUM_CHANNEL = 9
_PITCHED_CHANNELS = tuple(channel for channel in range(16) if channel != _DRUM_CHANNEL)
_LAST_TICK = 2**28 - 1  # of a delta time, and so of the end mark of a piece with no change


def holdable(piece: Piece) -> Piece:
    """The piece as MIDI can hold it: what reading back `write_bytes` gives.

    Every note of a piece that was read from MIDI stays as it is. In other music a note may begin
    and end inside a longer one of its track and pitch; the longer one then ends with it, and how
    many do is logged. Parts without notes go: they are written if they have a name, but a track
    without notes is not read, as in most files it is a line of text. Names become one line. A
    tempo is a whole number of microseconds, within 5 to 1000 bpm. A key is major or minor. The
    piece lasts at least until its last change.
    """
    return _as_held(replace(piece, tracks=tuple(track for track in piece.tracks if len(track))))


def _as_held(piece: Piece) -> Piece:
    """The piece as MIDI can hold it, with its parts without notes."""
    tracks = tuple(
        replace(track, notes=_first_begun_first_ended(track), name=clean_name(track.name))
        for track in piece.tracks
    )
    tempos = tuple(t._replace(bpm=tempo_bpm(_microseconds(t.bpm))) for t in piece.tempos)
    keys = {tick: KeyName(key.tonic, _mode(key)) for tick, key in piece.keys}
    last_change = max(
        tick for changes in (piece.tempos, piece.metres, piece.keys) for tick, *_ in changes
    )
    return replace(
        piece,
        tracks=tracks,
        tempos=tempos,
        keys=tuple(KeyChange(tick, key) for tick, key in keys.items()),
        length_ticks=max(piece.length_ticks, last_change),
        title=clean_name(piece.title),
    )


def write_bytes(piece: Piece) -> bytes:
    """A MIDI file of what `holdable` keeps of the piece, and of its named parts without notes.

    Each pitched part has a channel of its own, or, where there are more than 15, shares one with
    the parts of its program; what goes beyond 15 programs is sent to further ports.

    Raises:
        OutputError: if the piece is longer than the file format can count.
    """
    tempos = piece.tempos  # as they are: the roundest number near one is another microsecond
    piece = _as_held(replace(piece, tracks=tuple(t for t in piece.tracks if len(t) or t.name)))
    if piece.length_ticks > _LAST_TICK:
        raise OutputError(
            f"The piece has {piece.length_ticks:,} ticks; MIDI files hold {_LAST_TICK:,}.",
            where=piece.title,
            next_step="Choose a coarser grid, for example piece.at_resolution(24).",
        )
    chunks = [_chunk(_conductor(replace(piece, tempos=tempos)), piece.length_ticks)]
    for track, (port, channel) in zip(piece.tracks, _channels(piece.tracks), strict=True):
        chunks.append(_chunk(_part(track, port, channel), track.end_ticks))
    header = struct.pack(">4sIHHH", b"MThd", 6, 1, len(chunks), piece.resolution)
    return header + b"".join(chunks)


def _first_begun_first_ended(track: Track) -> np.ndarray:
    """The notes, `NOTE_DTYPE` [notes]; one with another of its pitch inside it ends with that."""
    notes = track.notes
    pitches, ends = notes["pitch"].astype(np.int64), notes["onset"] + notes["duration"]
    order = np.lexsort([ends, notes["onset"], pitches])
    # One key of 42 bits of time below the pitch, so that one pass serves all pitches.
    keys = (pitches[order] << 42) + ends[order]
    earliest = np.minimum.accumulate(keys[::-1])[::-1]
    outer = np.count_nonzero(earliest < keys)
    if not outer:
        return notes
    _LOG.info(
        "%s: %d notes end with a shorter one of their pitch that begins in them; "
        "MIDI cannot hold one inside the other.",
        track.label,
        outer,
    )
    held = notes.copy()
    held["duration"][order] -= keys - earliest
    return held


def _channels(tracks: Iterable[Track]) -> list[tuple[int, int]]:
    """Port and channel of each track."""
    tracks = list(tracks)
    share = sum(not track.is_drum for track in tracks) > len(_PITCHED_CHANNELS)
    taken: dict[int, int] = {}
    places = []
    for index, track in enumerate(tracks):
        if track.is_drum:
            places.append((0, _DRUM_CHANNEL))
            continue
        voice = taken.setdefault(track.program if share else index, len(taken))
        port, channel = divmod(voice, len(_PITCHED_CHANNELS))
        places.append((port, _PITCHED_CHANNELS[channel]))
    return places


def _conductor(piece: Piece) -> list[tuple[int, bytes]]:
    events = [(0, _meta(0x03, piece.title.encode()))] if piece.title else []
    for tick, bpm in piece.tempos:
        events.append((tick, _meta(0x51, _microseconds(bpm).to_bytes(3, "big"))))
    for metre in piece.metres:
        events.append((metre.tick, _meta(0x58, _metre_bytes(metre))))
    for tick, key in piece.keys:
        events.append((tick, _meta(0x59, struct.pack(">bB", key.sharps, key.is_minor))))
    return sorted(events, key=lambda event: event[0])


def _part(track: Track, port: int, channel: int) -> list[tuple[int, bytes]]:
    events = [(0, _meta(0x03, track.name.encode()))] if track.name else []
    if port:
        events.append((0, _meta(0x21, bytes((port,)))))
    events.append((0, bytes((0xC0 | channel, track.program))))
    on, off = 0x90 | channel, 0x80 | channel
    notes = track.notes
    # A pitch that is struck again when it ends must be released first.
    ticks = np.concatenate([notes["onset"] + notes["duration"], notes["onset"]])
    pitches = np.tile(notes["pitch"], 2).tolist()
    velocities = notes["velocity"].tolist()
    count = len(notes)
    all_ticks = ticks.tolist()
    for index in np.argsort(ticks, kind="stable").tolist():
        if index < count:
            event = bytes((off, pitches[index], 64))
        else:
            event = bytes((on, pitches[index], velocities[index - count]))
        events.append((all_ticks[index], event))
    return events


def _chunk(events: list[tuple[int, bytes]], end_ticks: int) -> bytes:
    body = bytearray()
    now = 0
    for tick, event in [*events, (end_ticks, _meta(0x2F, b""))]:
        body += _variable_length(tick - now)
        body += event
        now = tick
    return struct.pack(">4sI", b"MTrk", len(body)) + body


def _meta(kind: int, payload: bytes) -> bytes:
    return bytes((0xFF, kind)) + _variable_length(len(payload)) + payload


def _variable_length(number: int) -> bytes:
    if number < 0x80:
        return bytes((number,))
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(number & 0x7F | 0x80)
    return bytes(reversed(digits))


def _metre_bytes(metre: Metre) -> bytes:
    clocks_per_beat = min(255, max(1, metre.beat_ticks(24)))
    return bytes((metre.numerator, metre.denominator.bit_length() - 1, clocks_per_beat, 8))


def _microseconds(bpm: float) -> int:
    return round(60e6 / min(max(bpm, SLOWEST_BPM), FASTEST_BPM))


def _mode(key: KeyName) -> str:
    return "minor" if key.is_minor else "major"
