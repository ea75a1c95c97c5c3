"""`Piece` to a standard MIDI file of format 1, exact to the tick.

The first track holds title, tempi, metres, keys and words; then comes one track for each part that
has notes or a name. All tracks last as long as the piece, so that loops tile.

A file holds no notes but onsets and releases. Readers pair them within a track in the order they
come: of one pitch, the note that began first ends first. So a pitch may overlap itself, and notes
may be doubled, as long as none begins and ends inside another.

A chord symbol is a marker, behind bytes that tell our reader that it is one. A bar that is shorter
than its metre has a metre of its own, as other programs count bars by metres alone.
"""

from __future__ import annotations

import logging
import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from ritornello.errors import OutputError
from ritornello.music.io.limits import FASTEST_BPM, SLOWEST_BPM, clean_name
from ritornello.music.io.midi_channels import playing_of
from ritornello.music.io.midi_maps import as_pickup, tempo_bpm
from ritornello.music.io.midi_text import line_ends_written, sung_text
from ritornello.music.io.midi_words import CHORD_SIGN, COMPOSER, KARAOKE, sung_by
from ritornello.music.keys import KeyName
from ritornello.music.note_tables import ALL_PITCHES
from ritornello.music.piece import ChordSymbol, KeyChange, Lyric, Metre, Piece, Text, Track

_Words = TypeVar("_Words", ChordSymbol, Text)
_LOG = logging.getLogger(__name__)
_DRUM_CHANNEL = 9
_PITCHED_CHANNELS = tuple(channel for channel in range(16) if channel != _DRUM_CHANNEL)
_LAST_TICK = 2**28 - 1  # of a delta time, and so of the end mark of a piece with no change
_SHORTEST_UNIT = 64  # of a metre
# Where several events share a tick: releases, what changes the sound, then strikes.
_RELEASE, _CHANGE, _STRIKE = range(3)
_BANKS = (0x00, 0x20)  # numbers of the controllers that choose one


def holdable(piece: Piece) -> Piece:
    """The piece as MIDI can hold it: what reading back `write_bytes` gives.

    Every note of a piece that was read from MIDI stays as it is. In other music a note may begin
    and end inside a longer one of its track and pitch; the longer one then ends with it, and how
    many do is logged. Parts without notes go: they are written if they have a name, but a track
    without notes is not read, as in most files it is a line of text. Names and words become one
    line. Of lyrics the first verse stays, of what a score prints the chord symbols alone. Drums
    have no melodic bank, other parts no bank of kits. A tempo is a whole number of microseconds,
    within 5 to 1000 bpm. A key is major or minor. A bar inside that is shorter than its metre has
    its own. The piece lasts at least until the last of all it holds.
    """
    held = _as_held(replace(piece, tracks=tuple(track for track in piece.tracks if len(track))))
    metres = as_pickup(held.metres, held.resolution)
    return replace(held, metres=metres, tracks=_with_singers(held.tracks))


def _as_held(piece: Piece) -> Piece:
    """The piece as MIDI can hold it, with its parts without notes."""
    tempos = tuple(t._replace(bpm=tempo_bpm(_microseconds(t.bpm))) for t in piece.tempos)
    keys = {tick: KeyName(key.tonic, _mode(key)) for tick, key in piece.keys}
    composer, texts = clean_name(piece.composer), list(_lines(piece.texts))
    for text in texts:
        if not composer and text.tick == 0 and text.text.startswith(COMPOSER):
            composer = text.text.removeprefix(COMPOSER)
            texts.remove(text)
            break
    held = replace(
        piece,
        tracks=_players(tuple(_held_track(track) for track in piece.tracks)),
        tempos=tempos,
        metres=_with_short_bars(piece),
        keys=tuple(KeyChange(tick, key) for tick, key in keys.items()),
        title=clean_name(piece.title),
        composer=composer,
        copyright="; ".join(dict.fromkeys(clean_name(piece.copyright).split("; "))),
        chords=_lines(piece.chords),
        markers=tuple(m for m in _lines(piece.markers) if not m.text.startswith("ritornello:end:")),
        cues=_lines(piece.cues),
        texts=tuple(texts),
    )
    changes: tuple[tuple[Any, ...], ...] = (
        *(held.tempos, held.metres, held.keys),
        *(held.chords, held.markers, held.cues, held.texts),
    )
    last = max(tick for places in changes for tick, *_ in places)
    last = max([last, *(track.last_tick for track in held.tracks)])
    return replace(held, length_ticks=max(piece.length_ticks, last))


