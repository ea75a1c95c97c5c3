"""A recording to diagnostics: silence, clipping, noise, speech, percussion, odd channels.

Each rule of `_RULES` looks at the measures of a recording (`sound_measures`); what it guesses from
them it says with "may be".
"""

from __future__ import annotations

from collections.abc import Callable

from ritornello.dsp.diagnostics import Finding
from ritornello.dsp.recordings import Recording
from ritornello.transcribe.sound_measures import Measures, measure

ONE_SIDED_DB = 40.0  # a side so much softer than the other is dead
CANCELS_DB = 10.0  # a sum so much softer than the difference has cancelled out


def examine(recording: Recording) -> tuple[Measures, tuple[Finding, ...]]:
    """A recording to its measures and diagnostics, those of its file included.

    Raises:
        InputError: if a value in it is not a number.
    """
    measures = measure(recording)
    return measures, tuple(
        Finding(name, sentence.format(value), value)
        for name, applies, value_of, sentence in _RULES
        if applies(measures) and (not measures.is_silent or name in _OF_SILENCE)
        for value in (value_of(measures),)
    )


# Name, when it applies, what is measured, and how it is said.
_Rule = tuple[str, Callable[[Measures], bool], Callable[[Measures], float], str]
_RULES: tuple[_Rule, ...] = (
    (
        "silence",
        lambda found: found.is_silent,
        lambda found: found.loudest_db,
        "It is silent: its loudest moment is at {:.0f} dB.",
    ),
    (
        "lost",
        lambda found: found.lost_seconds > 0,
        lambda found: found.lost_seconds,
        "The file is damaged; {:.2f} s could not be decoded and are silent.",
    ),
    (
        "short",
        lambda found: found.is_short,
        lambda found: found.duration_seconds,
        "It lasts only {:.2f} s; tempo, bars and key cannot be told from so little.",
    ),
    (
        "long",
        lambda found: found.duration_seconds > 1200,
        lambda found: found.duration_seconds / 60,
        "It lasts {:.0f} minutes; listening will take a while.",
    ),
    (
        "lead_in",
        lambda found: found.lead_in_seconds > 3,
        lambda found: found.lead_in_seconds,
        "Nothing is played in its first {:.1f} s.",
    ),
    (
        "quiet",
        lambda found: found.usual_db < -45,
        lambda found: found.usual_db,
        "It is very quiet, at {:.0f} dB, and is heard louder; soft notes may be missed.",
    ),
    (
        "clipping",
        lambda found: found.clipped > 2e-5,
        lambda found: found.clipped * 100,
        "It was recorded too loud: {:.2g}% of it is cut off at, or lies beyond, the highest level.",
    ),
    (
        "dc_offset",
        lambda found: abs(found.dc_offset) > 0.03,
        lambda found: found.dc_offset,
        "It is not centred on zero but on {:.3f} of full scale; it is heard centred.",
    ),
    (
        "out_of_phase",
        lambda found: found.out_of_phase_db > CANCELS_DB,
        lambda found: found.out_of_phase_db,
        "Left and right cancel out: their sum is {:.0f} dB softer than their difference, which is "
        "heard instead.",
    ),
    (
        "left_only",
        lambda found: found.balance_db > ONE_SIDED_DB,
        lambda found: found.balance_db,
        "The right channel is {:.0f} dB softer than the left, which is heard alone, in the middle.",
    ),
    (
        "right_only",
        lambda found: found.balance_db < -ONE_SIDED_DB,
        lambda found: -found.balance_db,
        "The left channel is {:.0f} dB softer than the right, which is heard alone, in the middle.",
    ),
    (
        "tuning",
        lambda found: bool(found.tuning_cents) and not (found.is_noise or found.is_percussive),
        lambda found: found.tuning_cents,
        "It is tuned {:+.0f} cents from A = 440 Hz, and is heard so.",
    ),
    (
        "noise",
        lambda found: found.is_noise,
        lambda found: found.tonal,
        "It may be noise: {:.0%} of its energy has a pitch.",
    ),
    (
        "percussive",
        lambda found: found.is_percussive,
        lambda found: found.tonal,
        "It may be drums or other sounds without pitch: {:.0%} of its energy has one.",
    ),
    (
        "speech",
        lambda found: found.is_speech,
        lambda found: found.lasting,
        "It may be speech: only {:.0%} of its tones last for a tenth of a second.",
    ),
)
_OF_SILENCE = ("silence", "lost", "short", "long")
