"""The system `lakh-lstm` end to end, on a small folder in the published layout."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.examples import band

pytest.importorskip("torch", reason="learning needs the extra train")

from ritornello.errors import InputError
from ritornello.music import io
from ritornello.music.note_tables import note_table
from ritornello.music.piece import Piece, Track
from ritornello.music.slicing import slice_bars
from ritornello.note_model import checkpoint
from ritornello.papers.lakh_lstm import encoding as chord_tokens
from ritornello.papers.lakh_lstm import primers as lakh_lstm_primers
from ritornello.papers.lakh_lstm import run as lakh_lstm
from ritornello.papers.lakh_lstm import search as lakh_lstm_search
from ritornello.papers.lakh_lstm.data import SIDES, load_songs
from ritornello.papers.lakh_lstm.ours import nats_per_token
from ritornello.papers.lakh_lstm.primers import Likeness, continue_primers, likeness
from ritornello.papers.lakh_lstm.search import Searched
from ritornello.papers.shared.outcome import Outcome
from ritornello.papers.shared.recipe import load_recipe
from ritornello.papers.shared.study import Study

QUICK = {
    "window": 8, "songs": 8, "hidden": 8, "batch": 16, "epochs": 2, "epoch_windows": 64,
    "least_count": 2, "ours_minutes": 0.005, "generated": 2, "generated_tokens": 16,
    "trials": 2, "trial_minutes": 0.005,
}  # fmt: skip


def tune(number: int) -> Piece:
    """A walk of its own under every number, over the same drums."""
    pitches = 60 + np.cumsum(np.random.default_rng(number).integers(-2, 3, size=64)) % 12
    melody = Track(note_table((12 * i, 12, int(p), 80) for i, p in enumerate(pitches)))
    return Piece((melody, band(number).tracks[-1]), 24)


@pytest.fixture(scope="module")
def lakh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten songs with a genre, one of them in two versions, one without, one file that is broken."""
    folder = tmp_path_factory.mktemp("lakh")
    genres, tracks = ["# MSD Genre Annotations"], []
    for number in range(12):
        path = folder / "clean_midi" / f"Artist {number % 3}" / f"Song {number}.mid"
        path.parent.mkdir(parents=True, exist_ok=True)
        io.write(tune(number), path)
        tracks.append(f"TR{number:02}<SEP>SO{number}<SEP>Artist {number % 3}<SEP>Song {number}")
        if number:
            genres.append(f"TR{number:02}\tJazz")
    io.write(tune(40), path.with_stem("Song 11.1"))
    (folder / "clean_midi" / "Artist 1" / "Song 10.mid").write_bytes(b"MThd and no more")
    (folder / "msd_tagtraum_cd1.cls").write_text("\n".join(genres))
    (folder / "unique_tracks.txt").write_text("\n".join(tracks))
    return folder