def _lines(places: tuple[_Words, ...]) -> tuple[_Words, ...]:
    """Words at places, each one line; a sign of karaoke at their beginning is none here."""
    lines = ((place, _without_karaoke(clean_name(place.text))) for place in places)
    return tuple(place._replace(text=text) for place, text in lines if text)


def _without_karaoke(text: str) -> str:
    while text.startswith(KARAOKE):
        text = text[2:].strip()
    return text


def _held_track(track: Track) -> Track:
    playing: dict[str, Any] = {
        "controls": track.controls,
        "bends": track.bends,
        "pressures": track.pressures,
    }
    if not len(track):
        playing = {name: table[:0] for name, table in playing.items()}
    elif len(track.pressures):
        # Of one tick the pressure of keys comes before that of the channel.
        of_keys = track.pressures["pitch"] >= 0
        playing["pressures"] = np.concatenate([track.pressures[of_keys], track.pressures[~of_keys]])
    lyrics = (
        lyric._replace(text=sung_text(lyric.text)) for lyric in track.lyrics if lyric.verse == 1
    )
    return replace(
        track,
        notes=_first_begun_first_ended(track),
        name=clean_name(track.name),
        lyrics=tuple(lyric for lyric in lyrics if lyric.text and len(track)),
        marks=(),
        **playing_of(playing, is_drum=track.is_drum),
    )


def _players(tracks: tuple[Track, ...]) -> tuple[Track, ...]:
    """The parts with the numbers of players that MIDI holds, counted from 1.

    Parts are one track with changes of program if they stand side by side, are called alike, are
    all pitched or all drums, have different programs, and never sound one pitch at a time. Their
    controllers are then those of all of them.
    """
    groups: dict[int, list[int]] = defaultdict(list)
    for index, track in enumerate(tracks):
        if track.player and len(track):
            groups[track.player].append(index)
    held = [replace(t, player=0) if t.player else t for t in tracks]
    number = 0
    for indices in groups.values():
        members = [tracks[index] for index in indices]
        if not _can_share(indices, members):
            continue
        number += 1
        shared: dict[str, Any] = {
            name: _union([getattr(track, name) for track in members])
            for name in ("controls", "bends", "pressures")
        }
        first_onsets = [int(track.notes["onset"][0]) for track in members]
        order = sorted(range(len(members)), key=lambda place: first_onsets[place])
        lyrics = tuple(lyric for track in members for lyric in track.lyrics)
        for index, place in zip(indices, order, strict=True):
            held[index] = replace(members[place], player=number, lyrics=(), **shared)
        if lyrics:
            held[indices[0]] = replace(held[indices[0]], lyrics=lyrics)
    return tuple(held)


def _can_share(indices: list[int], members: list[Track]) -> bool:
    if len(members) < 2 or indices[-1] - indices[0] != len(indices) - 1:
        return False
    if len({(track.name, track.is_drum) for track in members}) > 1:
        return False
    if len({track.program for track in members}) < len(members):
        return False
    onsets = np.concatenate([track.notes["onset"][:1] for track in members])
    if len(np.unique(onsets)) < len(onsets):
        return False
    notes = np.concatenate([track.notes for track in members])
    notes = notes[np.lexsort([notes["onset"], notes["pitch"]])]
    ends = notes["onset"] + notes["duration"]
    same = notes["pitch"][1:] == notes["pitch"][:-1]
    # A long note may be followed by shorter ones of its pitch, hence the latest end so far.
    keys = (notes["pitch"].astype(np.int64) << 42) + ends
    latest = np.maximum.accumulate(keys)[:-1] - (notes["pitch"][:-1].astype(np.int64) << 42)
    return not (same & (latest > notes["onset"][1:])).any()


def _union(tables: list[np.ndarray]) -> np.ndarray:
    """The rows of tables that are equal, once, or else of all of them."""
    if all(np.array_equal(table, tables[0]) for table in tables):
        return tables[0]
    return np.concatenate(tables)


