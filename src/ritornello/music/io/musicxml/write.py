"""A piece as a MusicXML 4.0 score that a player can read and that loses nothing.

What is printed comes from `music.quantise` and `music.io.musicxml.notation`. What sounds is
kept beside it with the attributes MusicXML has for performances: ``attack`` and ``release``
(ticks by which a note sounds off its written time) and ``dynamics`` (the velocity; 90 is 100%).
So a human performance is engraved in 16ths and still comes back tick for tick.
"""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from xml.sax.saxutils import escape

from ritornello.errors import InputError
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.io.limits import clean_name
from ritornello.music.io.musicxml.choir_staves import shares_staff, singer_id, staff_name
from ritornello.music.io.musicxml.container import compressed
from ritornello.music.io.musicxml.directions import RESERVED
from ritornello.music.io.musicxml.lyrics import LINE, PARAGRAPH
from ritornello.music.io.musicxml.measures import LENGTH_FIELD, SOFTWARE
from ritornello.music.io.musicxml.part_lines import LOWEST_PITCH, PartWriter, part_tracks
from ritornello.music.io.musicxml.signs import is_sign
from ritornello.music.note_tables import ALL_PITCHES
from ritornello.music.piece import Lyric, Piece, Track
from ritornello.music.quantise import Bar, list_bars
from ritornello.music.spelling import (
    WRITABLE_SCALES,
    KeySignature,
    drum_sign,
    estimate_signature,
    signature_of,
)

_LOG = logging.getLogger(__name__)

_MAX_BARS = 50_000
_LONGEST_NAME, _LONGEST_TEXT = 200, 900


def holdable(piece: Piece) -> bool:
    """Whether reading the written score gives the very same piece.

    It does when: there is at least one track; all texts are printable, short and without outer
    or double spaces; every metre begins on a 64th note and its unit is whole ticks; every key
    has a scale with a MusicXML mode, stands alone on its bar line, before the end; no tempo or
    metre stands after the end; and pitched notes are 12 or higher. Notes may be anywhere: those
    off every notatable grid are printed nearby and keep their sounding time. Of what stands
    beside the notes, lines and verses of words must begin with a syllable, and a sign of all
    notes that begin together must be one mark of `ALL_PITCHES`.
    """
    end = max(1, piece.length_ticks)
    ticks = [*(tempo.tick for tempo in piece.tempos), *(metre.tick for metre in piece.metres)]
    ticks += [change.tick for change in piece.keys]
    return (
        bool(piece.tracks)
        and all(text == clean_name(text) and len(text) <= _LONGEST_NAME for text in _names(piece))
        and all(0 < len(text) <= _LONGEST_TEXT for text in _texts(piece))
        and all(text == clean_name(text) for text in _texts(piece))
        and _has_notatable_bars(piece)
        and all(0 <= tick < end for tick in ticks)
        and len({change.tick for change in piece.keys}) == len(piece.keys)
        and {change.tick for change in piece.keys} <= {bar.start for bar in list_bars(piece, end)}
        and all(change.key.scale in WRITABLE_SCALES for change in piece.keys)
        and all(
            track.is_drum or len(track) == 0 or track.notes["pitch"].min() >= LOWEST_PITCH
            for track in piece.tracks
        )
        and all(map(_has_holdable_lyrics, piece.tracks))
        and all(map(_has_plain_marks, piece.tracks))
        and _has_plain_places(piece)
        and _has_plain_players(piece)
    )


def losses(piece: Piece) -> list[str]:
    """What a score changes or leaves out of a piece, as sentences for people; most often nothing.

    What a score cannot print (bends, controllers but pedals, remarks) is kept all the same, in
    directions that are not printed.
    """
    found: list[str] = []
    for track in piece.tracks:
        low = 0 if track.is_drum else int((track.notes["pitch"] < LOWEST_PITCH).sum())
        if low:
            found.append(
                f"MusicXML holds no notes below octave 0: {low} are written an octave up "
                f"(track {track.label})."
            )
        seen: set[int] = set()
        lost = 0
        for lyric in track.lyrics:
            is_end = not lyric.text.strip("\n")
            lost += (is_end and lyric.verse not in seen) or not (is_end or clean_name(lyric.text))
            seen |= set() if is_end else {lyric.verse}
        if lost:
            found.append(
                f"MusicXML holds no words without letters: {lost} are left out "
                f"(track {track.label})."
            )
    starts = {bar.start for bar in list_bars(piece, max(1, piece.length_ticks))}
    off = sum(change.tick not in starts for change in piece.keys)
    if off:
        found.append(f"MusicXML changes keys at bar lines: {off} changes are moved to the nearest.")
    scales = {change.key.scale for change in piece.keys} - WRITABLE_SCALES
    if scales:
        found.append(
            f"MusicXML names no {' or '.join(sorted(scales))} scale: written as major or minor."
        )
    if not _has_notatable_bars(piece):
        found.append("MusicXML has bars of whole 64th notes: the piece is moved to that grid.")
    return found


