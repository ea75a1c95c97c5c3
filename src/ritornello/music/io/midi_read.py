"""Standard MIDI files, bytes to `Piece`.

symusic turns events into notes; this file makes sure that it may, and that nothing is lost
silently. symusic drops notes that are never released and does not say where a track ends, so
each track gets a small tail before it is parsed: a marker where the track ends, and, far behind
it, a release of every pitch. A note that lasts until there was left hanging.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from symusic import core

from ritornello.errors import InputError, shortened
from ritornello.music.io.limits import (
    FASTEST_BPM,
    MOST_TRACKS,
    SLOWEST_BPM,
    clean_name,
    decode_text,
)
from ritornello.music.keys import KeyName
from ritornello.music.piece import (
    DEFAULT_TEMPO_BPM,
    NOTE_DTYPE,
    KeyChange,
    Metre,
    Piece,
    Tempo,
    Track,
)

_NEXT_STEP = "Export it again from the program that made it."
_END_OF_TRACK = b"\xff\x2f\x00"
_END_MARK = "ritornello:end:"
_TRACK_NUMBERS = tuple(map(str, range(MOST_TRACKS)))
_FAR_TICKS = 2**28 - 1  # the longest delta time a MIDI file can hold
_FAR_DELTA = b"\xff\xff\xff\x7f"
_MOST_RELEASES = 32  # of one pitch; with the number of tracks it bounds the memory for the tails
_NOTE_STATUSES = range(0x90, 0xA0)
_RELEASES = tuple(
    bytes((0, 0x90 | channel, 0, 0)) + b"".join(bytes((0, pitch, 0)) for pitch in range(1, 128))
    for channel in range(16)
)


@dataclass
class _File:
    """A MIDI file taken apart: its tracks as bytes, and what was wrong with the container."""

    format: int
    resolution: int
    chunks: list[bytes]
    repairs: list[str]


@dataclass
class _Fault:
    """A kind of repair in one track: how many notes, and where the first one is."""

    sentence: str
    track: str
    count: int
    first_tick: int

    def in_words(self, piece: Piece) -> str:
        bar = _bar_number(piece, self.first_tick)
        return (
            f"{self.count} {'notes' if self.count > 1 else 'note'} {self.sentence} "
            f"(track {self.track or 'without a name'}, from bar {bar})."
        )


def _bar_number(piece: Piece, tick: int) -> int:
    # Counted, not listed: a damaged file can have 2^31 bars.
    ends = [metre.tick for metre in piece.metres[1:]] + [tick + 1]
    spans = (
        (min(end, tick + 1) - metre.tick, metre.bar_ticks(piece.resolution))
        for metre, end in zip(piece.metres, ends, strict=True)
    )
    return sum(-(-span // bar_ticks) for span, bar_ticks in spans if span > 0)


def read_bytes(data: bytes, where: str) -> tuple[Piece, list[str]]:
    """A MIDI file of format 0 or 1 as a piece at its own resolution, and what was repaired.

    A track that uses several channels or programs becomes several tracks. Notes without length
    get one tick; notes that are never released get a quarter note, or less where the piece
    ends before, but end no sooner than earlier ones of their pitch. Tempi outside 5 to 1000 bpm
    are clamped. What cannot be a metre or a key is left out. The piece lasts until the last
    end-of-track mark.

    Raises:
        InputError: if the bytes are no MIDI file, are cut short or damaged, or use SMPTE time.
    """
    file = _take_apart(data, where)
    score, notes = _parse(file, where)
    repairs = file.repairs
    ends = _ends(score, len(file.chunks), repairs)
    for index in range(len(file.chunks)):
        if index not in ends:
            repairs.append(f"What follows the end mark of track {index} was ignored.")
    if min([*ends.values(), notes.lowest_time()]) < 0:
        raise InputError("Its time runs past 2^31 ticks.", where=where, next_step=_NEXT_STEP)
    end = max(ends.values(), default=0)
    faults: list[_Fault] = []
    piece = Piece(
        tracks=tuple(_tracks(file, score, notes, end, faults)),
        resolution=file.resolution,
        tempos=_tempos(score, repairs),
        metres=_metres(score, repairs),
        keys=_keys(score, repairs),
        length_ticks=end,
        title=_title(file, where),
    )
    return piece, repairs + [fault.in_words(piece) for fault in faults]


# --- the container ----------------------------------------------------------------------------


def _take_apart(data: bytes, where: str) -> _File:
    if data[:4] != b"MThd" or len(data) < 14:
        raise InputError(
            f"This is not a MIDI file: it begins with {data[:4]!r}, not with b'MThd'.",
            where=where,
            next_step=_NEXT_STEP,
        )
    header_bytes, form, announced, division = struct.unpack(">IHHH", data[4:14])
    if form not in (0, 1):
        raise InputError(
            f"MIDI format {form} holds separate patterns, not a piece; 0 or 1 was expected.",
            where=where,
            next_step="Export the piece as MIDI format 1.",
        )
    if division & 0x8000 or division == 0:
        raise InputError(
            "Its time is in SMPTE frames or has no unit; ticks per quarter were expected.",
            where=where,
            next_step="Export it with musical time (ticks per quarter note).",
        )
    chunks: list[bytes] = []
    repairs: list[str] = []
    at = 8 + header_bytes
    while at + 8 <= len(data):
        kind, size = struct.unpack(">4sI", data[at : at + 8])
        at += 8
        if kind == b"MTrk":
            if at + size > len(data):
                raise InputError(
                    f"The file is cut short: track {len(chunks)} announces {size:,} bytes, "
                    f"{len(data) - at:,} are left.",
                    where=where,
                    next_step="Get the complete file again.",
                )
            chunks.append(data[at : at + size])
        elif at + size <= len(data):
            repairs.append(f"A chunk of the unknown kind {kind!r} was skipped.")
        else:
            repairs.append(f"{len(data) - at + 8:,} bytes after the last track were ignored.")
        at += size
    if len(chunks) > MOST_TRACKS:
        raise InputError(
            f"{len(chunks):,} tracks; at most {MOST_TRACKS} were expected.", where=where
        )
    if not chunks:
        raise InputError("The file is cut short: it holds no track.", where=where)
    if len(chunks) != announced:
        repairs.append(f"The header announces {announced} tracks; {len(chunks)} were there.")
    return _File(form, division, chunks, repairs)


def _parse(file: _File, where: str) -> tuple[core.ScoreTick, _Notes]:
    """The parsed file; notes left hanging are `_FAR_TICKS` long or longer."""
    for copies in (1, _MOST_RELEASES):
        # Each copy of the releases ends one note of a pitch; more may have been left hanging.
        score = _score(file, [_tailed(*item, copies) for item in enumerate(file.chunks)], where)
        notes = _Notes.of(score)
        if notes.most_hanging() < copies:
            return score, notes
    file.repairs.append(
        f"More than {copies} notes of one pitch were never released; the others are left out."
    )
    return score, notes


def _tailed(index: int, chunk: bytes, copies: int) -> bytes:
    mark = f"{_END_MARK}{index}".encode()
    body = chunk[:-3] if chunk.endswith(_END_OF_TRACK) else chunk + b"\x00"
    releases = [_RELEASES[status & 15] for status in _note_statuses(chunk)]
    return b"".join(
        (body, b"\xff\x06", bytes((len(mark),)), mark, _FAR_DELTA, b"\xff\x01\x00")
        + tuple(releases) * copies
        + (b"\x00", _END_OF_TRACK)
    )


def _score(file: _File, chunks: list[bytes], where: str) -> core.ScoreTick:
    header = struct.pack(">4sIHHH", b"MThd", 6, 1, len(chunks), file.resolution)
    tracks = (struct.pack(">4sI", b"MTrk", len(chunk)) + chunk for chunk in chunks)
    try:
        return core.ScoreTick.from_midi(header + b"".join(tracks))
    except (RuntimeError, ValueError, MemoryError) as error:
        reason = str(error).splitlines()[0].removeprefix("MiniMidi: ").split(": iostream")[0]
        raise InputError(
            f"The file is damaged ({reason}).", where=where, next_step=_NEXT_STEP
        ) from error


def _note_statuses(chunk: bytes) -> list[int]:
    """The bytes that begin notes on some channel; a few may be part of a text instead."""
    return [status for status in _NOTE_STATUSES if status in chunk]


def _ends(score: core.ScoreTick, tracks: int, repairs: list[str]) -> dict[int, int]:
    """Where each track ends, in ticks, by the marks of `_tailed`."""
    ends: dict[int, int] = {}
    for mark in score.markers:
        if not mark.text.startswith(_END_MARK):
            continue
        number = mark.text.removeprefix(_END_MARK)
        if number in _TRACK_NUMBERS[:tracks]:
            ends[int(number)] = max(mark.time, ends.get(int(number), mark.time))
        else:  # by somebody else, who may write what they like
            repairs.append(f"The marker {shortened(mark.text)!r} was ignored.")
    return ends


# --- names ------------------------------------------------------------------------------------


def _title(file: _File, where: str) -> str:
    """The first track's name, where that track is not itself a part."""
    first = file.chunks[0]
    # A byte that looks like a note may be part of a text: only parsing the track tells.
    is_part = (
        file.format == 1
        and len(_note_statuses(first)) > 0
        and len(_score(file, [_tailed(0, first, 1)], where).tracks) > 0
    )
    return "" if is_part else _name(first)


