"""Where in a score what a track holds beside its notes is written.

Signs go to chords and rests, words to the notes that begin with them, the rest between the notes
as directions; what has no place of its own becomes a direction that is not printed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ritornello.music.io.limits import clean_name
from ritornello.music.io.musicxml.directions import (
    BEND,
    LYRIC,
    PRESSURE,
    Direction,
)
from ritornello.music.io.musicxml.lyrics import LyricWriter
from ritornello.music.io.musicxml.notation import Chord
from ritornello.music.io.musicxml.parts import Voice
from ritornello.music.io.musicxml.signs import Sign, is_for_chord, is_sign
from ritornello.music.note_tables import ALL_PITCHES, note_table
from ritornello.music.piece import Track
from ritornello.music.quantise import Bar


@dataclass
class Placed:
    """What stands where in a part.

    Attributes:
        signs: (id of a chord, note) -> the signs of that note.
        fermatas: onset of a rest of the first voice -> the names of its fermatas.
        lyrics: of each track what writes the syllables of the notes that begin at a tick.
        owners: note -> the place of its track among those of the part.
        remarks: (tick, remark) of what stands between the notes, in order of time.
        controls: (tick, controller, value), in order of time.
    """

    signs: dict[tuple[int, int], list[Sign]] = field(default_factory=lambda: defaultdict(list))
    fermatas: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    lyrics: list[LyricWriter] = field(default_factory=list)
    owners: dict[int, int] = field(default_factory=dict)
    remarks: list[tuple[int, Direction]] = field(default_factory=list)
    controls: list[tuple[int, int, int]] = field(default_factory=list)


# (track, tick, pitch or `ALL_PITCHES`) -> the signs of the notes that begin there.
_AtNotes = defaultdict[tuple[int, int, int], list[Sign]]


def place(
    tracks: Sequence[Track], owned: Sequence[Sequence[int]], voices: list[Voice], bars: list[Bar]
) -> Placed:
    """Find a place for all that the tracks of a part hold beside their notes.

    The notes of a chord may change their order: one that has a sign alone is not the first.

    Args:
        tracks: of the part, of which the marks, lyrics and controllers are placed.
        owned: the notes of each track, as they are numbered in the voices, in its order.
        voices: of the part.
        bars: of the piece.
    """
    placed = Placed()
    rows: dict[int, list[int]] = {}
    at_notes: _AtNotes = defaultdict(list)
    # A syllable may stand at a note that is tied to the one before, as in a recitation.
    going_on = {
        symbol.onset
        for voice in voices
        for symbols in voice.bars.values()
        for symbol in symbols
        if symbol.tied_from and len(tracks) == 1
    }
    for owner, (track, numbers) in enumerate(zip(tracks, owned, strict=True)):
        notes = track.notes.tolist()
        rows |= dict(zip(numbers, notes, strict=True))
        placed.owners |= dict.fromkeys(numbers, owner)
        beginning = {(onset, pitch) for onset, _, pitch, _ in notes}
        beginning |= {(onset, ALL_PITCHES) for onset, _, _, _ in notes}
        for mark in track.marks:
            sign = (mark.kind, clean_name(mark.name))
            if is_sign(*sign) and (mark.tick, mark.pitch) in beginning:
                at_notes[owner, mark.tick, mark.pitch].append(sign)
            elif sign[1]:
                placed.remarks.append((mark.tick, Direction(*sign, mark.pitch)))
        _place_lyrics(track, {onset for onset, *_ in notes} | going_on, placed)
        _place_playing(track, placed)
    for chord in _chords(voices):
        _place_signs(chord, rows, at_notes, placed)
    _place_fermatas(placed, voices, bars)
    placed.remarks.sort(key=lambda entry: entry[0])
    placed.controls.sort(key=lambda entry: entry[0])
    return placed


def _chords(voices: list[Voice]) -> Iterator[Chord]:
    """Each chord once, in the order in which they are written."""
    seen: set[int] = set()
    for voice in voices:
        for index in sorted(voice.bars):
            for symbol in voice.bars[index]:
                if symbol.chord is not None and id(symbol.chord) not in seen:
                    seen.add(id(symbol.chord))
                    yield symbol.chord


def _place_signs(
    chord: Chord,
    rows: dict[int, list[int]],
    at_notes: _AtNotes,
    placed: Placed,
) -> None:
    """Signs that all notes of a chord have go to its first, those of one note to that note."""
    wanted: dict[int, Counter[Sign]] = {}
    for note in chord.notes:
        onset, _, pitch, _ = rows[note]
        owner = placed.owners[note]
        own = at_notes.pop((owner, onset, pitch), [])  # of equal notes the first has it
        wanted[note] = Counter(at_notes.get((owner, onset, ALL_PITCHES), []) + own)
    common = wanted[chord.notes[0]].copy()
    for signs in wanted.values():
        common &= signs
    shared = [sign for sign in common.elements() if is_for_chord(sign)]
    for note in chord.notes:
        wanted[note] -= Counter(shared)

    def is_first(note: int) -> bool:
        return not any(map(is_for_chord, wanted[note]))

    # Sorting is stable: a chord without such signs keeps its order.
    chord.notes.sort(key=lambda note: not is_first(note))
    first = chord.notes[0]
    if len(chord.notes) > 1 and not is_first(first):
        onset, _, pitch, _ = rows[first]
        for sign in [sign for sign in wanted[first].elements() if is_for_chord(sign)]:
            wanted[first][sign] -= 1
            placed.remarks.append((onset, Direction(*sign, pitch)))
    for note in chord.notes:
        of_chord = shared if note == first else []
        placed.signs[id(chord), note] += [*of_chord, *wanted[note].elements()]


def _place_fermatas(placed: Placed, voices: list[Voice], bars: list[Bar]) -> None:
    """Fermatas where no note begins go to the rest that begins there, if there is one."""
    first = voices[0].bars
    rests = {
        symbol.onset
        for index in range(len(bars))
        for symbol in first[index]
        if symbol.chord is None and not symbol.is_space
    }
    kept: list[tuple[int, Direction]] = []
    for tick, remark in placed.remarks:
        is_at_rest = remark.kind == "fermata" and remark.pitch == ALL_PITCHES and tick in rests
        if is_at_rest and is_sign("fermata", remark.name):
            placed.fermatas[tick].append(remark.name)
        else:
            kept.append((tick, remark))
    placed.remarks = kept


def _place_lyrics(track: Track, beginning: set[int], placed: Placed) -> None:
    printed = []
    for lyric in track.lyrics:
        if lyric.tick in beginning or not lyric.text.strip("\n"):
            printed.append(lyric)
        elif text := clean_name(lyric.text):
            verse = min(lyric.verse, 127)
            placed.remarks.append((lyric.tick, Direction(LYRIC, text, verse)))
    placed.lyrics.append(LyricWriter(printed))


def _place_playing(track: Track, placed: Placed) -> None:
    placed.controls += track.controls.tolist()
    placed.remarks += [(tick, Direction(BEND, str(value))) for tick, value in track.bends.tolist()]
    placed.remarks += [
        (tick, Direction(PRESSURE, str(value), pitch))
        for tick, pitch, value in track.pressures.tolist()
    ]


def merged(tracks: Sequence[Track]) -> tuple[Track, list[list[int]]]:
    """The tracks of one player as one, and for each which of its notes are whose, in order."""
    first = tracks[0]
    rows = [
        (*row, owner, place)
        for owner, track in enumerate(tracks)
        for place, row in enumerate(track.notes.tolist())
    ]
    rows.sort(key=lambda row: (row[0], row[2], row[1], row[3]))
    owned: list[list[int]] = [[0] * len(track) for track in tracks]
    for index, row in enumerate(rows):
        owned[row[4]][row[5]] = index
    notes = note_table([row[:4] for row in rows])
    return replace(first, notes=notes), owned
