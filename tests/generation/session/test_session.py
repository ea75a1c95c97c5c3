"""What a session promises: its state can be kept, in a file too, and what it plays can be had."""

from __future__ import annotations

import pickle
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from ritornello import api
from ritornello.errors import CheckpointError, ConfigError, InputError, OutputError
from ritornello.generation.rules import Rules
from ritornello.metrics.keeping.measures import measure
from ritornello.note_model import checkpoint
from tests.examples import band

RULES = Rules(parts=("piano", "bass", "drums"), tempo_bpm=60, polyphony={"all": 8})


@pytest.fixture(scope="module")
def composer(tiny_model: Path) -> api.Composer:
    return api.Composer.load(tiny_model)


@pytest.fixture(scope="module")
def other_composer(tiny_model: Path) -> api.Composer:
    """Another model, as large."""
    model = checkpoint.load(checkpoint.find(tiny_model))
    weights = {name: weight + np.float32(0.01) for name, weight in model.weights.items()}
    return api.Composer(replace(model, weights=weights))


def test_a_session_plays_what_a_stream_plays(composer: api.Composer) -> None:
    session = composer.session(RULES, seed=3)
    notes = session.notes(40) + session.bars(2) + [*islice(session, 20)]
    assert notes == [*islice(composer.stream(RULES, seed=3), len(notes))]


def test_a_snapshot_goes_on_in_another_process_too(
    composer: api.Composer, tiny_model: Path, tmp_path: Path
) -> None:
    session = composer.session(RULES, seed=3)
    session.bars(4)
    kept = session.snapshot()
    path = kept.save(tmp_path / "evening.session")
    expected = session.bars(4)
    for snapshot in (kept, pickle.loads(pickle.dumps(kept)), api.Snapshot.load(path)):
        other = api.Composer.load(tiny_model).session(parts=("flute",))
        other.restore(snapshot)
        assert other.rules == session.rules
        assert other.bars(4) == expected
    assert path.stat().st_size < 10_000
    with pytest.raises(OutputError, match="exists already"):
        kept.save(path)


def test_another_model_and_other_files_are_refused(
    composer: api.Composer, other_composer: api.Composer, tmp_path: Path
) -> None:
    kept = composer.session(RULES, seed=3).snapshot()
    with pytest.raises(CheckpointError, match="another model"):
        other_composer.session(RULES).restore(kept)
    newer = kept.to_bytes()
    (tmp_path / "song.mid").write_bytes(b"MThd")
    with pytest.raises(InputError, match=r"song\.mid: This is no moment"):
        api.Snapshot.load(tmp_path / "song.mid")
    with pytest.raises(InputError, match="could not be read"):
        api.Snapshot.load(tmp_path / "none.session")
    assert api.Snapshot.from_bytes(newer).model == kept.model


def test_a_branch_plays_the_same_until_it_is_asked_otherwise(composer: api.Composer) -> None:
    session = composer.session(RULES, seed=3)
    session.bars(2)
    same, other = session.branch(), session.branch(seed=8)
    expected = session.bars(3)
    assert same.bars(3) == expected != other.bars(3)
    same.change(key="C major", temperature=0.5)
    assert same.bars(3) != session.bars(3)
    assert session.rules.key is None


def test_what_is_taken_back_comes_again_or_otherwise(composer: api.Composer) -> None:
    session = composer.session(RULES, seed=3)
    first, second = session.bars(2), session.bars(2)
    session.undo(bars=2)
    assert session.bars(2) == second
    session.undo(bars=2, seed=9)
    assert session.bars(2) != second
    session.undo(bars=4)
    assert session.bars(2) == first
    session.undo(notes=2)
    assert session.notes(2) == first[-2:]


