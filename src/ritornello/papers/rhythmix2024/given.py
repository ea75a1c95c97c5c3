"""What `rhythmix2024` asks for and does not have: lines that are written for given ones.

The bundled model is scored on held-out songs with lines given and without, and writes lines under
the highest one. How these go with it is measured beside the published lines, which do not hear each
other, real ones, and chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ritornello.metrics.consonance import agreement_table
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.piece import Piece
from ritornello.music.selection import highest_track, without
from ritornello.music.slicing import slice_bars
from ritornello.papers.rhythmix2024.songs import PRIMER_TICKS
from ritornello.papers.shared.outcome import Table, or_none
from ritornello.papers.shared.partner import ConditioningGain, arrange_songs, conditioning_gain

_BARS = 16
_SEEDS = 2
TASKS = {
    "vary": "one line, all others given",
    "harmonise": "all other lines, the highest given",
    "arrange": "some lines, the others given",
}
_JUDGED = {
    "time_sounding": "time in which the line has the same note %",
    "time_in_chord": "time in the chord of the line %",
    "dissonance": "dissonant on the beat %",
    "consonance": "consonance",
}
_WRITTEN, _BARS_APART, _KEYS_APART = "as written", "other bars", "other keys"


@dataclass(frozen=True)
class Given:
    """What was measured.

    Attributes:
        songs: held-out songs of several lines.
        hearings: by task. agreements: by maker, tables of `agreement_table`.
        warnings: how many songs are heard otherwise than written. refused: how many were refused.
        example: a song whose other lines are ours.
    """

    songs: int
    hearings: dict[str, ConditioningGain]
    agreements: dict[str, dict[str, dict[str, float]]]
    warnings: int
    refused: int
    example: Piece


def measure_given(
    model: Path, songs: Sequence[Piece], published: Sequence[Piece], seed: int
) -> Given | None:
    """Score the model on songs, and let it write the other lines under the highest.

    Args:
        model: of ours. songs: held out, of several lines each; their first 16 bars count.
        published: songs of the published system that begin with a primer of four bars.
        seed: of what is written.

    Returns:
        None where no song has two lines.
    """
    songs = _of_lines(slice_bars(song, 0, _BARS) for song in songs)
    whole = _of_lines(_after_primer(song) for song in published)
    if not songs or not whole:
        return None
    pairs = [_split_highest(song) for song in songs]
    given = [top for top, _ in pairs] * _SEEDS
    add = [[INSTRUMENTS[track.instrument].name for track in rest.tracks] for _, rest in pairs]
    answers = arrange_songs(model, given, add * _SEEDS, seed=seed)
    composed = [replace(piece, tracks=piece.tracks[1:]) for piece in answers.pieces]
    heard = [replace(piece, tracks=piece.tracks[:1]) for piece in answers.pieces]
    return Given(
        len(songs),
        {task: conditioning_gain(model, songs, task) for task in TASKS},
        {
            "ours": agreement_table(zip(heard, composed, strict=True), seed),
            "published": agreement_table(map(_split_highest, whole), seed),
            "real music": agreement_table(pairs, seed),
        },
        sum(map(bool, answers.warnings[: len(songs)])),
        answers.refused,
        answers.pieces[0],
    )


def _split_highest(song: Piece) -> tuple[Piece, Piece]:
    """The highest line of a song, and all others that have notes."""
    top = highest_track(song)
    others = (track for index, track in enumerate(song.tracks) if index != top and len(track))
    return replace(song, tracks=song.tracks[top : top + 1]), replace(song, tracks=tuple(others))


def _after_primer(song: Piece) -> Piece:
    return without(song, 0, PRIMER_TICKS, range(len(song.tracks)))


def _of_lines(songs: Iterable[Piece]) -> list[Piece]:
    """The songs in which two lines have notes."""
    return [song for song in songs if sum(map(bool, map(len, song.tracks))) > 1]


def tables(found: Given | None) -> list[Table]:
    """What was measured, if anything was."""
    return [] if found is None else [_nats_table(found), _harmony_table(found)]


def _nats_table(found: Given) -> Table:
    """Nats a composed note, with what is given and without."""
    return Table(
        "Lines written for given ones: the bundled model, nats a composed note",
        ["composed", "notes", "given lines heard", "not heard", "pitch, heard", "pitch, not heard"],
        [
            [TASKS[task], h.notes, h.heard, h.alone, h.heard_pitch, h.alone_pitch]
            for task, h in found.hearings.items()
        ],
        f"Exact, all fields, {_BARS} bars of {found.songs} held-out songs; the same notes in both "
        "columns. Told both times: who plays, key, density and number of bars.",
    )


def _harmony_table(found: Given) -> Table:
    """How lines go with the highest one."""
    rows = {
        "real music": found.agreements["real music"][_WRITTEN],
        "ours, told the highest line": found.agreements["ours"][_WRITTEN],
        "ours, set under other bars of it": found.agreements["ours"][_BARS_APART],
        "ours, transposed": found.agreements["ours"][_KEYS_APART],
        "published, each line for itself": found.agreements["published"][_WRITTEN],
        "published, transposed": found.agreements["published"][_KEYS_APART],
    }
    shares = [name for name in _JUDGED if name != "consonance"]
    return Table(
        "How the other lines go with the highest one",
        ["lines", *_JUDGED.values()],
        [
            [name, *(or_none(100 * row[share]) for share in shares), or_none(row["consonance"])]
            for name, row in rows.items()
        ],
        f"Means over songs; ours {_SEEDS} times for each. Chords are detected in the highest line "
        "alone. Dissonant: semitones, whole tones, tritones and their compounds among the pairs "
        "that sound on a beat; consonance: Huron's index of them.",
    )


def sentence(found: Given | None) -> str:
    """The answer to what the authors asked for."""
    if found is None:
        return "not measured: no held-out song has two lines"
    one, rest = found.hearings["vary"], found.hearings["harmonise"]
    ours, real = found.agreements["ours"], found.agreements["real music"]
    return (
        f"The bundled model needs {one.heard:.3f} nats a note of a line when the others are given "
        f"and {one.alone:.3f} without them; {rest.heard:.3f} a note of all others when the highest "
        f"is given and {rest.alone:.3f} without ({found.songs} held-out songs). Of the pairs that "
        f"sound on a beat {_percent(ours[_WRITTEN])} are dissonant under the highest line "
        f"({_percent(ours[_BARS_APART])} under other bars of it, {_percent(ours[_KEYS_APART])} "
        f"transposed, real music {_percent(real[_WRITTEN])}); {found.warnings} songs are heard "
        f"otherwise than written, with a warning, {found.refused} refused"
    )


def _percent(row: dict[str, float]) -> str:
    return "none" if np.isnan(row["dissonance"]) else f"{100 * row['dissonance']:.1f}%"
