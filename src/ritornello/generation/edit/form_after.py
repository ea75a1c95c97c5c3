"""A song that goes on by its form: sections of it come back, with something new between them.

A network that goes on from bar to bar hardly returns to what was played before its last bars. So
the form of the song is read from its notes and goes on: after a section comes what came after it
before, or else another that was there, or something new where there is no other; the last one is
that of the beginning. What comes back is played again, as it was or varied, as in composed pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ritornello.generation.edit.form_beside import form_of
from ritornello.generation.edit.held_beat import hold_beat_in_gap
from ritornello.generation.job import Job, Opening, is_drums, player_of
from ritornello.generation.planned import chords_of_bars, ensemble_in
from ritornello.generation.reprise import Reprise, plan_reprise
from ritornello.generation.rules import Rules
from ritornello.music.piece import Piece
from ritornello.plan.bar_strokes import FARTHEST_BARS
from ritornello.plan.form_filling import fill_form
from ritornello.plan.plan import MAX_BARS, Plan
from ritornello.plan.sections import END, INTRO, Section, letter
from ritornello.plan.song_form import USUAL_BARS
from ritornello.rng import Rng

_SOMETHING_NEW = 0.5  # how often a section is new that could come back
_LEAST_BARS = 4  # of a song, and of what is added, that may have a form together


def song_sections(song: Piece, bars: int) -> tuple[Section, ...]:
    """The sections of a song that may come back in so many bars after it; none where it has none.

    Sections that lie too far back have no name.
    """
    form = form_of(song) if min(song.bar_count, bars) >= _LEAST_BARS else None
    if form is None or song.bar_count + bars > MAX_BARS:
        return ()
    far = song.bar_count + bars - FARTHEST_BARS
    names = [section.name for section in form.sections]
    if names[-1] == END:  # it is none now
        names[-1] = _new_name(names)
    return tuple(
        replace(section, name="" if section.start < far else name)
        for section, name in zip(form.sections, names, strict=True)
    )


def sections_after(song: Sequence[Section], bars: int, rng: Rng) -> tuple[Section, ...]:
    """The sections of so many bars after a song, as they are drawn.

    >>> song = Section("A", 0, 8), Section("B", 8, 8)
    >>> [each.name for each in sections_after(song, 16, np.random.default_rng(0))]
    ['A', 'B']
    """
    lengths = {section.name: min(section.bars, 2 * USUAL_BARS) for section in reversed(song)}
    usual = min(USUAL_BARS, max(_LEAST_BARS, *lengths.values()))
    names = [section.name for section in song if section.name != INTRO] or [INTRO]
    played = [name for name in dict.fromkeys(names) if name not in ("", INTRO, END)]
    start = song[-1].end
    last, found = start + bars, list[Section]()
    while start < last:
        left = last - start
        followers = [b for a, b in pairwise(names) if a == names[-1]]
        likely = [name for name in followers if name in played and names[-2:] != [name, name]]
        others = [name for name in played if name != names[-1]]
        was_new = len(found) > 0 and names.count(names[-1]) == 1
        if found and others and left <= usual:
            name = others[0]  # home
        elif (likely or others) and (was_new or rng.random() >= _SOMETHING_NEW):
            chosen = likely or others
            name = chosen[int(rng.integers(len(chosen)))]
        else:
            name = _new_name(names)
            played.append(name)
        length = lengths.setdefault(name, usual)
        if left < length + usual // 2:  # too little would be left for another one
            length = left
        found.append(Section(name, start, min(length, left)))
        names.append(name)
        start += found[-1].bars
    return tuple(found)


def _new_name(names: Sequence[str]) -> str:
    return next(name for name in map(letter, range(MAX_BARS)) if name not in names)


def may_return(rules: Rules) -> bool:
    """Whether nothing is asked of new notes that what was played before need not keep."""
    return rules.key is None and rules.scale is None and not rules.limits_notes


def in_form_after(job: Job, song: Sequence[Section], added: Sequence[Section], seed: int) -> Job:
    """A job that goes on after a song, by the sections of both.

    Args:
        song: see `song_sections`. added: from there to the last bar, as the job counts them.
        seed: of what is drawn.
    """
    starts = np.append(job.grid().bar_starts, job.end_ticks)
    bars, first = len(starts) - 1, song[-1].end
    parts = tuple(job.composed_parts)
    stated = replace(
        Plan.open(bars, job.metres, tuple(map(player_of, parts))),
        sections=(*song, *added),
        plays=np.ones((bars, len(parts)), np.int64),
    )
    rng = np.random.default_rng((seed, 1))
    ensemble = ensemble_in(job, stated)
    reprise = plan_reprise(
        fill_form(stated, rng, ensemble, asked=True),
        starts,
        parts,
        chords_of_bars(job.given, starts),
        rng,
        ensemble=ensemble,
        ending=True,  # the last bar is new, also where it is no ending
        beats=False,
        held_bars=0,
    )
    # The song is as it is; drums, and who cannot be told from others, are seen to elsewhere.
    left_out = [is_drums(part) or part in job.shared_parts for part in parts]
    halves = reprise.halves.copy()
    halves[:first], halves[:, :, left_out] = False, False
    sources = np.where(halves.any(axis=1), reprise.sources, -1)
    reprise = replace(reprise, sources=sources, halves=halves)
    beat = hold_beat_in_gap(job, lambda: (*song, *added))
    return replace(beat, openings=_left_open(beat.openings, reprise), reprise=reprise)


def _left_open(openings: Sequence[Opening], reprise: Reprise) -> tuple[Opening, ...]:
    """What is left of openings where bars come back; notes sound on up to there."""
    lines, found = reprise.half_lines, dict[tuple[int, int, int], list[int]]()
    for opening in openings:
        for part in opening.parts:
            kept = reprise.halves[:, :, reprise.parts.index(part)].ravel()
            for left in opening.left_in(lines, ~kept):
                later = lines[:-1][kept & (lines[:-1] >= left.end_ticks)].tolist()
                until = later[0] if later else opening.end_ticks
                found.setdefault((left.start_ticks, left.end_ticks, until), []).append(part)
    return tuple(
        Opening(tuple(sorted(parts)), start, end, sounds_until_ticks=until)
        for (start, end, until), parts in sorted(found.items())
    )
