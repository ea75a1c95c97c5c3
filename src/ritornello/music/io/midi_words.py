"""The words of a MIDI file: title, names, markers, chord symbols, lyrics, karaoke."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from operator import itemgetter

import numpy as np

from ritornello.errors import shortened
from ritornello.music.io.midi_chord_events import CHORD_EVENT, chord_text
from ritornello.music.io.midi_events import Message
from ritornello.music.io.midi_text import decode, decode_name, line_ends_read, sung_text
from ritornello.music.piece import ChordSymbol, Lyric, Text

# Written before a marker that is a chord symbol: bytes for the maker of the file alone (7D).
CHORD_SIGN = b"\x7dchord"
COMPOSER = "Composer: "
KARAOKE = ("@K", "@T")  # texts that begin so make a file one of karaoke
END_MARK = "ritornello:end:"  # begins the marker put where a track ends, see `midi_symusic`
_TEXT, _COPYRIGHT, _NAME, _LYRIC, _MARKER, _CUE, _OWN = 1, 2, 3, 5, 6, 7, 0x7F
_tick_of = itemgetter(0)
# Tags among lyrics, of a language or what a song is called (RP-026).
_TAG = re.compile(r"\{[@#][^{}]*\}")
_WORDS_TRACKS = (b"words", b"lyrics", b"lyric", b"karaoke", b"text")
_LINE_SIGNS = (b"/", b"\\")


@dataclass
class MidiWords:
    """The words of a file."""

    title: str = ""
    composer: str = ""
    copyright: str = ""
    markers: list[Text] = field(default_factory=list)
    cues: list[Text] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    chords: list[ChordSymbol] = field(default_factory=list)
    lyrics: list[tuple[int, Lyric]] = field(default_factory=list)  # with the track of the file


def words_in(
    messages: list[list[Message]], codec: str, title: str, repairs: list[str]
) -> MidiWords:
    """The words of a file; ``title`` is the name of a first track that plays nothing."""
    found = MidiWords(title)
    notices: dict[str, None] = {}
    is_karaoke = False
    for number, track in enumerate(messages):
        is_chord = False
        is_words = any(m.kind == _NAME and m.payload.lower() in _WORDS_TRACKS for m in track)
        for tick, kind, payload in track:
            if kind == _NAME or not payload:
                continue
            if not 0 < kind < 0x10:
                is_chord = payload == CHORD_SIGN if kind == _OWN else is_chord
                if kind == _OWN and payload.startswith(CHORD_EVENT):
                    found.chords += [ChordSymbol(tick, name) for name in chord_text(payload)]
                continue
            text = decode_name(payload, codec)
            if kind == _LYRIC:
                sung = sung_text(line_ends_read(decode(payload, codec)))
                if sung := _TAG.sub("", sung) if "{" in sung else sung:
                    found.lyrics.append((number, Lyric(tick, sung)))
            elif not text:
                continue
            elif kind == _MARKER:
                if is_chord:
                    found.chords.append(ChordSymbol(tick, text))
                elif text.startswith(END_MARK):
                    repairs.append(f"The marker {shortened(text)!r} was ignored.")
                else:
                    found.markers.append(Text(tick, text))
            elif kind == _CUE:
                found.cues.append(Text(tick, text))
            elif kind == _COPYRIGHT:
                notices.setdefault(text)
            elif tick == 0 and kind == _TEXT and text.startswith(COMPOSER) and not found.composer:
                found.composer = text.removeprefix(COMPOSER)
            else:  # also names of instruments, programs and devices
                found.texts.append(Text(tick, text))
                is_karaoke |= text.startswith(KARAOKE)
                is_karaoke |= is_words and kind == _TEXT and payload.startswith(_LINE_SIGNS)
            is_chord = False
    found.copyright = "; ".join(notices)
    for places in (found.markers, found.cues, found.texts, found.chords):
        places.sort(key=_tick_of)
    if is_karaoke:
        _read_karaoke(found, messages, codec)
    return found


def _read_karaoke(found: MidiWords, messages: list[list[Message]], codec: str) -> None:
    """Title, singer and words of a .kar file, which stand in its texts.

    ``@T`` is the title, then who made it, then remarks; ``/`` begins a line and ``\\`` a paragraph.
    """
    told = [text[2:].strip() for _, text in found.texts if text.startswith("@T")]
    found.title = told[0] if told else found.title
    if len(told) > 1 and not found.composer:
        found.composer = told.pop(1)
    found.texts = [Text(0, text) for text in told[1:] if text] + [
        text
        for text in found.texts
        if text.text.startswith("@") and not text.text.startswith(KARAOKE)
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
