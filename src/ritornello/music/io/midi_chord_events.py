"""Chords as Yamaha's instruments write them into MIDI files, to chord symbols.

A sequencer-specific event: 43 7B 01, the root, the kind, and perhaps the bass and its kind; 7F is
none. A root is a step, 1 for C, below a sign: 3 is natural, 2 a flat, 4 a sharp.

Source: Yamaha XF format, version 2.01.
"""

from __future__ import annotations

CHORD_EVENT = b"\x43\x7b\x01"
_NONE = 0x7F
_SIGNS = ("bbb", "bb", "b", "", "#", "##", "###")
_STEPS = "CDEFGAB"
_KINDS = (
    *("", "6", "maj7", "maj7#11", "add9", "maj9", "6/9", "aug", "m", "m6", "m7", "m7b5", "madd9"),
    *("m9", "m11", "mMaj7", "mMaj9", "dim", "dim7", "7", "7sus4", "7b5", "9", "7#11", "13", "7b9"),
    *("7b13", "7#9", "maj7#5", "7#5", "5", "5", "sus4", "sus2"),
)
_NO_CHORD = len(_KINDS)


def chord_text(payload: bytes) -> list[str]:
    """The chord symbol of such an event, as a list; empty where it has no meaning."""
    root, kind, *rest = [*payload[len(CHORD_EVENT) :], _NONE, _NONE][:4]
    if kind == _NO_CHORD:
        return ["N.C."]
    name = _note(root)
    if name is None or kind >= len(_KINDS):
        return []
    bass = _note(rest[0]) if rest else None
    return [name + _KINDS[kind] + (f"/{bass}" if bass not in (None, name) else "")]


def _note(byte: int) -> str | None:
    sign, step = byte >> 4, byte & 0x0F
    if byte == _NONE or not 1 <= step <= len(_STEPS) or sign >= len(_SIGNS):
        return None
    return _STEPS[step - 1] + _SIGNS[sign]
