"""Our note model beside `lakh-lstm`: on the same tokens, on the real songs, and its "next" list.

Comparing is fair where both give an exact likelihood of the same thing. A row of tokens and the
piece it is played as are one to one, so our model is taught the played rows (one piano, one step):
the nats it spends on such a piece, on every field and on the end, divided by its tokens, bound its
nats per token from above. Nats per note of real songs, rhythm included, compare with nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ritornello.metrics.endings import endings
from ritornello.music.note_tables import note_table
from ritornello.music.piece import Piece, Track
from ritornello.music.slicing import bars_at
from ritornello.note_model import checkpoint, likelihood
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.sequences import sequences
from ritornello.note_model.engine.reference import Engine
from ritornello.papers.lakh_lstm import encoding as chord_tokens
from ritornello.papers.lakh_lstm import primers as lakh_lstm_primers
from ritornello.papers.lakh_lstm import search as lakh_lstm_search
from ritornello.papers.lakh_lstm.data import SIDES, Songs, pieces_of_side
from ritornello.papers.lakh_lstm.primers import Primers, continue_primers
from ritornello.papers.lakh_lstm.search import search_settings
from ritornello.papers.shared.ours import BUNDLED, compose_ours, score_ours, train_ours
from ritornello.papers.shared.outcome import Table
from ritornello.papers.shared.study import Study
from ritornello.training.config import network_size

_SCORED_AT_ONCE = 16
_BARS = 16
_TOKENS_A_BAR = round(4 / chord_tokens.STEP_BEATS)


@dataclass(frozen=True)
class Ours:
    """What our model did on the same songs.

    Attributes:
        token_nats: nats per token of the test songs, see above.
        token_pieces: composed in the manner of the played tokens, for piano.
        real: figures of `score_ours` on the real test songs.
        pieces: composed in the manner of the real songs, `_BARS` bars each.
        primers: test songs that it went on from.
        tables: of all models of ours on the real test songs, of the search, of the primers.
        wishes: what the authors asked for next, answered; all but unknown notes.
    """

    token_nats: float
    token_pieces: list[Piece]
    real: likelihood.SetLikelihood
    pieces: list[Piece]
    primers: Primers
    tables: list[Table]
    wishes: dict[str, str]


def run_ours(study: Study, songs: Songs, *, token_minutes: float) -> Ours:
    """Teach, score and hear our model.

    Args:
        token_minutes: for the model of the tokens: as long as the published network learned. Those
            of the real songs get ``ours_minutes`` of the settings each.
    """
    count, real_minutes = study.settings["generated"], study.settings["ours_minutes"]

    def teach(
        name: str, pieces: list[tuple[str, Piece, str]], minutes: float, **settings: Any
    ) -> Path:
        study.say(f"our model: {name}, {minutes:.2g} minutes")
        folder = study.folder / f"ours-{name.replace(' ', '-')}"
        return train_ours(
            pieces, folder, minutes=minutes, seed=study.seed, threads=study.threads, **settings
        )

    on_tokens = teach(
        "tokens", [row for side in SIDES for row in pieces_of_side(songs, side)], token_minutes
    )
    real = [(song.name, song.piece, side) for side in SIDES for song in songs.side(side)]
    few = [*real[: max(1, len(songs.train) // 4)], *real[len(songs.train) :]]
    size = network_size(sum(song.piece.note_count for song in songs.train), real_minutes)
    models = {
        "all songs": teach("all songs", real, real_minutes),
        "a quarter of the songs": teach("a quarter of the songs", few, real_minutes),
        "all songs, network twice as wide": teach(
            "twice as wide", real, real_minutes, width=2 * size.width
        ),
    }
    figures = {
        name: score_ours(model, [song.piece for song in songs.test])
        for name, model in models.items()
    }
    bars = study.settings["generated_tokens"] // _TOKENS_A_BAR
    token_pieces = [
        compose_ours(on_tokens, bars=bars, seed=study.seed + index, parts=("piano",))
        for index in range(count)
    ]
    pieces = [
        compose_ours(models["all songs"], bars=_BARS, seed=study.seed + index)
        for index in range(count)
    ]
    searched = search_settings(study, songs)
    study.say("our model: goes on from primers")
    going_on = {"our model of the songs": models["all songs"], "the one that ships": BUNDLED}
    primers = continue_primers(going_on, [song.piece for song in songs.test], study.seed)
    answers = _wishes(songs, figures, pieces, real_minutes)
    return Ours(
        nats_per_token(on_tokens, songs, study.settings["window"]),
        token_pieces,
        figures["all songs"],
        pieces,
        primers,
        [
            _table(figures, real_minutes),
            lakh_lstm_search.table(searched),
            lakh_lstm_primers.table(primers),
        ],
        answers | {"search over settings": lakh_lstm_search.sentence(searched)},
    )


def nats_per_token(model: Path, songs: Songs, skip: int) -> float:
    """Nats our model spends on the test songs' tokens after the first ``skip``, for each of them.

    Those tokens are the ones the published network predicts; the events before are read only.
    """
    made = checkpoint.load(checkpoint.find(model))
    engine, known = Engine(made), len(made.collections)
    pieces = [piece for _, piece, _ in pieces_of_side(songs, "test")]
    total, tokens = 0.0, 0
    for start in range(0, len(pieces), _SCORED_AT_ONCE):
        batch = pieces[start : start + _SCORED_AT_ONCE]
        whole = [sequences(piece, None, known, open_probability=1.0) for piece in batch]
        first_ticks = round(skip * chord_tokens.STEP_BEATS * notes.RESOLUTION)
        before = [
            row.part(0, int((row.fields[:, notes.SHIFT].cumsum() < first_ticks).sum()))
            for row in whole
        ]
        total += float((likelihood.score(engine, whole) - likelihood.score(engine, before)).sum())
    for ids in songs.ids("test"):
        tokens += max(0, len(ids) - skip)
    return total / max(1, tokens)


def _table(figures: dict[str, likelihood.SetLikelihood], minutes: float) -> Table:
    fields = [*next(iter(figures.values()))["fields"]]
    rows: list[list[Any]] = [
        [name, each["nats_per_note"], *(each["fields"][field] for field in fields)]
        for name, each in figures.items()
    ]
    first = figures["all songs"]
    blank = [None] * len(fields)
    rows.append(["unigram", first["unigram_nats_per_note"], *blank])
    rows.append(["bigram", first["bigram_nats_per_note"], *blank])
    return Table(
        "Our model on the real songs, with rhythm, parts and loudness",
        ["taught with", "nats per note", *fields],
        rows,
        f"Exact nats per note of the {first['pieces']} test songs, each model taught for "
        f"{minutes:g} minutes. Not comparable with nats per token: another thing is foretold.",
    )


def _wishes(
    songs: Songs, figures: dict[str, likelihood.SetLikelihood], pieces: list[Piece], minutes: float
) -> dict[str, str]:
    nats = {name: each["nats_per_note"] for name, each in figures.items()}
    whole, quarter, wide = nats.values()
    ends, real_ends = endings(pieces), endings(song.piece for song in songs.test)
    sparse, real_sparse = (
        np.mean([_opens_sparsely(piece) for piece in group])
        for group in (pieces, [song.piece for song in songs.test])
    )
    parts = np.mean([sum(map(bool, map(len, piece.tracks))) for piece in pieces])
    real_parts = np.mean([song.losses.parts for song in songs.test])
    return {
        "more data": f"{whole:.3f} nats per note with all {len(songs.train)} songs, {quarter:.3f} "
        f"with a quarter of them, after {minutes:g} minutes each.",
        "larger nets": f"{wide:.3f} nats per note with a network twice as wide, {whole:.3f} "
        f"without, after {minutes:g} minutes each.",
        "an introduction and an ending on every tune": f"Endings: {ends['in_last_bar']:.0%} of "
        f"{len(pieces)} pieces sound in the last of the bars asked for, {ends['complete']:.0%} "
        "also close on a chord of the key with a long note (real songs "
        f"{real_ends['complete']:.0%}). Introductions are not asked for: {sparse:.0%} begin with "
        f"a bar of at most half the usual notes (real songs {real_sparse:.0%}).",
        "multi-instrument training": f"Learned: pieces have {parts:.1f} parts on average, the real "
        f"songs {real_parts:.1f}.",
    }


def _opens_sparsely(piece: Piece) -> bool:
    """Whether the first bar that sounds has at most half the notes of the middle one of all."""
    onsets = np.concatenate([track.notes["onset"] for track in piece.tracks])
    counts = np.bincount(bars_at(piece, onsets))
    counts = counts[counts.nonzero()[0].min() :]
    return bool(counts[0] <= np.median(counts) / 2)


def pitches_kept() -> float:
    """The share of all pitches of all programs that come back from our encoding as they were."""
    kept = []
    for program in range(128):
        rising = note_table((24 * pitch, 24, pitch, 80) for pitch in range(128))
        track = Track(rising, program)
        again = notes.decode(notes.encode(Piece((track,), notes.RESOLUTION)).fields)
        kept.append(np.mean(again.tracks[0].notes["pitch"] == track.notes["pitch"]))
    return float(np.mean(kept))
