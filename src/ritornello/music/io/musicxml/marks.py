"""What stands around the notes of a score: clefs, tempo marks and dynamic marks."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict

import numpy as np

from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.piece import Tempo, Track
from ritornello.music.quantise import Bar

_OCTAVE_LOWER = frozenset({"bass", "double bass", "guitar", "electric guitar", "distortion guitar"})
_MARKS = ((40, "pp"), (57, "p"), (72, "mp"), (88, "mf"), (104, "f"), (128, "ff"))
_MARK_STEP = 12  # velocity
_CLEFS = {"treble": ("G", 2), "alto": ("C", 3), "bass": ("F", 4)}
_BASS_BELOW = 59  # middle pitch of what stands in the bass clef


def clef(track: Track, *, by_pitch: bool = False) -> str:
    """A clef for one staff, see `clef_sign`; guitars and basses sound an octave lower.

    Args:
        by_pitch: the middle of its pitches decides, not the instrument.
    """
    if by_pitch:
        sign, line = _CLEFS["bass" if np.median(track.notes["pitch"]) < _BASS_BELOW else "treble"]
        return f"<clef><sign>{sign}</sign><line>{line}</line></clef>"
    if track.is_drum:
        return "<clef><sign>percussion</sign></clef>"
    sign, line = _CLEFS[clef_sign(track)]
    is_lower = INSTRUMENTS[track.instrument].name in _OCTAVE_LOWER
    octave = "<clef-octave-change>-1</clef-octave-change>" if is_lower else ""
    return f"<clef><sign>{sign}</sign><line>{line}</line>{octave}</clef>"


def clef_sign(track: Track) -> str:
    """treble, alto, bass or perc: the instrument's own clef, else by the middle of its pitches."""
    if track.is_drum:
        return "perc"
    name = INSTRUMENTS[track.instrument].name
    instrument = INSTRUMENTS[track.instrument]
    middle = (
        np.median(track.notes["pitch"]) if len(track) else (instrument.low + instrument.high) / 2
    )
    if name == "viola":
        return "alto"
    if name in ("bass", "double bass") or (middle < _BASS_BELOW and name not in _OCTAVE_LOWER):
        return "bass"
    return "treble"


def tempo_lines(tempos: tuple[Tempo, ...], bars: list[Bar]) -> dict[int, list[str]]:
    """Bar index -> tempo directions. Every change sounds; only marked ones (5%) are printed."""
    starts = [bar.start for bar in bars]
    lines: dict[int, list[str]] = defaultdict(list)
    shown_bpm = 0.0
    for tempo in tempos:
        index = bisect_right(starts, tempo.tick) - 1
        bar = bars[index]
        offset = tempo.tick - bar.start
        bpm = repr(float(tempo.bpm))
        if abs(tempo.bpm - shown_bpm) <= 0.05 * tempo.bpm:
            place = f"<offset>{offset}</offset>" if offset else ""
            lines[index].append(f'<sound tempo="{bpm}">{place}</sound>')
            continue
        shown_bpm = tempo.bpm
        place = f'<offset sound="yes">{offset}</offset>' if offset else ""
        is_compound = bar.metre.beat_ticks(8) > 8 * 4 // bar.metre.denominator
        is_dotted_quarter = is_compound and bar.metre.denominator == 8
        dot, beat_bpm = (
            ("<beat-unit-dot/>", tempo.bpm / 1.5) if is_dotted_quarter else ("", tempo.bpm)
        )
        lines[index].append(
            '<direction placement="above"><direction-type><metronome>'
            f"<beat-unit>quarter</beat-unit>{dot}<per-minute>{round(beat_bpm)}</per-minute>"
            f'</metronome></direction-type>{place}<sound tempo="{bpm}"/></direction>'
        )
    return lines


def dynamic_marks(track: Track, bars: list[Bar]) -> dict[int, str]:
    """Bar index -> p, mf, f ... where the mean velocity of the bars has clearly changed."""
    starts = np.array([bar.start for bar in bars])
    bar_of = np.searchsorted(starts, track.notes["onset"], side="right") - 1
    marks: dict[int, str] = {}
    shown, shown_velocity = "", -float(_MARK_STEP)
    for index in np.unique(bar_of).tolist():
        velocity = float(track.notes["velocity"][bar_of == index].mean())
        mark = next(name for top, name in _MARKS if velocity < top)
        if mark != shown and abs(velocity - shown_velocity) >= _MARK_STEP:
            marks[index] = shown = mark
            shown_velocity = velocity
    return marks
