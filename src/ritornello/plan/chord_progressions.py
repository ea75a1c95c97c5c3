"""A plan and a key in, the same plan with a chord for each bar out.

A network that goes on from bar to bar seldom leaves a chord that it likes. Here the chords of a new
section are drawn before its notes: a chain over the triads of the scale writes four bars that begin
at the tonic, eight where the section is played twice, and the section goes round in them; bars that
return have the chords of the bar they return to, and the last bar has the tonic.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ritornello.music.chords import CHORD_OPEN, Chord, chord_class
from ritornello.music.keys import KeyName
from ritornello.plan.plan import Plan
from ritornello.plan.sections import Section
from ritornello.plan.style_usages import StyleUsages
from ritornello.rng import Rng

_ROUND_BARS, _PHRASE_BARS = 4, 8
# How often the chord of a bar (row) is followed by that of the next (column), as semitones above
# the tonic: counted in 500 training pieces of band_arranged_synth, openewld_pd and free_game_midi.
_MAJOR_DEGREES = ((0, "maj"), (7, "maj"), (5, "maj"), (9, "min"), (2, "min"), (4, "min"))
_MAJOR_COUNTS = (
    (5474, 1341, 1016, 506, 479, 134),
    (1969, 1431, 158, 244, 141, 62),
    (880, 211, 538, 104, 100, 44),
    (391, 213, 117, 657, 153, 91),
    (490, 377, 56, 101, 355, 42),
    (106, 66, 34, 57, 63, 318),
)
_MINOR_DEGREES = ((0, "min"), (5, "min"), (8, "maj"), (3, "maj"), (10, "maj"), (7, "min"))
_MINOR_COUNTS = (
    (385, 57, 23, 19, 4, 5),
    (59, 47, 7, 9, 18, 0),
    (20, 8, 17, 1, 0, 0),
    (12, 10, 2, 34, 2, 0),
    (8, 6, 0, 9, 15, 5),
    (6, 5, 0, 1, 2, 21),
)
_COUNTS = {"major": _MAJOR_COUNTS, "minor": _MINOR_COUNTS}
DEGREES = {"major": _MAJOR_DEGREES, "minor": _MINOR_DEGREES}  # semitones above the tonic, triad
_SEEN_BEFORE = 1.0  # added to each count, so that what was rare can happen


def with_progressions(
    plan: Plan, key: KeyName, rng: Rng, usages: StyleUsages | None = None
) -> Plan:
    """The plan with chords of a key in its bars.

    Args:
        plan: without sections, or with any chord stated, it comes back as it is.
        key: major or minor; in other scales no chord is stated.
        rng: what is not given is drawn from it.
        usages: of a style, whose chain is used where it was counted; its chords have sevenths as
            often as there.
    """
    if not plan.sections or (plan.chords != CHORD_OPEN).any() or key.scale not in DEGREES:
        return plan
    chains = {} if usages is None else usages.chains
    classes = _classes(key, rng, usages)
    chances = np.array(chains.get(key.scale, _COUNTS[key.scale]), float) + _SEEN_BEFORE
    # A bar that stays is worth little to hear, so a chord is kept half as often as left at most.
    left = chances.sum(axis=1) - chances.diagonal()
    np.fill_diagonal(chances, np.minimum(chances.diagonal(), left / 2))
    chances /= chances.sum(axis=1, keepdims=True)
    chords = plan.chords.copy()
    for section in plan.sections:
        chords[section.start : section.end] = classes[_section(section, chances, rng)][:, None]
    # Where the accompaniment alone returns, its chords come with it.
    under = plan.back_by_player.max(axis=1, initial=-1)
    for bar, back in enumerate(np.where(plan.back > 0, plan.back, under).tolist()):
        if back > 0:
            chords[bar] = chords[bar - back]
    chords[-1] = classes[0]
    return replace(plan, chords=chords, drafted_chords=True)


def is_told(place: int, bars: int) -> bool:
    """Whether the chord of a bar of a section is told to a model, by its place among so many bars.

    That of every other bar is, and of the last two, for the first half of the bar. Told a chord for
    all of each bar, a model plays the three notes of it: its melodies repeat and leap, see
    docs/decisions/plan.md. So sections begin at home, move, and lead on.
    """
    return place % 2 == 0 or place >= bars - 2


def _classes(key: KeyName, rng: Rng, usages: StyleUsages | None) -> np.ndarray:
    """The chord class of each degree of a key, int64 [degrees]: a triad, or what a style has."""
    found = []
    for place, (above, triad) in enumerate(DEGREES[key.scale]):
        quality = triad
        if usages is not None and (counts := usages.qualities.get(f"{key.scale} {place}")):
            total = sum(counts.values())
            quality = str(rng.choice([*counts], p=[n / total for n in counts.values()]))
        found.append(chord_class(Chord((key.tonic + above) % 12, quality)))
    return np.array(found)


def _section(section: Section, chances: np.ndarray, rng: Rng) -> np.ndarray:
    """The degree of each bar of a new section, int64 [bars]; the last bar leads on by itself."""
    degrees = [0]
    around = _PHRASE_BARS if section.bars >= 2 * _PHRASE_BARS else _ROUND_BARS
    while len(degrees) < min(around, section.bars):
        now = chances[degrees[-1]].copy()
        if degrees[-2:-1] == degrees[-1:]:  # two bars of a chord are enough
            now[degrees[-1]] = 0.0
        degrees.append(int(rng.choice(len(chances), p=now / now.sum())))
    found = np.resize(degrees, section.bars)
    if section.bars > 1:
        found[-1] = rng.choice(len(chances), p=chances[found[-2]])
    return found