def _names(piece: Piece) -> list[str]:
    names = [track.name for track in piece.tracks]
    return [piece.title, piece.composer, piece.copyright, *names]


def _texts(piece: Piece) -> list[str]:
    places = (*piece.chords, *piece.markers, *piece.cues, *piece.texts)
    texts = [text for _, text in places]
    for track in piece.tracks:
        texts += [mark.name for mark in track.marks]
        texts += [lyric.text for lyric in track.lyrics if lyric.text.strip("\n")]
    return texts


def _has_holdable_lyrics(track: Track) -> bool:
    """Whether line ends stand between two syllables of their verse, the second at their place."""
    onsets = set(track.notes["onset"].tolist())
    before: dict[int, Lyric] = {}
    for lyric in track.lyrics:
        is_end = not lyric.text.strip("\n")
        last = before.get(lyric.verse)
        follows_end = last is not None and not last.text.strip("\n")
        if is_end and (lyric.text not in (LINE, PARAGRAPH) or last is None or follows_end):
            return False
        if follows_end and last is not None and last.tick != lyric.tick:
            return False
        if lyric.verse > 127 or (not is_end and lyric.tick not in onsets and last is not None):
            return False
        before[lyric.verse] = lyric
    return all(lyric.text.strip("\n") for lyric in before.values())


def _has_plain_marks(track: Track) -> bool:
    """Whether signs of all notes that begin together are one mark, and others stand alone."""
    pitches: dict[int, set[int]] = defaultdict(set)
    for onset, _, pitch, _ in track.notes.tolist():
        pitches[onset].add(pitch)
    return all(
        mark.pitch == ALL_PITCHES or not is_sign(mark.kind, mark.name)
        for mark in track.marks
        if mark.tick in pitches
    ) and all(mark.kind not in RESERVED for mark in track.marks)


def _has_plain_places(piece: Piece) -> bool:
    """Whether at most one chord symbol stands at a place."""
    return len({chord.tick for chord in piece.chords}) == len(piece.chords)


def _has_plain_players(piece: Piece) -> bool:
    """Whether those who change instruments are numbered from 1, in order, and take turns."""
    groups = [
        tracks for tracks in part_tracks(piece) if len(tracks) > 1 and not shares_staff(tracks)
    ]
    numbers = [tracks[0].player for tracks in groups]
    alone = [track.player for tracks in part_tracks(piece) if len(tracks) == 1 for track in tracks]
    return (
        numbers == list(range(1, len(numbers) + 1))
        and not any(alone)
        and all(map(_take_turns, groups))
        and not any(_has_more_than_notes(track) for tracks in groups for track in tracks[1:])
    )


def _take_turns(tracks: list[Track]) -> bool:
    spans = sorted(
        (onset, onset + duration, owner)
        for owner, track in enumerate(tracks)
        for onset, duration, _, _ in track.notes.tolist()
    )
    latest, whose = -1, -1
    for onset, end, owner in spans:
        if onset < latest and owner != whose:
            return False
        if end > latest:
            latest, whose = end, owner
    return all(len(track) for track in tracks)


def _has_more_than_notes(track: Track) -> bool:
    return bool(len(track.controls) + len(track.bends) + len(track.pressures) + len(track.marks))


def write_bytes(piece: Piece) -> bytes:
    """The piece as uncompressed MusicXML 4.0, partwise, UTF-8.

    What a score cannot print as it is gets changed, never left out, and is logged with its
    count: pitches below 12 go up an octave; key changes go to the nearest bar line; where bars
    do not lie on a grid of 64ths, the piece is moved to 480 ticks a quarter first.

    Raises:
        InputError: if the piece has no track, or more than 50,000 bars.
    """
    if not piece.tracks:
        raise InputError(
            "The piece has no parts, and a score needs at least one.",
            next_step="Add a track, even one without notes.",
        )
    _check_size(piece)
    score = with_notatable_bars(piece)
    bars = list_bars(score, score.length_ticks)
    signatures = bar_signatures(score, bars)
    lines = [*_header(score), "<part-list>"]
    parts = part_tracks(score)
    for number, tracks in enumerate(parts, start=1):
        lines += _score_part(tracks, number)
    lines.append("</part-list>")
    for number, tracks in enumerate(parts, start=1):
        lines += PartWriter(tracks, number, bars, signatures, score).lines()
    lines.append("</score-partwise>\n")
    return "\n".join(lines).encode()


