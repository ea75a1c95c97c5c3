"""How loud the stems of a band are beside a solo: one target for each instrument, in loudness.

The loudness of a stem is gated (ITU-R BS.1770-5), so it is that of the moments in which the stem
plays: a part of few notes is no louder than one of many.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from ritornello.music.instruments import INSTRUMENTS

# How far behind the solo each instrument stands; ours, in the order of most mixes: rhythm and bass
# next to the voice, chords behind them, held chords last.
_BEHIND_DB = {
    "drums": 4.0,
    "bass": 5.0,
    "double bass": 5.0,
    "tuba": 5.0,
    "organ": 8.0,
    "accordion": 8.0,
    "strings": 9.0,
    "pad": 9.0,
    "voice": 8.0,
}
_OTHERS_BEHIND_DB = 6.0
# The band as a whole.
_BAND_BEHIND_DB = 1.0
# What is softer or louder than the sampler usually plays was written so, and is left so.
USUAL_LUFS = -21.0
_MOST_DB = 9.0
_NO_SOLO_LUFS = -20.0


def levels_db(
    played_lufs: Mapping[str, float],
    instruments: Mapping[str, Collection[int]],
    solo_lufs: float = -np.inf,
) -> dict[str, float]:
    """The gain of each stem in dB; that of the solo is 0.

    Args:
        played_lufs: integrated loudness of each stem of the band as the sampler plays it; -inf for
            silence, which has no gain.
        instruments: of each stem, indices into `INSTRUMENTS`; the one nearest to the front counts.
        solo_lufs: loudness of the solo; -inf if there is none or it is silent.
    """
    reference = solo_lufs if np.isfinite(solo_lufs) else _NO_SOLO_LUFS
    levels = dict.fromkeys(played_lufs, 0.0)
    power = 0.0
    for name, lufs in played_lufs.items():
        if np.isfinite(lufs):
            behind = min(
                _BEHIND_DB.get(INSTRUMENTS[index].name, _OTHERS_BEHIND_DB)
                for index in instruments[name]
            )
            usual = float(np.clip(lufs, USUAL_LUFS - _MOST_DB, USUAL_LUFS + _MOST_DB))
            levels[name] = reference - behind - usual
            power += 10 ** ((levels[name] + lufs - reference) / 10)
    if power > 0:
        too_much = max(0.0, 10 * float(np.log10(power)) + _BAND_BEHIND_DB)
        levels = {
            name: level - too_much if np.isfinite(played_lufs[name]) else level
            for name, level in levels.items()
        }
    return levels
