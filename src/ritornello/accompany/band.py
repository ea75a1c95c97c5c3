"""Who plays in a remix, and what they play: the recording's notes as a song, and a band for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ritornello.accompany.ending import with_ending
from ritornello.accompany.following import with_loudness, with_roots
from ritornello.accompany.form import Form
from ritornello.accompany.heard_sections import calm, heard_sections, sections_of_rounds
from ritornello.accompany.mixdown import SOLO
from ritornello.errors import ConfigError
from ritornello.generation.composer import Composer
from ritornello.generation.edit.form_beside import SongForm
from ritornello.generation.rules import Rules
from ritornello.music.chords import ChordChange, chord_changes
from ritornello.music.instruments import BASSES, INSTRUMENTS, parse_instrument
from ritornello.music.piece import Piece, Tempo, Text, Track
from ritornello.music.slicing import slice_bars
from ritornello.plan.sections import END, Section, letter
from ritornello.plan.song_form import form_text
from ritornello.transcribe.transcription import Transcription

OTHER = "other"
_MOST_ENDING_BARS = 2  # that a remix adds to what the player knows as the form
_FEWEST_PLAYERS = 2  # that accompany a calm section
# Who plays "other": strings, unless the soloist does.
_OTHER_PLAYERS = ("strings", "guitar")
_BOWED = frozenset({"strings", "violin", "viola", "cello", "double bass"})


@dataclass(frozen=True)
class Band:
    """A song and the band that was written for it.

    Attributes:
        piece: all notes on the tempo map of the player, the recording's first.
        stems: which tracks of the piece each player has.
        warnings: how the recording was heard otherwise than it is.
        sections: of the song, from the bar in which the band comes in.
    """

    piece: Piece
    stems: dict[str, tuple[int, ...]]
    warnings: tuple[str, ...]
    sections: tuple[Section, ...] = ()


def players_of(parts: Sequence[str], soloist: str | None) -> dict[str, str]:
    """Names of stems and the instruments that play them.

    Args:
        parts: names of instruments, or "other".
        soloist: the instrument of the recording, if it is known.

    Raises:
        ConfigError: if nobody is named, or an instrument is not known.
    """
    if not parts:
        raise ConfigError("Nobody is named.", next_step="Name parts, such as bass and drums.")
    bowed = soloist is not None and INSTRUMENTS[parse_instrument(soloist)].name in _BOWED
    seen: Counter[str] = Counter()
    players = {}
    for part in parts:
        name = part if part == OTHER else INSTRUMENTS[parse_instrument(part)].name
        seen[name] += 1
        stem = name.replace(" ", "-") + (f"-{seen[name]}" if seen[name] > 1 else "")
        players[stem] = _OTHER_PLAYERS[bowed] if part == OTHER else name
    return players


def write_band(
    composer: Composer,
    transcription: Transcription,
    form: Form,
    players: dict[str, str],
    options: dict[str, Any],
    sections: tuple[Section, ...] | None = None,
) -> Band:
    """The band that a composer writes under a transcription, with the song that it was given.

    Args:
        players: as of `players_of`.
        options: of `Composer.arrange`.
        sections: of the song from the bar in which the band comes in, or of a recording that comes
            round or is cut short; none for no form; those that are heard where None.

    Raises:
        ConfigError: if the sections have other bars than the song.
    """
    song = _solo_piece(transcription, form)
    steady, first_tick = _steady_song(song, form)
    names = list(players.values())
    bars = len(steady.bar_starts_ticks())
    found = _sections(steady, form, sections)
    if found:
        options = {**options, "form": SongForm(found, _resting(names, calm(steady, found)))}
    else:
        options = {**options, "bars": (1, bars)}
    result = composer.arrange(steady, names, end=True, song_key=transcription.key, **options)
    band = [_place_in_song(track, song, first_tick) for track in result.piece.tracks[1:]]
    together = replace(song, tracks=(song.tracks[0], *band))
    together = with_roots(together, stated=_stated(options, song, first_tick))
    if transcription.key is not None:
        together = with_ending(together, transcription.key)
    piece = with_loudness(together)
    stems: dict[str, tuple[int, ...]] = {}
    named = list(piece.tracks)
    for (stem, player), track in zip(players.items(), result.added[0], strict=True):
        stems[stem] = (track,)
        # A piano beside a recording, which is written for a piano too, is the first of the band.
        name = player if stem == OTHER else stem.replace("-", " ")
        named[track] = replace(named[track], name=name)
    starts = song.bar_starts_ticks()
    starts = starts[starts >= first_tick]
    marked = (*piece.markers, *(Text(int(starts[one.start]), one.name) for one in found))
    return Band(
        replace(piece, tracks=tuple(named), markers=marked), stems, result.warnings, tuple(found)
    )


def _sections(steady: Piece, form: Form, stated: tuple[Section, ...] | None) -> tuple[Section, ...]:
    """The sections of all bars of the band: those stated, or heard where None.

    Raises:
        ConfigError: if those stated have other bars than the song, and than a round of it.
    """
    if stated is not None and not stated:
        return ()
    bars, round_bars = len(steady.bar_starts_ticks()), _round_bars(form)
    if stated is not None and form.plays_on:
        stated_bars = stated[-1].end
        if stated_bars == round_bars or stated_bars > bars:  # of the recording, not of the remix
            return sections_of_rounds(stated, bars)
    if round_bars is not None and round_bars < bars:
        once = heard_sections(slice_bars(steady, 0, round_bars))
        heard = sections_of_rounds(once or (Section(letter(0), 0, round_bars),), bars)
    else:
        heard = heard_sections(steady)
    return heard if stated is None else _to_the_end(stated, bars, heard)


def _round_bars(form: Form) -> int | None:
    """Bars after which a recording comes round; None if it sounds once."""
    if form.loop_seconds is None:
        return None
    lines = form.beats.downbeats_seconds
    first, second = (int(np.abs(lines - seconds).argmin()) for seconds in form.loop_seconds)
    return second - first


def _to_the_end(
    sections: tuple[Section, ...], bars: int, heard: tuple[Section, ...]
) -> tuple[Section, ...]:
    """Sections that are stated, with the bar or two in which a remix ends after them."""
    left = bars - sections[-1].end
    if not 0 <= left <= _MOST_ENDING_BARS:
        raise ConfigError(
            f"The form has {sections[-1].end} bars, and there are {bars} from where the band comes "
            "in.",
            next_step=f"State all sections; heard are {form_text(heard)}."
            if heard
            else "State all sections, such as A 8, B 8, A 8.",
        )
    return (*sections, Section(END, sections[-1].end, left)) if left else sections


def _resting(players: Sequence[str], calmness: Sequence[int]) -> tuple[frozenset[int], ...]:
    """Who rests in sections of which the player makes less, by place: first one of those who
    neither drum nor play the bass, then the drummer too; two at least play."""
    instruments = [INSTRUMENTS[parse_instrument(name)] for name in players]
    between = [
        at
        for at, one in enumerate(instruments)
        if not one.is_drum and parse_instrument(one.name) not in BASSES
    ]
    drums = [at for at, one in enumerate(instruments) if one.is_drum]
    leaving = [between[-1:], [*between[-1:], *drums]] if len(between) > 1 else [[], drums]
    most = max(0, len(players) - _FEWEST_PLAYERS)
    return tuple(
        frozenset(leaving[calm_ - 1][:most]) if calm_ else frozenset() for calm_ in calmness
    )


def _stated(
    options: dict[str, Any], song: Piece, first_tick: int
) -> tuple[ChordChange, ...] | None:
    """The chords that are asked for, where the song has them; None if none are."""
    chords = Rules(chords=options.get("chords")).chart
    if chords is None:
        return None
    starts = [int(start) for start in song.bar_starts_ticks() if start >= first_tick]
    return chord_changes(chords, starts, song.length_ticks)


def _solo_piece(transcription: Transcription, form: Form) -> Piece:
    """The notes of the recording on the tempo map of the remix, up to the final bar line."""
    timeline = form.timeline
    piece = timeline.piece(
        form.notes,
        program=transcription.piece.tracks[0].program,
        name=SOLO,
        title=transcription.recording.path.stem,
        key=transcription.key,
    )
    line = round((piece.length_ticks - timeline.first_bar_tick) / timeline.bar_ticks)
    return replace(piece, length_ticks=timeline.first_bar_tick + line * timeline.bar_ticks)


def _steady_song(song: Piece, form: Form) -> tuple[Piece, int]:
    """The song as its player means it, in one tempo, from the first bar of the band; and its tick.

    What comes before that bar is left out: a band that has rested in some bars would rest on.
    """
    metre = song.metres[-1]
    starts = song.bar_starts_ticks()
    seconds = song.ticks_to_seconds(starts)
    first_tick = int(starts[np.abs(seconds - form.first_bar_seconds).argmin()])
    notes = song.tracks[0].notes
    notes = notes[notes["onset"] >= first_tick]
    notes["onset"] -= first_tick
    quarters = metre.beat_ticks(song.resolution) / song.resolution
    steady = replace(
        song,
        tracks=(replace(song.tracks[0], notes=notes),),
        tempos=(Tempo(0, form.beats.tempo_bpm * quarters),),
        metres=(metre._replace(tick=0),),
        length_ticks=song.length_ticks - first_tick,
    )
    return steady, first_tick


def _place_in_song(track: Track, song: Piece, first_tick: int) -> Track:
    """A track of the band where the song has it, its last chord held through the last bar."""
    notes = track.notes.copy()
    notes["onset"] += first_tick
    last = notes["onset"] >= song.bar_starts_ticks()[-1]
    if not track.is_drum:
        notes["duration"][last] = song.length_ticks - notes["onset"][last]
    return replace(track, notes=notes)