def _name(chunk: bytes) -> str:
    return decode_text(_raw_name(chunk))


def _raw_name(chunk: bytes) -> bytes:
    start = chunk.find(b"\xff\x03")
    if start < 0:
        return b""
    size, at = 0, start + 2
    for byte in chunk[at : at + 4]:  # longer lengths are no MIDI, and parsing refuses them
        size = size << 7 | byte & 0x7F
        at += 1
        if byte < 0x80:
            break
    return chunk[at : at + size]


# --- the music --------------------------------------------------------------------------------


@dataclass
class _Notes:
    """The notes of all tracks, one track after another, so that each step is one operation.

    Attributes:
        onset, duration, pitch, velocity: integers [notes].
        sizes: how many notes each track has, int64 [tracks].
    """

    onset: np.ndarray
    duration: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, score: core.ScoreTick) -> _Notes:
        columns = [track.notes.numpy() for track in score.tracks]

        def joined(name: str) -> np.ndarray:
            return np.concatenate([np.zeros(0, np.int32), *(column[name] for column in columns)])

        sizes = np.array([len(column["time"]) for column in columns], np.int64)
        return cls(joined("time"), joined("duration"), joined("pitch"), joined("velocity"), sizes)

    @property
    def track_numbers(self) -> np.ndarray:
        """The track of each note, int64 [notes]."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def lowest_time(self) -> int:
        """The least onset or duration, at most 0; less than 0 where time ran over."""
        return int(min(self.onset.min(initial=0), self.duration.min(initial=0)))

    def most_hanging(self) -> int:
        """The largest number of notes of one track and pitch that were never released."""
        if self.duration.max(initial=0) < _FAR_TICKS:
            return 0
        hanging = np.flatnonzero(self.duration >= _FAR_TICKS)
        return int(np.bincount(self.track_numbers[hanging] * 128 + self.pitch[hanging]).max())

    def tables(self) -> list[np.ndarray]:
        """The `NOTE_DTYPE` table of each track, sorted and read-only as a `Track` wants it."""
        track = self.track_numbers
        # One key of 31 bits of time and 7 of pitch; a stable sort is fast on what is nearly sorted.
        key = (track << 38) + (self.onset.astype(np.int64) << 7) + self.pitch
        order = np.argsort(key, kind="stable")
        ties = np.flatnonzero(np.diff(key[order]) == 0)
        if len(ties):
            places = np.union1d(ties, ties + 1)
            tied = order[places]
            order[places] = tied[np.lexsort([self.velocity[tied], self.duration[tied], key[tied]])]
        table = np.empty(len(order), NOTE_DTYPE)
        table["onset"] = self.onset[order]
        table["duration"] = self.duration[order]
        table["pitch"] = self.pitch[order]
        table["velocity"] = self.velocity[order]
        table.flags.writeable = False
        edges = [0, *np.cumsum(self.sizes).tolist()]
        return [table[start:end] for start, end in pairwise(edges)]


def _tracks(
    file: _File, score: core.ScoreTick, notes: _Notes, end: int, faults: list[_Fault]
) -> list[Track]:
    # symusic replaces what is not UTF-8; the bytes say what the name was.
    known = {_raw_name(chunk).decode("utf-8", "replace"): _name(chunk) for chunk in file.chunks}
    # A name in format 0 is the piece's: all its parts share one track.
    names = [
        known.get(track.name) or clean_name(track.name) if file.format else ""
        for track in score.tracks
    ]
    _repair_durations(notes, file.resolution, end, names, faults)
    return [
        Track.of_table(table, track.program, track.is_drum, name)
        for table, track, name in zip(notes.tables(), score.tracks, names, strict=True)
        if len(table)
    ]


def _repair_durations(
    notes: _Notes, resolution: int, end: int, names: list[str], faults: list[_Fault]
) -> None:
    onsets, durations = notes.onset, notes.duration
    if durations.min(initial=1) > 0 and durations.max(initial=1) < _FAR_TICKS:
        return
    empty, hanging = durations == 0, durations >= _FAR_TICKS
    durations[empty] = 1
    # Of one pitch the note that began first ends first, hanging or not.
    key = notes.track_numbers * 128 + notes.pitch
    latest_ends = np.zeros(len(notes.sizes) * 128, np.int64)
    np.maximum.at(latest_ends, key[~hanging], (onsets + durations)[~hanging])
    durations[hanging] = np.maximum(
        np.clip(end - onsets[hanging], 1, resolution), latest_ends[key[hanging]] - onsets[hanging]
    )
    for wrong, sentence in (
        (empty, "without length got 1 tick"),
        (hanging, "never released got a quarter note"),
    ):
        for number in np.unique(notes.track_numbers[wrong]):
            here = onsets[wrong & (notes.track_numbers == number)]
            faults.append(_Fault(sentence, names[number], len(here), int(here.min())))


def _tempos(score: core.ScoreTick, repairs: list[str]) -> tuple[Tempo, ...]:
    if not score.tempos:
        return ()
    fastest, slowest = 60e6 / FASTEST_BPM, 60e6 / SLOWEST_BPM
    changes = [(tempo.time, tempo.mspq) for tempo in score.tempos]
    absurd = sum(not fastest <= microseconds <= slowest for _, microseconds in changes)
    if absurd:
        repairs.append(
            f"{absurd} tempi outside {SLOWEST_BPM:g} to {FASTEST_BPM:g} bpm were clamped."
        )
    tempos = [
        Tempo(tick, tempo_bpm(min(max(microseconds, fastest), slowest)))
        for tick, microseconds in changes
    ]
    if tempos[0].tick > 0:
        tempos.insert(0, Tempo(0, DEFAULT_TEMPO_BPM))
    return tuple(tempos)


def tempo_bpm(microseconds_per_quarter: float) -> float:
    """The roundest tempo that programs write as this number, whether they round or cut it."""
    exact = 60e6 / microseconds_per_quarter
    for digits in (0, 1, 2, 3):
        rounded = round(exact, digits)
        if microseconds_per_quarter in (round(60e6 / rounded), int(60e6 / rounded)):
            return rounded
    return exact


def _metres(score: core.ScoreTick, repairs: list[str]) -> tuple[Metre, ...]:
    found = [Metre(m.time, m.numerator, m.denominator) for m in score.time_signatures]
    kept = tuple(m for m in found if m.numerator and m.denominator in (1, 2, 4, 8, 16, 32, 64))
    if len(kept) < len(found):
        repairs.append(f"{len(found) - len(kept)} impossible metres were left out.")
    return kept


def _keys(score: core.ScoreTick, repairs: list[str]) -> tuple[KeyChange, ...]:
    found = score.key_signatures
    kept = [key for key in found if -7 <= key.key <= 7 and key.tonality in (0, 1)]
    if len(kept) < len(found):
        repairs.append(f"{len(found) - len(kept)} impossible key signatures were left out.")
    return tuple(
        KeyChange(
            key.time,
            KeyName((key.key * 7 + 9 * key.tonality) % 12, "minor" if key.tonality else "major"),
        )
        for key in kept
    )