def _with_singers(tracks: tuple[Track, ...]) -> tuple[Track, ...]:
    """The lyrics of one player with that of its parts that our reader gives them to."""
    held = list(tracks)
    groups: dict[int, list[int]] = defaultdict(list)
    for index, track in enumerate(tracks):
        if track.player:
            groups[track.player].append(index)
    for indices in groups.values():
        lyrics = tuple(lyric for index in indices for lyric in held[index].lyrics)
        if lyrics:
            ticks = np.array([lyric.tick for lyric in lyrics])
            singer = sung_by([held[index].notes["onset"] for index in indices], ticks)
            for place, index in enumerate(indices):
                held[index] = replace(held[index], lyrics=lyrics if place == singer else ())
    return tuple(held)


def _with_short_bars(piece: Piece) -> tuple[Metre, ...]:
    """The metres, with one of its own for each bar that a change cuts short.

    Other programs count bars by the metres alone, from the beginning on.
    """
    metres = []
    for metre, following in pairwise((*piece.metres, None)):
        assert metre is not None
        metres.append(metre)
        if following is None:
            continue
        bar = metre.bar_ticks(piece.resolution)
        left = (following.tick - metre.tick) % bar
        short = _metre_of(left, metre.denominator, piece.resolution) if left else None
        if short:
            start = following.tick - left
            if start == metre.tick:
                metres.pop()
            metres.append(Metre(start, *short))
    return tuple(metres)


def _metre_of(ticks: int, denominator: int, resolution: int) -> tuple[int, int] | None:
    """A metre of which a bar lasts just so long, in the coarsest notes from 1/denominator on."""
    while denominator <= _SHORTEST_UNIT:
        count, rest = divmod(ticks * denominator, 4 * resolution)
        if not rest and count <= 255 and 4 * resolution * count % denominator == 0:
            return count, denominator
        denominator *= 2
    return None


def write_bytes(piece: Piece) -> bytes:
    """A MIDI file of what `holdable` keeps of the piece, and of its named parts without notes.

    Each pitched part has a channel of its own, or, where there are more than 15, shares one with
    the parts that sound like it; what goes beyond 15 is sent to further ports.

    Raises:
        OutputError: if the piece is longer than the file format can count.
    """
    tempos = piece.tempos  # as they are: the roundest number near one is another microsecond
    piece = _as_held(replace(piece, tracks=tuple(t for t in piece.tracks if len(t) or t.name)))
    end = piece.length_ticks
    if end > _LAST_TICK:
        raise OutputError(
            f"The piece has {end:,} ticks; MIDI files hold {_LAST_TICK:,}.",
            where=piece.title,
            next_step="Choose a coarser grid, for example piece.at_resolution(24).",
        )
    chunks = [_chunk(_conductor(replace(piece, tempos=tempos)), end)]
    groups = _parts(piece.tracks)
    for group, (port, channel) in zip(groups, _channels(groups), strict=True):
        chunks.append(_chunk(_part(group, port, channel), end))
    header = struct.pack(">4sIHHH", b"MThd", 6, 1, len(chunks), piece.resolution)
    return header + b"".join(chunks)


def _parts(tracks: Iterable[Track]) -> list[list[Track]]:
    """Tracks, those of one player together."""
    groups: list[list[Track]] = []
    for track in tracks:
        if track.player and groups and groups[-1][0].player == track.player:
            groups[-1].append(track)
        else:
            groups.append([track])
    return groups


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


def _channels(groups: Sequence[Sequence[Track]]) -> list[tuple[int, int]]:
    """Port and channel of each part."""
    share = sum(not group[0].is_drum for group in groups) > len(_PITCHED_CHANNELS)
    taken: dict[object, int] = {}
    places = []
    for index, group in enumerate(groups):
        if group[0].is_drum:
            places.append((0, _DRUM_CHANNEL))
            continue
        voice = taken.setdefault(_sound(group) if share else index, len(taken))
        port, channel = divmod(voice, len(_PITCHED_CHANNELS))
        places.append((port, _PITCHED_CHANNELS[channel]))
    return places


def _sound(group: Sequence[Track]) -> tuple[object, ...]:
    """What two parts must have alike to sound on one channel."""
    first = group[0]
    tables = (first.controls.tobytes(), first.bends.tobytes(), first.pressures.tobytes())
    return (*(track.program for track in group), first.player, *tables)