def test_a_change_of_tempo_is_heard_in_the_seconds(composer: api.Composer) -> None:
    session = composer.session(RULES, seed=3)
    session.bars(2)
    session.change(tempo_bpm=120)
    for note in session.bars(4):
        later = note.onset_ticks - 2 * 96
        assert note.onset_seconds == pytest.approx(2 * 4 + later / 48)
        assert note.duration_seconds == pytest.approx(note.duration_ticks / 48)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"metre": "3/4"}, "cannot be changed"),
        ({"bars": 3}, "cannot be changed"),
        ({"collection": "ragss"}, "Did you mean 'rags'"),
        ({"temperature": 0}, "temperature"),
        ({"key": "H major"}, "not a key"),
    ],
)
def test_a_change_without_meaning_is_refused(
    composer: api.Composer, wrong: dict[str, int] | dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        composer.session(RULES).change(**wrong)


@pytest.mark.parametrize("wrong", [{}, {"notes": 1, "bars": 1}, {"bars": 0}, {"notes": 1}])
def test_an_undo_without_meaning_is_refused(composer: api.Composer, wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        composer.session(RULES).undo(**wrong)


def test_a_song_may_start_it_and_all_of_it_can_be_saved(
    composer: api.Composer, tmp_path: Path
) -> None:
    song = band(bars=4).save(tmp_path / "song.mid")
    session = composer.session(primer=song, seed=1, polyphony={"all": 8})
    played = session.bars(4)
    assert min(note.onset_ticks for note in played) >= 4 * 96
    assert {note.part for note in played} <= {"piano", "bass", "drums"}
    session.save(tmp_path / "all.mid")
    session.save(tmp_path / "end.mid", bars=4)
    assert api.load(tmp_path / "all.mid").bar_count == 8
    assert api.load(tmp_path / "end.mid").bar_count == 4
    assert session.warnings


@pytest.mark.parametrize("parts", [("piano",), ("piano", "bass", "drums")])
def test_a_refrain_keeps_coming_back_and_nothing_loops(
    composer: api.Composer, parts: tuple[str, ...]
) -> None:
    session = composer.session(parts=parts, seed=1, key="C major")
    session.bars(64)
    piece = session.piece()
    assert piece.bar_count == 64
    figures = measure(piece)
    assert figures["looped bars"] <= 0.1
    assert figures["bars that return"] >= 0.25
    assert {track.instrument for track in piece.tracks} == {
        track.instrument for track in composer.compose(bars=4, parts=parts).tracks
    }


def test_chords_that_are_asked_for_go_round_under_the_refrain(composer: api.Composer) -> None:
    session = composer.session(parts=("piano",), seed=2, chords="C F G")
    notes = session.bars(20)
    triads = ({0, 4, 7}, {5, 9, 0}, {7, 11, 2})
    for bar in range(20):
        first = {note.pitch % 12 for note in notes if note.onset_ticks == bar * 96}
        assert first <= triads[bar % 3]


def test_music_without_a_form_goes_on_from_bar_to_bar(composer: api.Composer) -> None:
    asked = {"parts": ("piano",), "seed": 1}
    free = composer.session(form="none", **asked)  # type: ignore[arg-type]
    assert free.bars(2) != composer.session(**asked).bars(2)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no form such as 'AABA'"):
        composer.session(form="AABA")


def test_endless_music_swings() -> None:
    composer = api.Composer.load()
    session = composer.session(parts=("piano",), swing=2.0, seed=1, tempo_bpm=120)
    notes = session.bars(8)
    late = {
        (note.onset_ticks % 24, round(24 * (note.onset_seconds * 2 - note.onset_ticks / 24), 6))
        for note in notes
    }
    assert {moved for place, moved in late if place == 0} <= {0.0}
    assert {moved for place, moved in late if place == 12} <= {4.0}
    assert any(place == 12 for place, _ in late)
    kept = session.piece().tracks[0].notes["onset"] % 480
    assert 240 not in kept.tolist()
    straight = composer.session(parts=("piano",), metre="4/4", seed=1, tempo_bpm=120).bars(8)
    assert [note.onset_ticks for note in straight] == [note.onset_ticks for note in notes]
    with pytest.raises(ConfigError, match="begins after a piece"):
        composer.session(primer=band(), swing=2.0)
