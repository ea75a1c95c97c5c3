"""`ritornello continue`, `fill`, `arrange`, `harmonise`, `vary`: a song in, more of it out.

Each takes a song, names its own options, and asks a `Composer` with them; all else they share.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ritornello.cli.choices import SONG_HELP
from ritornello.cli.options import (
    ANY_STYLE,
    AS_USUAL,
    NO_LIMITS,
    Flag,
    Making,
    Names,
    PartLimits,
    Style,
    Whole,
    read_bars,
    some_names,
    split_names,
)
from ritornello.cli.pieces import Watch, Written, write_pieces
from ritornello.cli.streams import is_stream, read_from

if TYPE_CHECKING:
    from ritornello.api import Composer, Result
    from ritornello.music.piece import Piece

_LOG = logging.getLogger(__name__)
Song = Annotated[Path, Parameter(help=SONG_HELP)]
OnlyNew = Annotated[Flag, Parameter(help="Write the new notes alone, to lay beside the song.")]
KeepBeats = Annotated[
    Flag, Parameter(help="Take the beats of the file, also where it was played without any.")
]
# What is asked of a composer: (composer, song, options of all verbs) -> what came of it.
_Ask = Callable[["Composer", "Piece", dict[str, Any]], "Result"]


def continue_(
    song: Song,
    /,
    *,
    bars: Whole | None = None,
    parts: Names = (),
    form: str | None = None,
    end: bool = True,
    style: Style = ANY_STYLE,
    limits: PartLimits = NO_LIMITS,
    only_new: OnlyNew = False,
    keep_beats: KeepBeats = False,
    making: Making = AS_USUAL,
) -> None:
    """Go on where a song stops, and end it.

    The song stays as it is. What is added keeps its last tempo and metre.

    Parameters
    ----------
    bars
        How many to add: those of the form, or 16.
    parts
        Who goes on, by name or number of the part; by default all.
    form
        The sections that are added, such as "B 8, A 8": what has the name of a section of the song
        (ritornello plan SONG) comes back. By default as the song suggests; "none" for no form.
    end
        Whether the last bar is an ending: the chord of the tonic is struck and held.
    """
    names = split_names(parts) or None
    fields = {"ending": end, **style.fields(), **limits.fields()}
    _write(
        song,
        ("Continuation", "continued"),
        making,
        only_new,
        keep_beats,
        fields,
        lambda composer, piece, options: composer.continue_(
            piece, bars, parts=names, form=form, **options
        ),
    )


def fill(
    song: Song,
    /,
    *,
    bars: str,
    parts: Names = (),
    style: Style = ANY_STYLE,
    limits: PartLimits = NO_LIMITS,
    only_new: OnlyNew = False,
    making: Making = AS_USUAL,
) -> None:
    """Write some bars of a song anew, so that both sides fit.

    All other bars and parts stay as they are.

    Parameters
    ----------
    bars
        First and last bar to write, such as 9-12, or one, such as 9. The first bar is 1.
    parts
        Whose bars, by name or number of the part; by default those of all.
    """
    span, names = read_bars(bars), split_names(parts) or None
    _write(
        song,
        ("Filling", "filled"),
        making,
        only_new,
        True,  # bars are counted as the file has them
        style.fields() | limits.fields(),
        lambda composer, piece, options: composer.fill(piece, span, parts=names, **options),
    )


def arrange(
    song: Song,
    /,
    *,
    add: Names,
    bars: str | None = None,
    end: Flag = False,
    form: str | None = None,
    style: Style = ANY_STYLE,
    limits: PartLimits = NO_LIMITS,
    only_new: OnlyNew = False,
    keep_beats: KeepBeats = False,
    making: Making = AS_USUAL,
) -> None:
    """Add players to a song.

    The song stays as it is, and every one of the players plays.

    Parameters
    ----------
    add
        Who plays along, such as piano,bass,drums,strings.
    bars
        First and last bar they play in, such as 9-16, or one, such as 9; by default all.
    end
        Make the last bar an ending: they strike the chord of the tonic and hold it.
    form
        Sections of the song, such as "A 8, B 8, A 8": what comes back does so in them too. By
        default drums that join a song without any go by the sections that are read from it; none
        for no form.
    """
    names = some_names(add, "Nobody", "--add", "bass")
    span = None if bars is None else read_bars(bars)
    _write(
        song,
        ("Arrangement", "arranged"),
        making,
        only_new,
        keep_beats or span is not None or form is not None,
        style.fields() | limits.fields(),
        lambda composer, piece, options: composer.arrange(
            piece, names, bars=span, end=end, form=form, **options
        ),
    )


def harmonise(
    song: Song,
    /,
    *,
    voices: Names = ("alto,tenor,bass",),
    melody: str | None = None,
    end: bool = True,
    style: Style = ANY_STYLE,
    only_new: OnlyNew = False,
    keep_beats: KeepBeats = False,
    making: Making = AS_USUAL,
) -> None:
    """Set voices to a melody, each one note at a time.

    The song stays as it is. The voices sound like the melody, complete a chord on each beat, and
    end phrases with it in cadences.

    Parameters
    ----------
    voices
        Of soprano, alto, tenor, bass; by default the lower three.
    melody
        The part they are set to, by name or number; by default the highest.
    end
        Whether the last chord is that of the tonic.
    """
    names = some_names(voices, "No voice", "--voices", "alto,bass")
    _write(
        song,
        ("Harmonisation", "harmonised"),
        making,
        only_new,
        keep_beats,
        style.fields(),
        lambda composer, piece, options: composer.harmonise(
            piece, names, melody=melody, end=end, **options
        ),
    )


def vary(
    song: Song,
    /,
    *,
    parts: Names = ("all",),
    closeness: float | None = None,
    style: Style = ANY_STYLE,
    limits: PartLimits = NO_LIMITS,
    only_new: OnlyNew = False,
    keep_beats: KeepBeats = False,
    making: Making = AS_USUAL,
) -> None:
    """Write whole parts of a song anew, all of them unless some are named.

    All other parts stay as they are.

    Parameters
    ----------
    parts
        Which, by name or number of the part, such as drums; by default all.
    closeness
        Share of their bars that stays, 0 to 1, in the key of the song; by default nothing stays.
    """
    names = some_names(parts, "No part", "--parts", "drums")
    _write(
        song,
        ("Variation", "varied"),
        making,
        only_new,
        keep_beats,
        style.fields() | limits.fields(),
        lambda composer, piece, options: composer.vary(
            piece, names, closeness=closeness, **options
        ),
    )


def _on_beats(piece: Piece) -> tuple[Piece, tuple[str, ...]]:
    """A song on beats of its own, and a sentence on them if they had to be found."""
    from ritornello import api

    if not api.lacks_beats(piece):
        return piece, ()
    found = api.on_its_beats(piece)
    sentence = f"{found}; --keep-beats takes those of the file."
    _LOG.warning("%s", sentence)
    return found.piece, (sentence,)


def _write(
    song: Path,
    words: tuple[str, str],
    making: Making,
    only_new: bool,
    keep_beats: bool,
    fields: dict[str, Any],
    ask: _Ask,
) -> None:
    """Carry out a verb: the word for what is made, that for the song then, fields of `Rules`.

    A song that was played without a beat grid is read on the beats that its notes tell.
    """
    from ritornello import api
    from ritornello.generation.rules import Rules

    rules = Rules(**fields)
    what, done = words
    opened: list[
        tuple[Piece, tuple[str, ...]]
    ] = []  # once, after everything that can be refused at once

    def write(composer: Composer, seed: int, number: int, watch: Watch) -> list[Written]:
        if not opened:
            with read_from(song) as path:
                piece = api.load(path)
            opened.append((piece, ()) if keep_beats else _on_beats(piece))
        ((piece, notes),) = opened
        options = {"rules": rules, "seed": seed, "n": number, "watch": watch}
        result = ask(composer, piece, options | making.boldness())
        alone = result.only_new if only_new else (None,) * len(result.pieces)
        return [
            Written(each, given, (*notes, *result.warnings), new)
            for each, given, new in zip(result.pieces, result.given, alone, strict=True)
        ]

    stem = "stdin" if is_stream(song) else song.stem
    write_pieces(making, what, f"{stem}-{done}", write)
