"""`rhythmix2024`: exact figures, a search that finds, ratings that count, and a run end to end."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch

from ritornello.errors import InputError
from ritornello.music import io
from ritornello.music.piece import Piece, Track
from ritornello.note_model import checkpoint, likelihood
from ritornello.papers.rhythmix2024 import run as rhythmix2024
from ritornello.papers.rhythmix2024.data import bare_piece
from ritornello.papers.rhythmix2024.encoding import DURATIONS_TICKS, NONE, REST, Line, decode
from ritornello.papers.rhythmix2024.feedback import (
    Rated,
    learn_from_ratings,
    mean_with_interval,
    simulated_rating,
)
from ritornello.papers.rhythmix2024.given import measure_given, sentence, tables
from ritornello.papers.rhythmix2024.model import EventLSTM, EventLSTMConfig
from ritornello.papers.rhythmix2024.songs import closes, consonance, nats_of_ours
from ritornello.papers.rhythmix2024.train import (
    Length,
    Trained,
    continue_primers,
    nats_per_note,
    ngram_nats_per_note,
    train,
    windows,
)
from ritornello.papers.shared.outcome import Outcome
from ritornello.papers.shared.recipe import load_recipe
from ritornello.papers.shared.study import Study
from tests.examples import band

QUARTER, HALF = (int(np.flatnonzero(ticks == DURATIONS_TICKS)[0]) for ticks in (24, 48))
SCALE = (0, 2, 4, 5, 7, 9, 11)


def scale_line(seed: int, length: int = 96, key: int = 60) -> np.ndarray:
    """A walk by step in a major scale, in quarters, with a rest after every eighth note."""
    rng = np.random.default_rng(seed)
    degree, events = int(rng.integers(7)), []
    for number in range(length):
        degree = int(np.clip(degree + rng.choice([-1, 1]), 0, 13))
        rest = number % 9 == 8
        events.append((REST if rest else key + 12 * (degree // 7) + SCALE[degree % 7], QUARTER))
    return np.array(events)


def leaping_line(seed: int, length: int = 64) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(40, 90, length), np.full(length, QUARTER)], axis=1)


def ticking(seconds: float) -> Length:
    """A length of so many seconds of a clock that goes on one second each time it is read."""
    clock = count()
    return Length(seconds / 60, lambda: float(next(clock)))


@pytest.fixture(scope="module")
def lines() -> list[np.ndarray]:
    return [scale_line(seed) for seed in range(12)]


@pytest.fixture(scope="module")
def trained(lines: list[np.ndarray]) -> Trained:
    return taught(lines)


def taught(lines: list[np.ndarray]) -> Trained:
    config = EventLSTMConfig(layers=2, width=24, dropout=0.0)
    return train(
        lines[:10], lines[10:], config,
        learning_rate=1e-2, batch=8, window=24, length=ticking(56), seed=0,
    )  # fmt: skip


# --- learning and scoring ----------------------------------------------------------------------


def test_it_learns_more_than_counts_tell(lines: list[np.ndarray], trained: Trained) -> None:
    counted = ngram_nats_per_note(lines[:10], lines[10:])
    assert nats_per_note(trained.model, lines[10:]).sum() < counted["unigram"].sum()
    assert trained.nats_per_note == min(trained.curve[1])
    # Seven validations before the end, and the savings after them, take a second each.
    assert trained.steps == 42


def test_the_same_seed_and_clock_give_the_same_model(
    lines: list[np.ndarray], trained: Trained
) -> None:
    again = taught(lines)
    assert again.curve == trained.curve


@torch.no_grad()
def test_pitch_and_time_are_all_the_nats_of_the_network(
    lines: list[np.ndarray], trained: Trained
) -> None:
    parts = nats_per_note(trained.model, lines[10:])
    total = notes = 0.0
    for line in lines[10:]:
        rows = torch.as_tensor(np.concatenate([[NONE], line]))[:, None]
        nats, _ = trained.model.nats(rows[:-1], rows[1:], trained.model.initial_state(1))
        total += float(nats.sum())
        notes += int((line[:, 0] != REST).sum())
    assert parts.sum() == pytest.approx(total / notes, rel=1e-5)
    assert (parts > 0).all()


def test_counts_are_those_of_a_set_enumerated_by_hand() -> None:
    line = np.array([(60, QUARTER), (REST, QUARTER), (60, QUARTER)])
    found = ngram_nats_per_note([line], [line])["unigram"]
    note, rest, all_pitches = 2.5, 1.5, 3 + 129 / 2
    quarter = 3.5 / (3 + 28 / 2)
    is_rest = rest / all_pitches
    choices = -(2 * np.log(1 - is_rest) + np.log(is_rest))
    pitch = -2 * np.log(note / (all_pitches - rest))
    assert found == pytest.approx([pitch / 2, (choices - 3 * np.log(quarter)) / 2])


def test_windows_are_of_the_lines_and_begin_with_nothing_before(lines: list[np.ndarray]) -> None:
    before, events = next(windows([scale_line(0, 10)], 4, 16, np.random.default_rng(0)))
    assert before.shape == events.shape == (16, 4, 2)
    assert (before[0] == torch.tensor(NONE)).all(), "a line shorter than a window is read whole"
    assert torch.equal(before[1:], events[:-1])
    assert torch.equal(events[:10, 0], torch.as_tensor(scale_line(0, 10)))
    assert (events[10:] == torch.tensor(NONE)).all()


def test_going_on_depends_on_the_seed_alone(lines: list[np.ndarray], trained: Trained) -> None:
    primers = [line[:8] for line in lines[:3]]
    one, other = (continue_primers(trained.model, primers, 12, seed=seed) for seed in (1, 2))
    again = continue_primers(trained.model, primers, 12, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert all((row >= 0).all() and (row < NONE).all() for row in one)


def test_our_model_is_scored_on_all_but_its_end(tiny_model: Path, lines: list[np.ndarray]) -> None:
    """Nats of all events, as the evaluation has them, less those of the END of each line."""
    model = checkpoint.find(tiny_model)
    made = checkpoint.load(model)
    pieces = [("chorales", bare_piece(line)) for line in lines[:3]]
    whole = likelihood.evaluate(made, pieces)
    rest = nats_of_ours(model, lines[:3]).sum()
    assert 0 < rest < whole["nats_per_note"]
    assert rest == pytest.approx(whole["nats_per_note"], rel=0.2)


# --- ratings -----------------------------------------------------------------------------------


def test_the_simulated_listener_likes_steps_within_a_key() -> None:
    rng = np.random.default_rng(0)
    liked = [simulated_rating(scale_line(seed), rng) for seed in range(20)]
    disliked = [simulated_rating(leaping_line(seed), rng) for seed in range(20)]
    assert min(liked) > max(disliked)
    assert set(liked) | set(disliked) <= {1, 2, 3, 4, 5}
    assert simulated_rating(np.array([(REST, QUARTER)] * 4), rng) <= 2, "silence pleases nobody"


def test_what_was_liked_gains_on_what_was_not_and_the_model_before_stays(
    lines: list[np.ndarray], trained: Trained
) -> None:
    primer = lines[0][:8]
    written = continue_primers(trained.model, [primer] * 16, 16, seed=3)
    rated = [Rated(primer, row, 5 if number % 2 else 1) for number, row in enumerate(written)]
    weights = [tensor.clone() for tensor in trained.model.state_dict().values()]
    real = windows(lines, 8, 24, np.random.default_rng(0))
    learner = learn_from_ratings(trained.model, rated, real, passes=12, seed=0)

    def nats(model: EventLSTM, stars: int) -> float:
        heard = [np.concatenate([each.primer, each.written]) for each in rated]
        result: float = sum(
            nats_per_note(model, [row]).sum()
            for row, each in zip(heard, rated, strict=True)
            if each.stars == stars
        )
        return result

    gain = {stars: nats(trained.model, stars) - nats(learner, stars) for stars in (1, 5)}
    assert gain[5] > gain[1] + 0.1
    same = zip(weights, trained.model.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in same)


def test_the_interval_of_a_mean_holds_it_and_narrows() -> None:
    rng = np.random.default_rng(0)
    few, many = rng.normal(3, 1, 20), rng.normal(3, 1, 2000)
    widths = []
    for values in (few, many):
        mean, low, high = mean_with_interval(values, seed=0)
        assert low < mean < high
        assert mean == pytest.approx(values.mean())
        widths.append(high - low)
    assert widths[1] == pytest.approx(2 * 1.96 / np.sqrt(2000), rel=0.1)
    assert widths[0] > 5 * widths[1]


# --- songs -------------------------------------------------------------------------------------


def test_consonances_are_counted_sixteenth_by_sixteenth() -> None:
    upper = [(0, 24, 64, 80), (24, 24, 65, 80), (48, 24, 67, 80)]
    lower = [(0, 48, 60, 80), (60, 12, 66, 80)]
    piece = Piece((Track(upper), Track(lower)), 24)
    # A third and a fourth for four sixteenths each, silence for two, a second for two.
    assert consonance(piece) == (8, 10)
    assert consonance(piece, from_ticks=24) == (4, 6)
    assert consonance(Piece((Track(upper),), 24)) == (0, 0)


def test_a_line_closes_on_a_long_tonic() -> None:
    walk = [(60 + step, QUARTER) for step in (0, 4, 7, 5, 4, 2, 7, 11, 12, 7, 4, 2)]
    assert closes(np.array([*walk, (60, HALF)]))
    assert not closes(np.array([*walk, (62, HALF)])), "not the tonic"
    assert not closes(np.array([*walk, (60, 0)])), "too short"


def test_lines_for_given_ones_are_beside_real_ones_and_chance(tiny_model: Path) -> None:
    songs = [band(seed) for seed in range(2)]
    found = measure_given(checkpoint.find(tiny_model), songs, songs, seed=0)
    assert found is not None
    assert (found.songs, found.refused) == (2, 0)
    assert set(found.agreements["ours"]) >= {"as written", "other bars", "other keys"}
    assert [len(table.columns) for table in tables(found)] == [
        len(table.rows[0]) for table in tables(found)
    ]
    assert f"{found.hearings['vary'].heard:.3f}" in sentence(found)


def test_lines_that_stand_alone_are_given_to_nobody(
    tiny_model: Path, lines: list[np.ndarray]
) -> None:
    assert measure_given(checkpoint.find(tiny_model), [bare_piece(lines[0])], [], seed=0) is None
    assert "not measured" in sentence(None)
    assert not tables(None)


# --- end to end --------------------------------------------------------------------------------

_TINY = {
    "layers": 1, "width": 12, "dropout": 0.0, "window": 16, "trials": 2, "trial_minutes": 0.005,
    "minutes": 0.01, "ours_minutes": 0.01, "songs": 2, "endings": 2, "rounds": 1, "primers": 3,
    "continuations": 2, "passes": 1, "ours_rated": 8, "ratings": "a simulated listener",
    "ours": {"layers": 1, "width": 16, "head_width": 16, "batch": 2, "chunk": 32},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Songs of two lines, and a file that is not music."""
    for number in range(14):
        pair = [scale_line(number, 100, 66 + number % 5), scale_line(number + 50, 100, 48)]
        piece = decode([Line(events, 73 - 41 * low) for low, events in enumerate(pair)])
        io.write(piece, tmp_path / "music" / chr(97 + number) / "song.mid")
    (tmp_path / "music" / "broken.mid").write_bytes(b"no music")
    return tmp_path / "music"