@pytest.fixture(scope="module")
def study(lakh: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    recipe = load_recipe("lakh-lstm")
    quick = replace(recipe, budgets={**recipe.budgets, "tiny": QUICK})
    return Study(quick, "tiny", tmp_path_factory.mktemp("run"), data=lakh)


@pytest.fixture(scope="module")
def outcome(study: Study) -> Outcome:
    return lakh_lstm.run(study)


def test_every_file_that_is_not_used_is_counted(study: Study) -> None:
    songs = load_songs(replace(study, recipe=_with(study, songs=99)))
    assert songs.left_out == {
        "its track has no genre": 1,
        "another version of a song": 1,
        "cannot be read": 1,
    }
    assert len(songs.all) == 10
    assert not {song.name for song in songs.train} & {song.name for song in songs.test}
    assert "10 songs" in songs.in_words()
    assert "Genres: Jazz 10." in songs.in_words()


def _with(study: Study, **settings: object) -> Any:
    return replace(study.recipe, budgets={"tiny": {**QUICK, **settings}})


def test_songs_and_split_are_the_same_for_every_seed(study: Study) -> None:
    first, second = load_songs(study), load_songs(replace(study, seed=5))
    for side in SIDES:
        names = [song.name for song in first.side(side)]
        assert names == [song.name for song in second.side(side)]


def test_the_outcome_holds_what_the_report_needs(outcome: Outcome, study: Study) -> None:
    assert Outcome.load(outcome.save(study.folder).parent) == outcome
    assert not outcome.stand_in
    for figure in outcome.figures:
        assert figure.protocol
        assert figure.baselines
        assert all(map(math.isfinite, figure.baselines.values())), figure.name
    surprise, foreseen, *_ = outcome.figures
    assert {"unigram", "bigram"} < set(surprise.baselines)
    assert surprise.ours is not None
    assert surprise.value is not None
    assert surprise.value < 2 * surprise.baselines["every token alike"]
    assert foreseen.value is not None
    assert 0 <= foreseen.value <= 100
    assert len(outcome.charts) == 8
    titles = {histogram.title for histogram in outcome.histograms}
    for layer in ("LSTM weights", "LSTM biases", "dense weights", "dense biases"):
        for moment in ("start", "middle", "end"):
            assert f"{layer}, {moment} of training" in titles
    assert len(outcome.wishes) == 6
    assert not [wish for wish, answer in outcome.wishes.items() if "not yet" in answer.lower()]
    assert outcome.weaknesses


def test_samples_are_there_to_be_heard(outcome: Outcome, study: Study) -> None:
    makers = [sample.maker for sample in outcome.samples]
    assert makers.count("published") >= 2
    assert {"ours", "real"} <= set(makers)
    for sample in outcome.samples:
        assert (study.folder / str(sample.sound)).stat().st_size > 1000
        assert io.read(study.folder / str(sample.midi)).note_count
    likeliest = chord_tokens.encode(io.read(study.folder / "likeliest.mid")).tokens
    assert len(likeliest) == QUICK["generated_tokens"]


def test_our_nats_on_tokens_are_those_of_the_whole_less_the_beginning(
    outcome: Outcome, study: Study
) -> None:
    """Skipping nothing, the figure is the plain likelihood of the played test songs."""
    from ritornello.papers.lakh_lstm.data import pieces_of_side
    from ritornello.papers.shared.ours import score_ours

    songs, model = load_songs(study), study.folder / "ours-tokens"
    pieces = [piece for _, piece, _ in pieces_of_side(songs, "test")]
    figures = score_ours(model, pieces)
    tokens = sum(map(len, songs.ids("test")))
    whole = figures["nats_per_note"] * figures["notes"] / tokens
    assert nats_per_token(model, songs, 0) == pytest.approx(whole, rel=1e-3)


def test_too_few_songs_are_refused_with_what_is_needed(study: Study) -> None:
    with pytest.raises(InputError, match=r"2 songs can be used; at least 3 (.|\n)*tagtraum"):
        load_songs(replace(study, recipe=_with(study, songs=2)))
    with pytest.raises(InputError, match=r"more than 500 known tokens|0 songs"):
        load_songs(replace(study, recipe=_with(study, window=500)))


# --- what the authors asked for next --------------------------------------------------------------


def test_the_real_continuation_is_like_itself() -> None:
    songs = [band(seed, bars=16) for seed in range(3)]
    primers = [slice_bars(song, 0, 8) for song in songs]
    real = [slice_bars(song, 8, 16) for song in songs]
    assert likeness(primers, real, real) == pytest.approx(
        Likeness(same_key=1, in_scale=1, pitch_overlap=1, density_ratio=1)
    )
    nothing = [replace(piece, tracks=()) for piece in real]
    silent = likeness(primers, nothing, real)
    assert math.isnan(silent.pitch_overlap)
    assert silent.density_ratio == 0


def test_primers_are_continued_and_none_is_refused(tiny_model: Path) -> None:
    songs = [band(seed, bars=16) for seed in range(2)] + [band(9, bars=4)]
    models = {"a model": checkpoint.find(tiny_model)}
    found = continue_primers(models, songs, seed=0)
    assert (found.primers, found.refused) == (2, 0)
    assert found.example is not None
    assert found.example.bar_count == 16
    said = lakh_lstm_primers.sentence(found)
    assert "2 of 2 primers of test songs were continued: by a model" in said
    none = continue_primers(models, songs[2:], seed=0)
    assert "none was continued" in lakh_lstm_primers.sentence(none)


def test_the_best_trial_is_compared_on_the_test_songs(outcome: Outcome) -> None:
    table = next(table for table in outcome.tables if table.title.startswith("Search"))
    assert len(table.rows) == QUICK["trials"]
    assert outcome.wishes["search over settings"].startswith("Of 2 trials")


def test_a_search_without_its_extra_says_so() -> None:
    nothing = Searched([], 1.0, 0.0, 0.0, missing="The search over settings needs Optuna.")
    assert "Not measured here: The search" in lakh_lstm_search.sentence(nothing)
    assert lakh_lstm_search.table(nothing).rows == []
