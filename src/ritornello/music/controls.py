"""Controllers of MIDI by name and number: what stands at a place, and how far a bend reaches.

Tables are those of `Track.controls` and `Track.bends`. Numbers follow the MIDI 1.0 specification;
the bend range is registered parameter 0 (controllers 101 and 100 choose it, 6 and 38 set it).
"""

from __future__ import annotations

import numpy as np

from ritornello.music.note_tables import BEND_DTYPE, CONTROL_DTYPE
from ritornello.music.piece import Track

BANK, MODULATION, VOLUME, PAN, EXPRESSION = 0, 1, 7, 10, 11
SUSTAIN, SOSTENUTO, SOFT = 64, 66, 67
ALL_SOUND_OFF, RESET_ALL, ALL_NOTES_OFF = 120, 121, 123
PEDALS = (SUSTAIN, SOSTENUTO, SOFT)
PEDAL_DOWN = 64  # values from here on
DEFAULT_BEND_RANGE_SEMITONES = 2.0
_DATA, _DATA_FINE = 6, 38
_PARAMETER_FINE, _PARAMETER = 100, 101
_OTHER_PARAMETERS = (98, 99)  # those a maker defines; choosing one lets go of the registered one


def bend_range_controls(semitones: float, tick: int = 0) -> list[tuple[int, int, int]]:
    """Rows of controls that set how far a full bend reaches, 0 to 127.99 semitones."""
    whole, cents = divmod(round(semitones * 100), 100)
    setting = ((_PARAMETER, 0), (_PARAMETER_FINE, 0), (_DATA, whole), (_DATA_FINE, cents))
    return [(tick, number, value) for number, value in setting]


def bend_ranges(controls: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the bend range changes and to what, from tick 0 on.

    Returns:
        Ticks int64 [changes], the first 0 unless it is set there, and semitones float64 [changes].
    """
    ticks, semitones = [0], [DEFAULT_BEND_RANGE_SEMITONES]
    if not (controls["number"] == _PARAMETER).any():
        return np.array(ticks), np.array(semitones)
    chosen, whole, cents = {_PARAMETER: 127, _PARAMETER_FINE: 127}, 2, 0
    for tick, number, value in controls.tolist():
        if number in chosen:
            chosen[number] = value
        elif number in _OTHER_PARAMETERS:
            chosen = dict.fromkeys(chosen, 127)
        elif number in (_DATA, _DATA_FINE) and not any(chosen.values()):
            if number == _DATA:
                whole, cents = value, 0
            else:
                cents = value
            ticks.append(tick)
            semitones.append(whole + cents / 100)
        elif number == RESET_ALL:
            chosen = dict.fromkeys(chosen, 127)
    return np.array(ticks), np.array(semitones)


def values_at(events: np.ndarray, ticks: np.ndarray, default: int) -> np.ndarray:
    """The value of a table of one controller, or of bends, that stands at each tick."""
    before = np.searchsorted(events["tick"], ticks, side="right") - 1
    values = np.append(events["value"], default)
    return values[before]  # -1, nothing yet, is the last one: the default


def standing_at(track: Track, tick: int) -> tuple[np.ndarray, np.ndarray]:
    """The values of controllers and bend just before a tick, as rows at it.

    Registered parameters come with all that set them, in order.

    Returns:
        `CONTROL_DTYPE` and `BEND_DTYPE` tables, with as few rows as possible.
    """
    controls = track.controls[track.controls["tick"] < tick]
    is_setting = np.isin(controls["number"], (_DATA, _DATA_FINE, 96, 97, 98, 99, 100, 101))
    others = np.flatnonzero(~is_setting)
    _, last = np.unique(controls["number"][others][::-1], return_index=True)
    kept = np.sort(np.concatenate([np.flatnonzero(is_setting), others[::-1][last]]))
    standing = controls[kept].astype(CONTROL_DTYPE)
    standing["tick"] = tick
    bends = track.bends[track.bends["tick"] < tick][-1:].astype(BEND_DTYPE)
    bends["tick"] = tick
    return standing, bends
