"""A MusicXML score as a piece: bytes in, a piece and what had to be changed out.

`container` opens the file, `instruments` reads the part list, `measures` the parts, `timeline`
puts the measures into the order they are played and `tracks` joins the notes of each part.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain

import numpy as np

from ritornello.errors import InputError
from ritornello.music.io import MAX_NOTES
from ritornello.music.io.limits import MOST_TRACKS, clean_name, tempos_of_score
from ritornello.music.io.musicxml.container import ScoreXml, open_score
from ritornello.music.io.musicxml.directions import CUE, MARKER, TEXT
from ritornello.music.io.musicxml.instruments import read_part_list
from ritornello.music.io.musicxml.leads import JUMPS, leads_of_words
from ritornello.music.io.musicxml.measures import (
    FINE_RESOLUTION,
    LENGTH_FIELD,
    SOFTWARE,
    PartReader,
    first_divisions,
    written_divisions,
)
from ritornello.music.io.musicxml.play_order import MAX_PLAYED_MEASURES
from ritornello.music.io.musicxml.raw_measure import Measure
from ritornello.music.io.musicxml.timeline import ScoreTimeline
from ritornello.music.io.musicxml.tracks import read_texts, read_tracks
from ritornello.music.keys import KeyName, estimate_key
from ritornello.music.piece import ChordSymbol, KeyChange, Metre, Piece, Text, Track
from ritornello.music.spelling import KeySignature, key_of

_MAX_RESOLUTION = 32767
_MAX_ALL_MEASURES = 500_000  # of all parts together


def read_bytes(data: bytes, where: str) -> tuple[Piece, list[str]]:
    """The piece in .musicxml, .xml or .mxl bytes, and a sentence for each kind of repair.

    Args:
        data: the file.
        where: its name, for messages.

    Raises:
        InputError: if the bytes are not a MusicXML score that can be read.
    """
    repairs: Counter[str] = Counter()
    xml = open_score(data, where)
    try:
        piece = _read(xml, repairs)
    except InputError as error:
        raise InputError(error.what, where=where, next_step=error.next_step) from None
    return piece, [f"{count} x {what}." for what, count in repairs.items() if count]


def _read(xml: ScoreXml, repairs: Counter[str]) -> Piece:
    _check_size(xml)
    repairs["text that is not UTF-8 as it says, read as Latin-1"] += xml.is_latin
    score_parts = {part.get("id", ""): part for part in xml.header.findall("part-list/score-part")}
    elements = list(xml.parts.values())

    def is_sung(index: int) -> bool:
        return any(True for measure in elements[index] for _ in measure.iter("lyric"))

    stated = [score_parts.get(identity) for identity in xml.parts]
    infos = read_part_list(stated, is_sung, repairs)
    ways = (first_divisions, written_divisions)
    stated_or_written = (way(measures) for way in ways for measures in elements)
    divisions = next(filter(None, stated_or_written), Fraction(1))
    parts = [
        PartReader(measures, info, repairs, divisions)
        for measures, info in zip(elements, infos, strict=True)
    ]
    common = math.lcm(*(part.divisions for part in parts))
    resolution = common
    if common > _MAX_RESOLUTION:
        resolution = FINE_RESOLUTION
        repairs["grid too fine: times rounded to 10080 ticks a quarter"] += 1
    scales = [(resolution, part.divisions) for part in parts]
    if xml.header.findtext("identification/encoding/software") == SOFTWARE:
        for measure in chain.from_iterable(part.measures for part in parts):
            measure.leads.clear()  # of our own: all is written as it is played
    timeline = ScoreTimeline([part.measures for part in parts], scales, resolution)
    repairs["repeated measure played again"] += len(timeline.played) - len(set(timeline.played))
    repairs["jump (D.C., D.S., coda) played"] += len(timeline.jumps)
    lost = "jump (D.C., D.S., coda) not followed, as nothing says where to"
    repairs[lost] += len(timeline.lost_jumps)
    for part in parts:
        _keep_words(part.measures, timeline)
    _check_unfolded([part.measures for part in parts], timeline)
    tracks: list[Track] = []
    for part, info, scale in zip(parts, infos, scales, strict=True):
        player = 1 + max((track.player for track in tracks), default=0)
        for track in read_tracks(part.measures, info, timeline, scale):
            tracks.append(replace(track, player=player) if track.player else track)
    by_part = [(part.measures, scale) for part, scale in zip(parts, scales, strict=True)]
    markers, cues, texts = (
        tuple(Text(*found) for found in read_texts(by_part, timeline, kind))
        for kind in (MARKER, CUE, TEXT)
    )
    chords = tuple(ChordSymbol(tick, text) for tick, text in timeline.chords())
    repairs["chord symbol kept beside the notes, which do not play it"] += len(chords)
    metres = tuple(Metre(tick, *metre) for tick, metre in timeline.metres())
    return Piece(
        tuple(tracks),
        resolution,
        tempos_of_score(timeline.tempos(), metres, resolution),
        metres,
        tuple(_key_changes(timeline.keys(), tracks)),
        _stated_length(xml, timeline),
        title=_title(xml),
        composer=_identified(xml, "creator", "composer"),
        copyright=_identified(xml, "rights"),
        chords=chords,
        markers=markers,
        cues=cues,
        texts=texts,
    )


def _check_size(xml: ScoreXml) -> None:
    """Refuse scores of more parts or measures than anything can be that is read by people.

    Raises:
        InputError: naming what there is too much of.
    """
    most = max(len(measures) for measures in xml.parts.values())
    total = sum(len(measures) for measures in xml.parts.values())
    for what, count, limit in (
        ("parts", len(xml.parts), MOST_TRACKS),
        ("measures", most, MAX_PLAYED_MEASURES),
        ("measures in all parts", total, _MAX_ALL_MEASURES),
    ):
        if count > limit:
            raise InputError(
                f"The score has {count:,} {what}; at most {limit:,} are read.",
                next_step="Split the score into movements.",
            )


def _keep_words(measures: list[Measure], timeline: ScoreTimeline) -> None:
    """Keep words of jumps that were not played; in what was they would lead astray."""
    for index, measure in enumerate(measures):
        kept = [
            (place, remark)
            for place, remark in measure.lead_words
            if not timeline.jumps
            or (index in timeline.lost_jumps and leads_of_words(remark.name) & JUMPS)
        ]
        if kept:
            measure.remarks = sorted([*measure.remarks, *kept], key=lambda placed: placed[0])


def _check_unfolded(parts: list[list[Measure]], timeline: ScoreTimeline) -> None:
    """Refuse scores whose repeats multiply a crowded measure.

    Raises:
        InputError: if more is played than `ritornello.music.io.MAX_NOTES` events.
    """
    times = Counter(timeline.played)
    events = sum(
        times[index] * measure.event_count
        for measures in parts
        for index, measure in enumerate(measures)
    )
    if events > MAX_NOTES:
        raise InputError(
            f"{events:,} notes and marks, repeats included; at most {MAX_NOTES:,} were expected.",
            next_step="Split the score into movements.",
        )


def _title(xml: ScoreXml) -> str:
    for path in ("work/work-title", "movement-title"):
        if title := clean_name(xml.header.findtext(path) or ""):
            return title
    return _credit(xml, "title")


def _identified(xml: ScoreXml, tag: str, kind: str = "") -> str:
    """The composer or the rights, several joined; else the credit that calls itself so."""
    found = [
        text
        for element in xml.header.iterfind(f"identification/{tag}")
        if element.get("type", kind) == kind and (text := clean_name(element.text or ""))
    ]
    return ", ".join(dict.fromkeys(found)) or _credit(xml, kind or tag)


def _credit(xml: ScoreXml, kind: str) -> str:
    """The words printed on the page of which the file says that they are the title, say."""
    for credit in xml.header.iterfind("credit"):
        if (credit.findtext("credit-type") or "").strip() == kind:
            return clean_name(credit.findtext("credit-words") or "")
    return ""


def _stated_length(xml: ScoreXml, timeline: ScoreTimeline) -> int:
    """Where the piece ends: with its last bar, or inside it where our own writer says so."""
    for field in xml.header.iterfind("identification/miscellaneous/miscellaneous-field"):
        text = (field.text or "").strip()
        if field.get("name") == LENGTH_FIELD and text.isdecimal() and len(text) < 14:
            start = timeline.starts[-1]
            if start <= int(text) <= timeline.end:
                return int(text)
    return timeline.end


# --- keys -------------------------------------------------------------------------------------


def _key_changes(
    changes: Iterator[tuple[int, KeySignature]], tracks: list[Track]
) -> list[KeyChange]:
    """Keys of the signatures; without a mode, the likelier of the major and minor key.

    Mode "none" claims no key and gives none.
    """
    stated = list(changes)
    weights = _pitch_class_weights([tick for tick, _ in stated], tracks)
    result: list[KeyChange] = []
    for (tick, signature), weight in zip(stated, weights, strict=True):
        key = key_of(signature)
        if key is None and signature.mode != "none":
            key = _likelier(signature.fifths, weight)
        if key is not None:
            result.append(KeyChange(tick, key))
    return result


def _pitch_class_weights(starts: list[int], tracks: list[Track]) -> np.ndarray:
    """Ticks of each pitch class from each start to the next, float [starts, 12]; no drums."""
    weights = np.zeros((len(starts), 12))
    for track in tracks:
        if not track.is_drum and starts:
            place = np.searchsorted(starts, track.notes["onset"], side="right") - 1
            inside = place >= 0
            notes = track.notes[inside]
            np.add.at(weights, (place[inside], notes["pitch"] % 12), notes["duration"])
    return weights


def _likelier(fifths: int, weights: np.ndarray) -> KeyName:
    major = KeyName(fifths * 7 % 12)
    relative = KeyName((major.tonic + 9) % 12, "minor")
    return relative if estimate_key(weights) == relative else major
