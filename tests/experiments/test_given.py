"""Ways of hearing given notes are compared on the same composed notes, by exact likelihoods."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.examples import MemoryCorpus, band

torch = pytest.importorskip("torch", reason="networks need the extra train")

import experiments.learning.given as benchmark  # noqa: E402
from experiments.learning.given import BAND  # noqa: E402
from experiments.learning.given_learners import WAYS, GivenLearner, excerpt  # noqa: E402
from experiments.learning.given_streams import GivenNotes, draw, stacked_given  # noqa: E402
from ritornello.corpus.store import Entry, write_store  # noqa: E402
from ritornello.music.piece import Metre, Piece, Track  # noqa: E402
from ritornello.note_model.encoding.notes import FIELDS, SIZES, is_note, part_of  # noqa: E402
from ritornello.note_model.encoding.tasks import COMPOSED, TASKS  # noqa: E402
from ritornello.note_model.network import NoteModelConfig  # noqa: E402
from ritornello.training.config import TrainConfig  # noqa: E402

CONFIG = NoteModelConfig(layers=1, width=32, head_width=16, dropout=0.0)


def learner(way: str, pieces: int = 4) -> GivenLearner:
    torch.manual_seed(0)
    config = TrainConfig(minutes=1, batch=2, chunk=32, validation_events=300)
    music = MemoryCorpus([band(seed) for seed in range(pieces)])
    return GivenLearner(way, WAYS[way].network(CONFIG), config, music, way=way)


def heard(way: str, task: str, piece: Piece, seed: int = 0, longest: int = 10_000) -> Any:
    rng = np.random.default_rng(seed)
    return excerpt(WAYS[way], piece, 0, 1, rng, longest=longest, task=task)


def nats(one: GivenLearner, task: str, piece: Piece, seed: int = 0, chunk: int = 0) -> np.ndarray:
    """Nats of each event and field, [events, 5]."""
    whole = heard(one.way, task, piece, seed)
    chunk = chunk or len(whole)
    state, found = one.model.initial_state(1), []
    one.model.eval()
    with torch.no_grad():
        for start in range(0, len(whole), chunk):
            losses, state = one.nats(stacked_given([whole.chunk(start, chunk)]), state)
            found.append(losses[:, 0].double().numpy())
    return np.concatenate(found)[: len(whole)]


def composed(way: str, task: str, piece: Piece, seed: int, longest: int) -> list[tuple[int, ...]]:
    """Onset and fields after it of each composed note, as a stream has them."""
    rng = np.random.default_rng(seed)
    events = excerpt(WAYS[way], piece, 0, 1, rng, longest=longest, task=task).events
    onsets = np.cumsum(events.fields[:, 0])
    rows = is_note(events.fields[:, 1]) & (events.counts == COMPOSED)
    return [*map(tuple, np.column_stack([onsets, events.fields[:, 1:]])[rows].tolist())]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("longest", [10_000, 60])
def test_every_way_composes_the_same_notes(task: str, longest: int) -> None:
    for seed in range(3):
        found = [composed(way, task, band(seed, bars=20), seed, longest) for way in WAYS]
        assert found[0] or longest == 60
        assert all(one == found[0] for one in found[1:])


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("way", WAYS)
def test_the_likelihood_of_each_way_is_finite_and_of_composed_notes_only(
    way: str, task: str
) -> None:
    found = nats(learner(way), task, band(3, bars=20))
    events = heard(way, task, band(3, bars=20)).events
    assert np.isfinite(found).all()
    assert (found[~(events.counted_fields & (events.fields < SIZES))] == 0).all()
    assert found.sum() > 0


@pytest.mark.parametrize("way", WAYS)
def test_the_distribution_of_each_field_sums_to_one(way: str) -> None:
    one = learner(way)
    one_row = stacked_given([heard(way, "fill part", band(1)).chunk(0, 40)])
    fields, counts = one_row.events.fields, one_row.events.counts
    present = (fields[:, 0, 0] < SIZES[0]) & (counts[:, 0] == COMPOSED)
    # One row of the batch for every shift; each is the target of all events there.
    batch = stacked_given([heard(way, "fill part", band(1)).chunk(0, 40)] * SIZES[0])
    batch.events.fields[..., 0] = np.arange(SIZES[0])
    with torch.no_grad():
        losses, _ = one.nats(batch, one.model.initial_state(SIZES[0]))
    total = torch.exp(-losses[..., 0]).sum(dim=1)
    assert present.any()
    np.testing.assert_allclose(total[present], 1.0, atol=1e-4)


def test_with_nothing_given_all_ways_are_one() -> None:
    whole = nats(learner("nothing"), "compose", band(2))
    for way in WAYS:
        np.testing.assert_allclose(nats(learner(way), "compose", band(2)), whole, atol=1e-5)


def _other_given(piece: Piece, seed: int, task: str) -> Piece:
    """The same composed notes; pitched parts that are given throughout, an octave higher."""
    parts = draw(piece, 0, 1, np.random.default_rng(seed), task=task).task.closed
    tracks = []
    for track in piece.tracks:
        table = track.notes.copy()
        if parts[part_of(track.instrument)] and not track.is_drum:
            table["pitch"] += 12
        tracks.append(replace(track, notes=table))
    return replace(piece, tracks=tuple(tracks))


@pytest.mark.parametrize("way", WAYS)
def test_only_nothing_is_deaf_to_the_given_notes(way: str) -> None:
    piece = band(1, bars=12)
    other = _other_given(piece, 0, "vary")
    assert other != piece
    one = learner(way)
    _awaken(one)
    first, second = nats(one, "vary", piece).sum(), nats(one, "vary", other).sum()
    assert (first == pytest.approx(second, abs=1e-3)) == (way == "nothing")


def _awaken(one: GivenLearner) -> None:
    """Let projections that start at zero say something."""
    torch.manual_seed(1)
    with torch.no_grad():
        for name, parameter in one.model.named_parameters():
            if "project" in name or "wait" in name:
                parameter.normal_(std=0.5)


@pytest.mark.parametrize("task", ["arrange", "vary", "fill", "fill part"])
@pytest.mark.parametrize("way", ["causal encoder", "bidirectional encoder"])
def test_an_encoder_starts_as_nothing(way: str, task: str) -> None:
    np.testing.assert_allclose(
        nats(learner(way), task, band(5)), nats(learner("nothing"), task, band(5)), atol=1e-5
    )


def test_a_causal_encoder_hears_no_further_than_the_next_onset() -> None:
    encoders = learner("causal encoder"), learner("bidirectional encoder")
    for one in encoders:
        _awaken(one)
    chunk = stacked_given([heard("causal encoder", "vary", band(0, bars=12)).chunk(0, 24)])
    given = GivenNotes(*map(torch.as_tensor, chunk.given))
    seen = int(given.near[0, 5, :4].max())
    notes = given.notes.clone()
    notes[:, seen:, FIELDS.index("pitch")] = 60
    told = []
    for one in encoders:
        module = one.model.instruments
        with torch.no_grad():
            told.append([sum(each(g)[:6] for each in module.encoders)  # type: ignore[union-attr]
                         for g in (given, given._replace(notes=notes))])  # fmt: skip
    assert torch.equal(*told[0])
    assert not torch.allclose(*told[1])


@pytest.mark.parametrize("way", WAYS)
def test_chunks_say_the_same_as_the_whole(way: str) -> None:
    one = learner(way)
    _awaken(one)
    whole = nats(one, "arrange", band(4, bars=6))  # short enough for one window of given notes
    np.testing.assert_allclose(nats(one, "arrange", band(4, bars=6), chunk=16), whole, atol=1e-4)


def test_a_stopped_comparison_goes_on_and_is_printed_at_any_time(tmp_path: Path) -> None:
    entries = ((band(n), Entry(f"{n}.mid", BAND[n % 2], "valid" if n > 3 else "train"))
               for n in range(6))  # fmt: skip
    write_store(entries, tmp_path / "store")
    options = argparse.Namespace(
        store=tmp_path / "store", work=tmp_path / "work", results=tmp_path / "results",
        ways=["nothing", "bidirectional encoder"], seed=0, layers=1, width=16, minutes=1 / 200,
        validation_events=100,
    )  # fmt: skip
    for ways in ([], ["nothing"], options.ways, options.ways):  # others join; then nothing is left
        options.ways = ways
        benchmark.teach("band", options)
        path = benchmark.collect(options)
        table = benchmark.markdown(json.loads(path.read_text()))
        assert [way for way in WAYS if f"| {way} |" in table] == ways
    runs = json.loads(path.read_text())["figures"]["runs"]
    assert all(run["validations"] for run in runs)
    assert len({run["validations"][-1]["tasks"]["vary"]["notes"] for run in runs}) == 1


@pytest.mark.parametrize("way", WAYS)
def test_gaps_without_a_note_cost_what_silence_costs(way: str) -> None:
    tune = [(0, 24, 60, 80), (14 * 96, 24, 64, 80)]
    piece = Piece((Track(tune),), 24, metres=(Metre(0, 4, 4),), length_ticks=16 * 96)
    draws = ((seed, heard(way, "fill", piece, seed).events) for seed in range(99))
    silent = next(seed for seed, events in draws if not events.composed_notes)
    found = nats(learner(way), "fill", piece, silent)
    assert np.isfinite(found).all()
    assert found[:, :2].sum() > 0
    assert found[:, 2:].sum() == 0
