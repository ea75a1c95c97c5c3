"""Standard MIDI files, bytes to `Piece`; nothing is lost, and what is mended is told.

midi_container  the tracks of a file as bytes
midi_ordinary   which files symusic reads rightly and whole
midi_events     the events of a track, for all other files
midi_channels   the parts in these events
midi_text       texts in the code page they were written in

symusic drops notes that are never released and does not say where a track ends, so each track gets
a small tail before it is parsed: a marker where the track ends, and, far behind it, a release of
every pitch. A note that lasts until there was left hanging, and the file is read by our own reader.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from symusic import core

from ritornello.errors import InputError, shortened
from ritornello.music.controls import BANK, PEDALS
from ritornello.music.io.limits import FASTEST_BPM, SLOWEST_BPM, Remark, clean_name
from ritornello.music.io.midi_channels import MEANT_AS_KITS, parts_of
from ritornello.music.io.midi_container import END_OF_TRACK, NEXT_STEP, MidiFile, take_apart
from ritornello.music.io.midi_events import (
    MOST_EVENTS,
    SYSTEM_EXCLUSIVE,
    Message,
    TrackEvents,
    read_events,
)
from ritornello.music.io.midi_ordinary import Ordinary, is_reset, look_at
from ritornello.music.io.midi_text import (
    choose_codec,
    decode,
    decode_name,
    line_ends_read,
    sung_text,
)
from ritornello.music.keys import KeyName
from ritornello.music.piece import (
    BEND_DTYPE,
    CONTROL_DTYPE,
    DEFAULT_TEMPO_BPM,
    NO_CONTROLS,
    NOTE_DTYPE,
    ChordSymbol,
    KeyChange,
    Lyric,
    Metre,
    Piece,
    Tempo,
    Text,
    Track,
)

# Written before a marker that is a chord symbol: bytes for the maker of the file alone (7D).
CHORD_SIGN = b"\x7dchord"
COMPOSER = "Composer: "
_END_MARK, _LATE_MARK = "ritornello:end:", "ritornello:late:"
_FAR_TICKS = 2**28 - 1  # the longest delta time a MIDI file can hold
_FAR_DELTA = b"\xff\xff\xff\x7f"
_LAST_TICK = 2**31 - 1
_FEW = 24  # controllers of a track
_UNHEARD = Remark("Controllers on channels that play no note were left out.")
_TEXT, _COPYRIGHT, _NAME, _LYRIC, _MARKER, _CUE, _OWN = 1, 2, 3, 5, 6, 7, 0x7F
_PEDALS = frozenset(PEDALS)
_TEMPO, _METRE, _KEY = 0x51, 0x58, 0x59
_RELEASES = tuple(
    bytes((0, 0x90 | channel, 0, 0)) + b"".join(bytes((0, pitch, 0)) for pitch in range(1, 128))
    for channel in range(16)
)


@dataclass
class _Music:
    """What a reader found in the tracks of a file.

    Attributes:
        notes: of all parts, one part after another.
        is_lost: bool [notes], which were never released.
        owners: the track of the file each part stands in.
        programs, drums, names, playing: of each part; the last are fields of `Track`.
        tempos, metres, keys: ticks, with the bytes of the events as numbers.
        messages: of each track of the file.
        end_ticks: the last end of a track.
    """

    notes: _Notes
    is_lost: np.ndarray
    owners: list[int]
    programs: list[int]
    drums: list[bool]
    names: list[str]
    playing: list[dict[str, Any]]
    tempos: list[tuple[int, int]]
    metres: list[tuple[int, int, int]]
    keys: list[tuple[int, int, int]]
    messages: list[list[Message]]
    end_ticks: int
    texts: _Texts


@dataclass
class _Texts:
    """The words of a file."""

    title: str = ""
    composer: str = ""
    copyright: str = ""
    markers: list[Text] = field(default_factory=list)
    cues: list[Text] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    chords: list[ChordSymbol] = field(default_factory=list)
    lyrics: list[tuple[int, Lyric]] = field(default_factory=list)  # with the track of the file


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

    A track that uses several channels or programs becomes several tracks; those of one channel
    have one number as `Track.player`. Programs, banks and controllers of a channel count for all
    tracks that play on it. Drums are channel 10 and what GM2, XG and GS make a kit. Notes without
    length get one tick; notes that are never released get a quarter note, or less where their
    pitch is struck again or the piece ends before. Tempi outside 5 to 1000 bpm are clamped. What
    cannot be a metre or a key is left out. A first bar with a shorter metre of its own is a
    pick-up in the metre that follows. The piece lasts until the last end-of-track mark.

    Raises:
        InputError: if the bytes are no MIDI file, are cut short or damaged, or use SMPTE time.
    """
    file = take_apart(data, where)
    repairs = file.repairs
    music = _read_ordinary(file) or _read_any(file, where)
    faults: list[_Fault] = []
    tracks = _tracks(music, faults)
    texts = music.texts
    piece = Piece(
        tracks=tracks,
        resolution=file.resolution,
        tempos=_tempos(music.tempos, repairs),
        metres=_metres(music.metres, file.resolution, repairs),
        keys=_keys(music.keys, repairs),
        length_ticks=music.end_ticks,
        title=texts.title,
        composer=texts.composer,
        copyright=texts.copyright,
        chords=tuple(texts.chords),
        markers=tuple(texts.markers),
        cues=tuple(texts.cues),
        texts=tuple(texts.texts),
    )
    return piece, [*repairs, *(fault.in_words(piece) for fault in faults), *_remarks(piece)]


