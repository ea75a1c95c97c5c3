"""Chords that somebody states of a recording, as a chart of the bars in which its band plays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ritornello.accompany.form import Form
from ritornello.errors import ConfigError
from ritornello.music.chords import NO_CHORD_SIGNS, Chart, Chord, parse_chord

StatedChord = tuple[float, str]  # the second at which it begins, and its symbol


def parse_stated(chords: Sequence[StatedChord]) -> list[tuple[float, Chord | None]]:
    """The chords of seconds and symbols; None of ``N.C.``, where none sounds.

    Raises:
        ConfigError: naming the symbol that is none, or a second before 0; or that none is there.
    """
    if not chords:
        raise ConfigError("No chord is stated.", next_step="State one, or leave it to the ear.")
    found: list[tuple[float, Chord | None]] = []
    for seconds, symbol in chords:
        if seconds < 0:
            raise ConfigError(f"A chord begins at 0 seconds or later; {symbol} at {seconds:g}.")
        if symbol.strip().upper() in NO_CHORD_SIGNS:
            found.append((seconds, None))
            continue
        try:
            found.append((seconds, parse_chord(symbol)))
        except ConfigError as error:
            where = f"at {seconds:.1f} seconds"
            raise ConfigError(error.what, where=where, next_step=error.next_step) from None
    return sorted(found, key=lambda each: each[0])


def chart_of(chords: Sequence[tuple[float, Chord | None]], form: Form) -> Chart:
    """The chords of each bar of a remix from the one in which its band comes in.

    A chord begins with the beat that is nearest to it. Where the recording comes round again, its
    chords do; before the first chord that one is meant already.

    Args:
        chords: at least one, ascending, in seconds of the recording.
    """
    times = form.beats.times_seconds
    first, last = np.searchsorted(times, [form.first_bar_seconds, form.last_bar_seconds])
    size = form.beats.beats_per_bar
    beats = times[first : last + size]
    heard = beats
    if form.loop_seconds is not None:
        start, end = form.loop_seconds
        heard = start + (beats - start) % (end - start)
    half = 30 / form.beats.tempo_bpm
    starts = [seconds for seconds, _ in chords]
    at = np.searchsorted(starts, heard + half, side="left") - 1
    each = [chords[max(0, index)][1] for index in at]
    bars = [tuple(each[index : index + size]) for index in range(0, len(each), size)]
    return tuple(bar[:1] if len({str(chord) for chord in bar}) == 1 else bar for bar in bars)