def write_compressed_bytes(piece: Piece) -> bytes:
    """The piece as compressed MusicXML (.mxl); see `write_bytes`."""
    return compressed(write_bytes(piece))


# --- what the piece allows --------------------------------------------------------------------


def _has_notatable_bars(piece: Piece) -> bool:
    return all(
        4 * piece.resolution % metre.denominator == 0 and metre.tick * 16 % piece.resolution == 0
        for metre in piece.metres
    )


def _check_size(piece: Piece) -> None:
    shortest = min(metre.bar_ticks(piece.resolution) for metre in piece.metres)
    last = max(piece.length_ticks, piece.metres[-1].tick)
    if last // shortest > _MAX_BARS:
        raise InputError(
            f"The piece may have {last // shortest:,} bars; a score has at most {_MAX_BARS:,}.",
            where=piece.title,
            next_step="Cut the piece, or remove what stands far behind its end.",
        )


def with_notatable_bars(piece: Piece) -> Piece:
    """The piece with each change of metre moved to a sixteenth, where notes can be written."""
    if _has_notatable_bars(piece):
        return piece
    moved = piece.at_resolution(480)
    unit = 480 // 16
    metres = tuple(
        metre._replace(tick=(metre.tick + unit // 2) // unit * unit) for metre in moved.metres
    )
    _LOG.info("Moved the bar lines of %r to a grid of 64th notes.", piece.title)
    return replace(moved, metres=metres)


def bar_signatures(piece: Piece, bars: list[Bar]) -> dict[int, KeySignature]:
    """Bar index -> the signature that begins there; always one for the first bar."""
    starts = [bar.start for bar in bars]
    signatures: dict[int, KeySignature] = {}
    for change in piece.keys:
        after = bisect_right(starts, change.tick)
        near = [index for index in (after - 1, after) if 0 <= index < len(bars)]
        index = min(near, key=lambda index: abs(starts[index] - change.tick))
        signatures[index] = signature_of(change.key)
    if 0 not in signatures:
        signatures[0] = estimate_signature(piece)
    return signatures


# --- header and part list ---------------------------------------------------------------------


def _header(piece: Piece) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN"'
        ' "http://www.musicxml.org/dtds/partwise.dtd">'
    )
    yield '<score-partwise version="4.0">'
    if title := clean_name(piece.title):
        yield f"<work><work-title>{escape(title)}</work-title></work>"
    yield "<identification>"
    if composer := clean_name(piece.composer):
        yield f'<creator type="composer">{escape(composer)}</creator>'
    if rights := clean_name(piece.copyright):
        yield f"<rights>{escape(rights)}</rights>"
    yield f"<encoding><software>{SOFTWARE}</software></encoding><miscellaneous>"
    yield f'<miscellaneous-field name="{LENGTH_FIELD}">{piece.length_ticks}</miscellaneous-field>'
    yield "</miscellaneous></identification>"


def _score_part(tracks: list[Track], number: int) -> Iterator[str]:
    track = tracks[0]
    shared = shares_staff(tracks)
    name = clean_name(staff_name(tracks) if shared else track.name)
    yield f'<score-part id="P{number}"><part-name>{escape(name)}</part-name>'
    if not name:
        shown = escape(track.label.capitalize())
        yield f"<part-name-display><display-text>{shown}</display-text></part-name-display>"
    if track.is_drum:
        keys = sorted(set(track.notes["pitch"].tolist())) or [36]
        for key in keys:
            sign = escape(drum_sign(key).name)
            yield f'<score-instrument id="P{number}-I{key + 1}">'
            yield f"<instrument-name>{sign}</instrument-name></score-instrument>"
        for key in keys:
            yield f'<midi-instrument id="P{number}-I{key + 1}"><midi-channel>10</midi-channel>'
            yield f"<midi-unpitched>{key + 1}</midi-unpitched></midi-instrument>"
    else:
        channel = (number - 1) % 15 + 1
        channel += channel >= 10
        for place, member in enumerate(tracks, start=1):
            played = INSTRUMENTS[member.instrument].name.capitalize()
            played = escape(clean_name(member.name) if shared else played)
            yield f'<score-instrument id="{_identity(number, place, shared=shared)}">'
            yield f"<instrument-name>{played}</instrument-name></score-instrument>"
        for place, member in enumerate(tracks, start=1):
            identity = _identity(number, place, shared=shared)
            yield f'<midi-instrument id="{identity}"><midi-channel>{channel}'
            yield f"</midi-channel><midi-program>{member.program + 1}</midi-program>"
            yield "</midi-instrument>"
    yield "</score-part>"


def _identity(part: int, place: int, *, shared: bool) -> str:
    """The id of an instrument, or of a singer where they share a staff."""
    return singer_id(part, place) if shared else f"P{part}-I{place}"