def _remarks(piece: Piece) -> list[str]:
    """What is kept beside the notes and changes how they sound."""
    pedalled = [
        track.label
        for track in piece.tracks
        if len(track.controls) and set(track.controls["number"].tolist()) & _PEDALS
    ]
    bent = [track.label for track in piece.tracks if len(track.bends)]
    remarks: list[str] = []
    for what, names in (("the sustain pedal", pedalled), ("pitch bends", bent)):
        if names:
            listed = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            remarks.append(Remark(f"Kept beside the notes, as written: {what} ({listed})."))
    return remarks


# --- ordinary files ---------------------------------------------------------------------------


def _read_ordinary(file: MidiFile) -> _Music | None:
    """What symusic reads; None where it would read otherwise than players do, or less."""
    looked = look_at(file.chunks)
    if looked is None:
        return None
    try:
        score = _score(file, looked)
    except (RuntimeError, ValueError, MemoryError):
        return None
    ends = _ends(score)
    found = list(score.tracks)
    notes = _Notes.of(found)
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
        file.repairs.append(_UNHEARD)
    if looked.system_messages:
        file.repairs.append(_left_out(looked.system_messages))
    return _Music(
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
        texts=_texts(looked.messages, codec, title, []),
    )


def _score(file: MidiFile, looked: Ordinary) -> core.ScoreTick:
    header = struct.pack(">4sIHHH", b"MThd", 6, 1, len(file.chunks), file.resolution)
    parts = [header]
    for index, (chunk, channels) in enumerate(zip(file.chunks, looked.note_channels, strict=False)):
        mark = b"%s%d" % (_END_MARK.encode(), index)
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
    return [mark.time for mark in score.markers if mark.text.startswith(_END_MARK)]


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


# --- all others -------------------------------------------------------------------------------


def _read_any(file: MidiFile, where: str) -> _Music:
    """What our own reader finds, which reads whatever players play."""
    tracks: list[TrackEvents] = []
    left = MOST_EVENTS
    for number, chunk in enumerate(file.chunks):
        tracks.append(read_events(chunk, number, where, left))
        left -= len(tracks[-1].ticks) + len(tracks[-1].messages)
    end = max(events.end_tick for events in tracks)
    if end > _LAST_TICK:
        raise InputError("Its time runs past 2^31 ticks.", where=where, next_step=NEXT_STEP)
    _tell_faults(tracks, file.repairs)
    parts, unheard = parts_of(tracks, file.resolution)
    if unheard:
        file.repairs.append(_UNHEARD)
    messages = [events.messages for events in tracks]
    system = sum(
        m.kind == SYSTEM_EXCLUSIVE and not is_reset(m.payload) for track in messages for m in track
    )
    if system:
        file.repairs.append(_left_out(system))
    codec = choose_codec(m.payload for track in messages for m in track if 0 < m.kind < 0x10)
    all_names = [
        [decode_name(m.payload, codec) for m in track if m.kind == _NAME] for track in messages
    ]
    # The first of several is the title, and the last the name of a part, as in other readers.
    names = [each[-1] if each else "" for each in all_names]
    playing_tracks = {part.chunk for part in parts}
    title = "" if file.format and 0 in playing_tracks else next(iter(all_names[0]), "")

    def joined(name: str) -> np.ndarray:
        return np.concatenate([np.zeros(0, np.int64), *(getattr(part, name) for part in parts)])

    notes = _Notes(
        joined("onsets"),
        joined("durations"),
        joined("pitches"),
        joined("velocities"),
        np.array([len(part.onsets) for part in parts], np.int64),
    )
    return _Music(
        notes=notes,
        is_lost=joined("is_lost").astype(bool),
        owners=[part.chunk for part in parts],
        programs=[part.program for part in parts],
        drums=[part.is_drum for part in parts],
        names=[names[part.chunk] if file.format else "" for part in parts],
        playing=[part.playing for part in parts],
        tempos=_found(messages, _TEMPO, 3, lambda p: (int.from_bytes(p[:3], "big"),)),
        metres=_found(messages, _METRE, 2, lambda p: (p[0], 2 ** min(p[1], 16))),
        keys=_found(messages, _KEY, 2, lambda p: ((p[0] ^ 0x80) - 0x80, p[1])),
        messages=messages,
        end_ticks=end,
        texts=_texts(messages, codec, title, file.repairs),
    )