def test_a_run_leaves_figures_tables_samples_and_answers(folder: Path, tmp_path: Path) -> None:
    recipe = replace(load_recipe("rhythmix2024"), budgets={"tiny": _TINY})
    said: list[str] = []
    out = tmp_path / "out"
    out.mkdir()
    outcome = rhythmix2024.run(Study(recipe, "tiny", out, data=folder, say=said.append))
    outcome.save(out)
    assert Outcome.load(out) == outcome
    assert "not MIDI 1" in outcome.data
    assert not outcome.stand_in
    for figure in outcome.figures:
        assert figure.protocol, figure.name
        assert figure.baselines, figure.name
        assert figure.value is not None
    named = {figure.name: figure for figure in outcome.figures}
    whole = named["Notes of melodic lines"]
    parts = [named[f"{part} of notes of melodic lines"] for part in ("Pitch", "Time")]
    assert whole.value == pytest.approx(sum(part.value or 0 for part in parts), abs=2e-4)
    assert whole.ours == pytest.approx(sum(part.ours or 0 for part in parts), abs=2e-4)
    assert {sample.maker for sample in outcome.samples} == {"published", "ours", "real"}
    for sample in outcome.samples:
        assert sample.sound is not None
        assert sample.midi is not None
        assert io.read(out / sample.midi).note_count
        assert (out / sample.sound).stat().st_size > 1000
    assert len(outcome.tables[0].rows) == 2
    assert not [wish for wish, answer in outcome.wishes.items() if "not yet" in answer.lower()]
    assert "simulated listener" in outcome.tables[2].title
    assert all((said, outcome.weaknesses, outcome.wishes, outcome.compared))


def test_music_without_lines_is_refused(tmp_path: Path) -> None:
    chords = [(24 * beat, 24, pitch, 80) for beat in range(64) for pitch in (60, 64, 67)]
    for number in range(4):
        moved = Track([(*row[:2], row[2] + number, 80 + number) for row in chords])
        io.write(Piece((moved,), 24), tmp_path / f"{number}" / "song.mid")
    study = Study(load_recipe("rhythmix2024"), "tiny", tmp_path, data=tmp_path)
    with pytest.raises(InputError, match="No melodic line is left"):
        rhythmix2024.run(study)
