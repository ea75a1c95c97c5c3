"""Whether composed parts go with given ones: real arrangements, ours, deaf ones, and chance."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from experiments.generated.generated import excerpts
from experiments.music_sets import MusicSets, open_music_sets
from experiments.partner.units import Units
from ritornello.api import Composer, find_model
from ritornello.generation.compose import to_piece, write
from ritornello.generation.job import whole_piece
from ritornello.generation.rules import MAX_PARTS, Rules
from ritornello.generation.writer import Writer
from ritornello.metrics.consonance import agreement_table
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.keys import estimate_key, pitch_class_weights
from ritornello.music.piece import Piece, Track
from ritornello.note_model import checkpoint
from ritornello.note_model.encoding.bar_grid import METRES
from ritornello.note_model.encoding.notes import PARTS_PER_INSTRUMENT
from ritornello.note_model.engine import open_engine
from ritornello.rng import Rng

PROTOCOL = (
    "random excerpts of validation pieces without a near copy in training, in one metre; given is "
    "the pitched part that is highest on average, or a random half of all parts; the other parts "
    "are those of the piece (real), written by `arrange` for the same instruments (ours), or "
    "composed from nothing for them in the same bars, metre and tempo, told the key that the given "
    "parts tell (ours, unheard); each once, default boldness; other bars, other keys: our "
    "arrangements moved against the given parts; drums count nowhere; see metrics/consonance.py"
)
CONDITIONS = ("highest given", "half given")
_TRIES = 40  # excerpts looked at for each that is wanted
Arrangement = tuple[Piece, Piece]  # given and composed


def measure(options: argparse.Namespace, units: Units) -> dict[str, Any]:
    """Of each set and condition, the agreement of each way of arranging."""
    music = open_music_sets(options.store, options.data)
    composer = Composer.load(options.model)
    deaf = Deaf(options.model)
    figures: dict[str, Any] = {}
    for name in options.sets:
        figures[name] = {}
        for condition in CONDITIONS:
            real = [*splits(music.only(name), condition, options)]
            compare = partial(compared, composer, deaf, real, name, options.seed)
            figures[name][condition] = units.take(f"{name}, {condition}", compare)
    return figures


def compared(
    composer: Composer, deaf: Deaf, real: Sequence[Arrangement], collection: str, seed: int
) -> dict[str, Any]:
    """The tables of `agreement_table` by way of arranging."""
    ours, unheard = [], []
    for number, (given, parts) in enumerate(real):
        players = [INSTRUMENTS[track.instrument].name for track in parts.tracks]
        whole = composer.arrange(given, players, collection=collection, seed=seed + number).piece
        ours.append((given, replace(whole, tracks=whole.tracks[len(given.tracks) :])))
        unheard.append((given, deaf.arrange(given, players, collection, seed + number)))
    ways = {"real": real, "ours": ours, "ours, unheard": unheard}
    return {name: agreement_table(pairs, seed) for name, pairs in ways.items()}


class Deaf:
    """Arranges without hearing what is given."""

    def __init__(self, model: str) -> None:
        found = checkpoint.load(find_model(model))
        self._engine, self._collections = open_engine(found), found.collections

    def arrange(self, given: Piece, players: Sequence[str], collection: str, seed: int) -> Piece:
        """Parts from nothing, as long and fast as what is given, told its key."""
        metre = given.metres[0]
        known = collection if collection in self._collections else None
        rules = Rules(
            bars=given.bar_count, metre=(metre.numerator, metre.denominator),
            tempo_bpm=given.tempos[0].bpm, parts=tuple(players), collection=known, ending=False,
        )  # fmt: skip
        pitches = np.concatenate([t.notes["pitch"] for t in given.tracks if not t.is_drum])
        key = estimate_key(pitch_class_weights(pitches))
        writer = Writer.start(replace(whole_piece(rules), key=key), np.random.default_rng(seed))
        write(self._engine, [writer], collections=self._collections)
        return to_piece(writer.events, rules)


# --- excerpts -------------------------------------------------------------------------------------


def splits(music: MusicSets, condition: str, options: argparse.Namespace) -> Iterator[Arrangement]:
    """So many excerpts in given and other parts, or fewer where few can be split so."""
    rng = np.random.default_rng(options.seed)
    looked_at = excerpts(music, "unseen", _TRIES * options.excerpts, rng, [options.bars])
    usable = filter(playable, looked_at)
    split = highest_given if condition == CONDITIONS[0] else half_given
    return (split(piece, rng) for piece in islice(usable, options.excerpts))


def playable(piece: Piece) -> bool:
    """Whether all parts can be asked for by name, and two or more of them have pitches."""
    players = Counter(INSTRUMENTS[track.instrument].name for track in piece.tracks)
    most = all(
        count <= (1 if name == "drums" else PARTS_PER_INSTRUMENT) for name, count in players.items()
    )
    metre = piece.metres[0].numerator, piece.metres[0].denominator
    return (
        most
        and len(_pitched(piece.tracks)) > 1
        and len(piece.tracks) <= MAX_PARTS
        and metre in METRES
        and 20 <= piece.tempos[0].bpm <= 320
    )


def highest_given(piece: Piece, rng: Rng) -> Arrangement:
    """The pitched part that is highest on average given, all others composed."""
    highest = max(_pitched(piece.tracks), key=lambda track: track.notes["pitch"].mean())
    return _split(piece, [track is highest for track in piece.tracks])


def half_given(piece: Piece, rng: Rng) -> Arrangement:
    """Half of the parts given, drawn so that some with pitches are given and some composed."""
    while True:
        chosen = rng.permutation(len(piece.tracks)) < len(piece.tracks) // 2
        given, composed = _split(piece, chosen.tolist())
        if _pitched(given.tracks) and _pitched(composed.tracks):
            return given, composed


def _split(piece: Piece, chosen: Sequence[bool]) -> Arrangement:
    def side(wanted: bool) -> Piece:
        here = zip(piece.tracks, chosen, strict=True)
        return replace(piece, tracks=tuple(track for track, given in here if given == wanted))

    return side(True), side(False)


def _pitched(tracks: Sequence[Track]) -> list[Track]:
    return [track for track in tracks if not track.is_drum]


# --- the table ------------------------------------------------------------------------------------


def markdown(figures: dict[str, Any]) -> str:
    """Shares of notes in the chord of what is given, and of dissonances, of each way."""
    ways = {
        "real": ("real", "as written"),
        "ours": ("ours", "as written"),
        "ours, unheard": ("ours, unheard", "as written"),
        "other bars": ("ours", "other bars"),
        "other keys": ("ours", "other keys"),
    }
    tables = []
    for field, title in (
        ("notes_in_chord", "notes in the chord, %"),
        ("time_sounding", "time on a sounding pitch class, %"),
        ("dissonance", "dissonances on beats, %"),
    ):
        lines = [f"| {title} | given | {' | '.join(ways)} |", "|---" * (2 + len(ways)) + "|"]
        for name, conditions in figures.items():
            for condition, found in conditions.items():
                cells = [_percent(found[way][row][field]) for way, row in ways.values()]
                lines.append(f"| {name} | {condition} | {' | '.join(cells)} |")
        tables.append("\n".join(lines))
    return "\n\n".join(tables)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"