def _left_out(count: int) -> str:
    return Remark(f"Messages to synthesizers (system exclusive) were left out: {count:,}.")


def _tell_faults(tracks: list[TrackEvents], repairs: list[str]) -> None:
    for number, events in enumerate(tracks):
        for sentence, count in events.faults.items():
            if sentence == TrackEvents.AFTER_END:
                repairs.append(f"What follows the end mark of track {number} was ignored.")
            else:
                repairs.append(f"{count:,} {sentence} (track {number}).")


def _found(messages: list[list[Message]], kind: int, size: int, numbers: Any) -> list[Any]:
    """Events of a kind in all tracks, in order of time, as (tick, *numbers)."""
    found = [
        (message.tick, *numbers(message.payload))
        for track in messages
        for message in track
        if message.kind == kind and len(message.payload) >= size
    ]
    return sorted(found, key=lambda event: event[0])


# --- words ------------------------------------------------------------------------------------


def _texts(messages: list[list[Message]], codec: str, title: str, repairs: list[str]) -> _Texts:
    """The words of a file; ``title`` is the name of a first track that plays nothing."""
    found = _Texts(title)
    notices: dict[str, None] = {}
    for number, track in enumerate(messages):
        is_chord = False
        for tick, kind, payload in track:
            if kind == _OWN:
                is_chord = payload == CHORD_SIGN
                continue
            if not 0 < kind < 0x10 or kind == _NAME:
                continue
            text = decode_name(payload, codec)
            if kind == _LYRIC:
                if sung := sung_text(line_ends_read(decode(payload, codec))):
                    found.lyrics.append((number, Lyric(tick, sung)))
            elif not text:
                continue
            elif kind == _MARKER and is_chord:
                found.chords.append(ChordSymbol(tick, text))
            elif kind == _MARKER and text.startswith(_END_MARK):
                repairs.append(f"The marker {shortened(text)!r} was ignored.")
            elif kind == _MARKER:
                found.markers.append(Text(tick, text))
            elif kind == _CUE:
                found.cues.append(Text(tick, text))
            elif kind == _COPYRIGHT:
                notices.setdefault(text)
            elif kind == _TEXT and tick == 0 and text.startswith(COMPOSER) and not found.composer:
                found.composer = text.removeprefix(COMPOSER)
            elif kind == _TEXT:
                found.texts.append(Text(tick, text))
            is_chord = False
    found.copyright = "; ".join(notices)
    for places in (found.markers, found.cues, found.texts, found.chords):
        places.sort(key=lambda place: place[0])
    if any(text.startswith("@K") for _, text in found.texts):
        _read_karaoke(found, messages, codec)
    return found


def _read_karaoke(found: _Texts, messages: list[list[Message]], codec: str) -> None:
    """Title, singer and words of a .kar file, which stand in its texts.

    ``@T`` is the title and then who made it; ``/`` begins a line and ``\\`` a paragraph.
    """
    told = [text[2:].strip() for _, text in found.texts if text.startswith("@T")]
    found.title = told[0] if told else found.title
    if len(told) > 1 and not found.composer:
        found.composer = told[1]
    found.texts = [
        text
        for text in found.texts
        if text.text.startswith("@") and not text.text.startswith(("@T", "@K"))
    ]
    has_lyrics = bool(found.lyrics)
    for number, track in enumerate(messages):
        for tick, kind, payload in track:
            if kind != _TEXT or payload.startswith(b"@") or has_lyrics:
                continue
            text = sung_text(decode(payload, codec))
            for sign, line_end in (("/", "\n"), ("\\", "\n\n")):
                if text.startswith(sign):
                    text = line_end + text[1:]
            if text:
                found.lyrics.append((number, Lyric(tick, text)))


