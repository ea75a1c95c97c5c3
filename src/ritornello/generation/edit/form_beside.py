"""A band that plays by the form of the song it is written for.

The sections of the song become a plan of the band: what comes back in the song comes back in the
band, and a drummer holds a beat through a section and leads on to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ritornello.errors import ConfigError
from ritornello.generation.job import Job, player_of
from ritornello.generation.planned import by_plan, ensemble_in
from ritornello.generation.rhythms import usual_rhythms
from ritornello.music.piece import Piece
from ritornello.note_model.encoding import notes
from ritornello.plan.analysis import analyse
from ritornello.plan.form_filling import fill_form
from ritornello.plan.plan import MAX_BARS, Plan
from ritornello.plan.returning_bars import NEW
from ritornello.plan.sections import INTRO, Section


@dataclass(frozen=True)
class SongForm:
    """The form of a song, for who is written beside it.

    Attributes:
        sections: from its first bar to its last.
        resting: for each of the sections who rests there, by their places among those added; none
            where empty. The others play, but in an intro, where it is drawn.
    """

    sections: tuple[Section, ...]
    resting: tuple[frozenset[int], ...] = ()

    @property
    def bars(self) -> int:
        return self.sections[-1].end


def form_of(song: Piece) -> SongForm | None:
    """The form of a song in whole bars, as it is read from its notes; None where there is none.

    Two halves of a section are one.
    """
    if not song.note_count > 0 or song.bar_count > MAX_BARS:
        return None
    found: list[Section] = []
    for section in analyse(song).sections:
        if found and section.continues(found[-1]):
            found[-1] = replace(found[-1], bars=found[-1].bars + section.bars)
        else:
            found.append(section)
    return SongForm(tuple(found)) if found and found[-1].end == song.bar_count else None


def rhythms_beside(job: Job, parts: Sequence[int]) -> bool:
    """Whether one of some part classes accompanies a song by a rhythm of its style."""
    players = {part: notes.instrument_of(part) for part in parts}
    counts = job.metres[0].numerator, job.metres[0].denominator
    return bool(usual_rhythms(job.rules, counts, players, None, beside=True))


def in_form(
    job: Job,
    added: Sequence[int],
    form: SongForm,
    seed: int,
    *,
    hears: bool,
    bars: tuple[int, int] | None = None,
) -> Job:
    """A job of parts that play through a song, by its form.

    Args:
        added: part classes of those who play, in the order in which they were named.
        seed: of what is drawn. hears: whether the model is told plans.
        bars: first and last in which they play, counted from 1; all where None.

    Raises:
        ConfigError: if the form has other bars than the song.
    """
    song_bars = len(job.grid().bar_starts)
    if form.bars != song_bars:
        raise ConfigError(
            f"The form has {form.bars} bars, and the song {song_bars}.",
            next_step="State all sections of the song, such as A 8, B 8, A 8.",
        )
    parts = sorted(added)
    plan = replace(
        Plan.open(song_bars, job.metres, tuple(map(player_of, parts))), sections=form.sections
    )
    plays = plan.plays.copy()
    for number, section in enumerate(form.sections):
        if section.name != INTRO:
            plays[section.start : section.end] = 1
        for place in form.resting[number] if form.resting else ():
            plays[section.start : section.end, parts.index(added[place])] = 0
    if bars is not None:
        plays[: bars[0] - 1] = plays[bars[1] :] = 0
    back, close = plan.back_by_player.copy(), plan.close_by_player.copy()
    if not len(job.given.chord_ticks):
        # Whether the song has the same harmony again is not known: drums alone come back.
        pitched = [not player.is_drum for player in plan.players]
        back[:, pitched], close[:, pitched] = 0, NEW
    rng = np.random.default_rng((seed, 1))
    stated = replace(plan, plays=plays, back_by_player=back, close_by_player=close)
    filled = fill_form(stated, rng, ensemble_in(job, stated))
    return by_plan(job, filled, rng, hears=hears)