def _conductor(piece: Piece) -> list[tuple[int, bytes]]:
    events = [(0, _meta(0x03, piece.title.encode()))] if piece.title else []
    if piece.copyright:
        events.append((0, _meta(0x02, piece.copyright.encode())))
    if piece.composer:
        events.append((0, _meta(0x01, (COMPOSER + piece.composer).encode())))
    for tick, bpm in piece.tempos:
        events.append((tick, _meta(0x51, _microseconds(bpm).to_bytes(3, "big"))))
    for metre in piece.metres:
        events.append((metre.tick, _meta(0x58, _metre_bytes(metre))))
    for tick, key in piece.keys:
        events.append((tick, _meta(0x59, struct.pack(">bB", key.sharps, key.is_minor))))
    for kind, texts in ((0x01, piece.texts), (0x06, piece.markers), (0x07, piece.cues)):
        events += [(tick, _meta(kind, text.encode())) for tick, text in texts]
    sign = _meta(0x7F, CHORD_SIGN) + b"\0"  # the marker follows at the same tick
    events += [(tick, sign + _meta(0x06, text.encode())) for tick, text in piece.chords]
    return sorted(events, key=lambda event: event[0])


def _part(group: Sequence[Track], port: int, channel: int) -> list[tuple[int, bytes]]:
    first = group[0]
    events = [(0, _meta(0x03, first.name.encode()))] if first.name else []
    if port:
        events.append((0, _meta(0x21, bytes((port,)))))
    program = bytes((0xC0 | channel, first.program))
    later = _played(first, channel) + _sung(group)
    # A bank must be chosen before the program, and what stands before the bank comes before it.
    banks = [tick == 0 and event[:2] in _bank_starts(channel) for tick, _, event in later]
    chosen = len(banks) - banks[::-1].index(True) if any(banks) else 0
    events += [(0, event) for _, _, event in later[:chosen]]
    events.append((0, program))
    later = later[chosen:]
    if len(group) == 1 and not later:
        return events + _notes(first, channel)
    now = 0  # which of the programs stands
    ordered: list[tuple[int, int, int, bytes]] = [
        (tick, kind, -1, event) for tick, kind, event in later
    ]
    for place, track in enumerate(group):
        ordered += [
            (tick, _STRIKE if event[0] >> 4 == 0x9 else _RELEASE, place, event)
            for tick, event in _notes(track, channel)
        ]
    for tick, kind, place, event in sorted(ordered, key=lambda item: item[:2]):
        if kind == _STRIKE and place != now:
            events.append((tick, bytes((0xC0 | channel, group[place].program))))
            now = place
        events.append((tick, event))
    return events


def _bank_starts(channel: int) -> tuple[bytes, ...]:
    return tuple(bytes((0xB0 | channel, number)) for number in _BANKS)


def _played(track: Track, channel: int) -> list[tuple[int, int, bytes]]:
    """Controllers, pressures and bends, as (tick, order, event)."""
    events = [
        (tick, _CHANGE, bytes((0xB0 | channel, number, value)))
        for tick, number, value in track.controls.tolist()
    ]
    for tick, pitch, value in track.pressures.tolist():
        whole = bytes((0xD0 | channel, value))
        event = whole if pitch == ALL_PITCHES else bytes((0xA0 | channel, pitch, value))
        events.append((tick, _CHANGE, event))
    for tick, value in track.bends.tolist():
        coarse, fine = divmod(value + 8192, 128)
        events.append((tick, _CHANGE, bytes((0xE0 | channel, fine, coarse))))
    return events


def _sung(group: Sequence[Track]) -> list[tuple[int, int, bytes]]:
    lyrics: list[Lyric] = [lyric for track in group for lyric in track.lyrics]
    return [
        (lyric.tick, _CHANGE, _meta(0x05, line_ends_written(lyric.text).encode()))
        for lyric in sorted(lyrics, key=lambda lyric: lyric.tick)
    ]


def _notes(track: Track, channel: int) -> list[tuple[int, bytes]]:
    on, off = 0x90 | channel, 0x80 | channel
    notes = track.notes
    # A pitch that is struck again when it ends must be released first.
    ticks = np.concatenate([notes["onset"] + notes["duration"], notes["onset"]])
    pitches = np.tile(notes["pitch"], 2).tolist()
    velocities = notes["velocity"].tolist()
    count = len(notes)
    all_ticks = ticks.tolist()
    events = []
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