def sung_by(onsets: list[np.ndarray], ticks: np.ndarray) -> int:
    """The part that sings: that in which most syllables stand at the beginning of a note."""
    hits = [int(np.isin(ticks, table).sum()) for table in onsets]
    return int(np.argmax(hits))


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
    def of(cls, tracks: list[Any]) -> _Notes:
        columns = [track.notes.numpy() for track in tracks]

        def joined(name: str) -> np.ndarray:
            parts = [column[name] for column in columns]
            return np.concatenate(parts) if parts else np.zeros(0, np.int32)

        sizes = np.array([len(column["time"]) for column in columns], np.int64)
        return cls(joined("time"), joined("duration"), joined("pitch"), joined("velocity"), sizes)

    @property
    def track_numbers(self) -> np.ndarray:
        """The track of each note, int64 [notes]."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def lowest_time(self) -> int:
        """The least onset or duration, at most 0; less than 0 where time ran over."""
        return int(min(self.onset.min(initial=0), self.duration.min(initial=0)))

    def ends_ticks(self) -> list[int]:
        """Where the last note of each track ends; 0 for one without notes."""
        starts = np.cumsum(self.sizes) - self.sizes
        heard = self.sizes > 0
        ends = np.zeros(len(self.sizes), np.int64)
        if heard.any():
            ends[heard] = np.maximum.reduceat(self.onset + self.duration, starts[heard])
        return list(map(int, ends.tolist()))

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


def _tracks(music: _Music, faults: list[_Fault]) -> tuple[Track, ...]:
    _repair_durations(music, faults)
    tables = music.notes.tables()
    _give_lyrics(music, tables)
    return tuple(
        Track.of_table(table, program, is_drum, name, end_ticks=end, **playing)
        for table, program, is_drum, name, playing, end in zip(
            *(tables, music.programs, music.drums, music.names, music.playing),
            music.notes.ends_ticks(),
            strict=True,
        )
        if len(table)
    )


def _give_lyrics(music: _Music, tables: list[np.ndarray]) -> None:
    """Give the words of each track to the part that sings them."""
    lyrics = music.texts.lyrics
    if not lyrics or not len(music.notes.onset):
        return
    heard = [index for index, table in enumerate(tables) if len(table)]
    pitched = [index for index in heard if not music.drums[index]] or heard
    sung: dict[int, list[Lyric]] = {}
    for number in dict.fromkeys(number for number, _ in lyrics):
        words = [lyric for owner, lyric in lyrics if owner == number]
        own = [index for index in heard if music.owners[index] == number]
        singers = own or pitched
        ticks = np.array([lyric.tick for lyric in words], np.int64)
        singer = singers[sung_by([tables[index]["onset"] for index in singers], ticks)]
        sung.setdefault(singer, []).extend(words)
    for index, words in sung.items():
        ordered = sorted(words, key=lambda lyric: lyric.tick)
        music.playing[index] = {**music.playing[index], "lyrics": tuple(ordered)}


def _repair_durations(music: _Music, faults: list[_Fault]) -> None:
    notes = music.notes
    if notes.duration.min(initial=1) > 0 and not music.is_lost.any():
        return
    empty = notes.duration == 0
    notes.duration[empty] = 1
    owners = notes.track_numbers
    for wrong, sentence in (
        (empty, "without length got 1 tick"),
        (music.is_lost, "never released got a quarter note"),
    ):
        for number in np.unique(owners[wrong]):
            here = notes.onset[wrong & (owners == number)]
            faults.append(_Fault(sentence, music.names[number], len(here), int(here.min())))


def _tempos(changes: list[tuple[int, int]], repairs: list[str]) -> tuple[Tempo, ...]:
    if not changes:
        return ()
    fastest, slowest = 60e6 / FASTEST_BPM, 60e6 / SLOWEST_BPM
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


def _metres(
    changes: list[tuple[int, int, int]], resolution: int, repairs: list[str]
) -> tuple[Metre, ...]:
    found = [Metre(*change) for change in changes]
    kept = tuple(m for m in found if m.numerator and m.denominator in (1, 2, 4, 8, 16, 32, 64))
    if len(kept) < len(found):
        repairs.append(f"{len(found) - len(kept)} impossible metres were left out.")
    return as_pickup(kept, resolution)


def as_pickup(metres: tuple[Metre, ...], resolution: int) -> tuple[Metre, ...]:
    """Metres in which a single shorter bar at the beginning is a pick-up of the next metre."""
    if len(metres) < 2:
        return metres
    first, second = metres[:2]
    length = first.bar_ticks(resolution)
    if first.tick or second.tick != length or length >= second.bar_ticks(resolution):
        return metres
    return (second._replace(tick=0), *metres[1:])


def _keys(changes: list[tuple[int, int, int]], repairs: list[str]) -> tuple[KeyChange, ...]:
    kept = [
        (tick, sharps, mode)
        for tick, sharps, mode in changes
        if abs(sharps) <= 7 and mode in (0, 1)
    ]
    if len(kept) < len(changes):
        repairs.append(f"{len(changes) - len(kept)} impossible key signatures were left out.")
    return tuple(
        KeyChange(tick, KeyName((sharps * 7 + 9 * mode) % 12, "minor" if mode else "major"))
        for tick, sharps, mode in kept
    )
