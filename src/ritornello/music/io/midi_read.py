"""Standard MIDI files, bytes to `Piece`; nothing is lost, and what is mended is told.

midi_container  the tracks of a file as bytes
midi_ordinary   which files symusic reads rightly and whole
midi_symusic    these files, read by it
midi_events     the events of a track, for all other files
midi_channels   the parts in these events
midi_found      what either of them finds
midi_words      the words in a file
midi_chord_events chords as instruments of Yamaha write them
midi_text       texts in the code page they were written in
midi_code_pages which code page gives the most likely words
midi_maps       tempi, metres and keys
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ritornello.errors import InputError
from ritornello.music.controls import PEDALS
from ritornello.music.io.limits import Remark
from ritornello.music.io.midi_channels import parts_of
from ritornello.music.io.midi_container import NEXT_STEP, MidiFile, take_apart
from ritornello.music.io.midi_events import (
    MOST_EVENTS,
    SYSTEM_EXCLUSIVE,
    Message,
    TrackEvents,
    read_events,
)
from ritornello.music.io.midi_found import UNHEARD, MidiMusic, NoteColumns, left_out
from ritornello.music.io.midi_maps import key_map, metre_map, tempo_map
from ritornello.music.io.midi_ordinary import LEAST_BYTES, is_reset
from ritornello.music.io.midi_symusic import read_ordinary
from ritornello.music.io.midi_text import choose_codec, decode_name
from ritornello.music.io.midi_words import sung_by, words_in
from ritornello.music.piece import Lyric, Piece, Track

_LAST_TICK = 2**31 - 1
_NAME = 3
_PEDALS = frozenset(PEDALS)
_TEMPO, _METRE, _KEY = 0x51, 0x58, 0x59


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
    music = read_ordinary(file) or _read_any(file, where)
    faults: list[_Fault] = []
    tracks = _tracks(music, faults)
    texts = music.texts
    piece = Piece(
        tracks=tracks,
        resolution=file.resolution,
        tempos=tempo_map(music.tempos, repairs),
        metres=metre_map(music.metres, file.resolution, repairs),
        keys=key_map(music.keys, repairs),
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


def _read_any(file: MidiFile, where: str) -> MidiMusic:
    """What our own reader finds, which reads whatever players play."""
    events = read_events(file.chunks, where, MOST_EVENTS)
    end = max(events.ends_ticks)
    if end > _LAST_TICK:
        raise InputError("Its time runs past 2^31 ticks.", where=where, next_step=NEXT_STEP)
    _tell_faults(events, file.repairs)
    parts, unheard = parts_of(events, file.resolution)
    if unheard:
        file.repairs.append(UNHEARD)
    messages = events.messages
    system = sum(
        m.kind == SYSTEM_EXCLUSIVE and not is_reset(m.payload) for track in messages for m in track
    )
    if system:
        file.repairs.append(left_out(system))
    short = sum(len(m.payload) < LEAST_BYTES.get(m.kind, 0) for track in messages for m in track)
    if short:
        file.repairs.append(f"{short} tempi, metres or keys that are cut short were left out.")
    codec = choose_codec(m.payload for track in messages for m in track if 0 < m.kind < 0x10)
    all_names = [
        [decode_name(m.payload, codec) for m in track if m.kind == _NAME] for track in messages
    ]
    # The first of several is the title, and the last the name of a part, as in other readers.
    names = [each[-1] if each else "" for each in all_names]
    playing_tracks = {part.chunk for part in parts}
    title = "" if file.format and 0 in playing_tracks else next(iter(all_names[0]), "")

    return MidiMusic(
        notes=NoteColumns([part.notes for part in parts]),
        is_lost=np.concatenate([np.zeros(0, bool), *(part.is_lost for part in parts)]),
        owners=[part.chunk for part in parts],
        programs=[part.program for part in parts],
        drums=[part.is_drum for part in parts],
        names=[names[part.chunk] if file.format else "" for part in parts],
        playing=[part.playing for part in parts],
        tempos=_found(messages, _TEMPO, lambda p: (int.from_bytes(p[:3], "big"),)),
        metres=_found(messages, _METRE, lambda p: (p[0], 2 ** min(p[1], 16))),
        keys=_found(messages, _KEY, lambda p: ((p[0] ^ 0x80) - 0x80, p[1])),
        messages=messages,
        end_ticks=end,
        texts=words_in(messages, codec, title, file.repairs),
    )


def _tell_faults(events: TrackEvents, repairs: list[str]) -> None:
    for number, faults in enumerate(events.faults):
        for sentence, count in faults.items():
            if sentence == TrackEvents.AFTER_END:
                repairs.append(f"What follows the end mark of track {number} was ignored.")
            else:
                repairs.append(f"{count:,} {sentence} (track {number}).")


def _found(messages: list[list[Message]], kind: int, numbers: Any) -> list[Any]:
    """Events of a kind in all tracks, in order of time, as (tick, *numbers)."""
    found = [
        (message.tick, *numbers(message.payload))
        for track in messages
        for message in track
        if message.kind == kind and len(message.payload) >= LEAST_BYTES[kind]
    ]
    return sorted(found, key=lambda event: event[0])


def _tracks(music: MidiMusic, faults: list[_Fault]) -> tuple[Track, ...]:
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


def _give_lyrics(music: MidiMusic, tables: list[np.ndarray]) -> None:
    """Give the words of each track to the part that sings them."""
    lyrics = music.texts.lyrics
    if not lyrics or not len(music.notes):
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


def _repair_durations(music: MidiMusic, faults: list[_Fault]) -> None:
    notes = music.notes
    found = []
    if notes.duration.min(initial=1) <= 0:
        found.append((notes.duration == 0, "without length got 1 tick"))
        np.maximum(notes.duration, 1, out=notes.duration)
    if music.is_lost is not None:
        found.append((music.is_lost, "never released got a quarter note"))
    for wrong, sentence in found:
        owners = notes.track_numbers
        for number in np.unique(owners[wrong]):
            here = notes.onset[wrong & (owners == number)]
            faults.append(_Fault(sentence, music.names[number], len(here), int(here.min())))
