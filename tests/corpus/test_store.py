"""A store gives back what was put in, and is whole or not there."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ritornello.corpus.scan import scan
from ritornello.corpus.store import Corpus, Entry, build_store, write_store
from ritornello.errors import ConfigError, InputError, OutputError
from ritornello.music.grid import CORPUS_RESOLUTION, on_grid
from ritornello.music.keys import KeyName
from ritornello.music.piece import KeyChange, Metre, Piece, Tempo, Track

TICKS = st.integers(0, 2**31)
NOTES = st.lists(
    st.tuples(TICKS, st.integers(1, 2**20), st.integers(0, 127), st.integers(1, 127)),
    min_size=1,
    max_size=8,
)
TRACKS = st.lists(
    st.builds(Track, NOTES, st.integers(0, 127), st.booleans(), st.text(max_size=8)), max_size=3
)
PIECES = st.builds(
    Piece,
    TRACKS.map(tuple),
    st.just(CORPUS_RESOLUTION),
    st.lists(st.builds(Tempo, TICKS, st.floats(1, 10_000)), max_size=3).map(tuple),
    st.lists(
        st.builds(Metre, TICKS, st.integers(1, 255), st.sampled_from([1, 2, 4, 8, 64])), max_size=3
    ).map(tuple),
    st.lists(st.builds(KeyChange, TICKS, st.builds(KeyName, st.integers(0, 11))), max_size=3).map(
        tuple
    ),
    TICKS,
    st.text(max_size=8),
)


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(PIECES, min_size=1, max_size=3))
def test_pieces_come_back_equal(tmp_path: Path, pieces: list[Piece]) -> None:
    pieces = [on_grid(piece)[0] for piece in pieces]
    write_store(
        ((piece, Entry(f"{i}.mid", f"set {i % 2}", "train")) for i, piece in enumerate(pieces)),
        tmp_path / "store",
    )
    corpus = Corpus.open(tmp_path / "store")
    assert [corpus.piece(index) for index in range(len(corpus))] == pieces
    assert corpus.note_counts.tolist() == [piece.note_count for piece in pieces]


def test_pieces_are_put_on_the_grid_and_doubles_merged(tmp_path: Path) -> None:
    track = Track([(0, 10, 60, 50), (1, 480, 60, 90), (240, 60, 64, 80)])
    write_store([(Piece((track,)), Entry("a.mid", "a"))], tmp_path / "store")
    stored = Corpus.open(tmp_path / "store").piece(0)
    assert stored.resolution == CORPUS_RESOLUTION
    assert [tuple(note) for note in stored.tracks[0]] == [(0, 24, 60, 90), (12, 3, 64, 80)]


def test_from_folder_to_corpus(
    tune: Callable[..., Piece], write_tunes: Callable[[dict[str, Piece]], Path], tmp_path: Path
) -> None:
    names = [f"{collection}/{seed}.mid" for collection in "ab" for seed in range(8)]
    folder = write_tunes({name: tune(seed, drums=True) for seed, name in enumerate(names)})
    result = scan(folder, workers=1)
    corpus = build_store(result, tmp_path / "store", workers=1)
    assert (len(corpus), corpus.collections) == (16, ("a", "b"))
    assert [corpus.name_of(index) for index in range(16)] == names
    assert corpus.collection_of(0) == "a"
    assert corpus.piece(3) == on_grid(tune(3, drums=True))[0]
    sides = [corpus.indices(side).tolist() for side in ("train", "valid", "test")]
    assert sorted(chain(*sides)) == list(range(16))
    assert sides[0]
    assert sides[1]
    assert corpus.split_of(sides[1][0]) == "valid"
    with pytest.raises(ConfigError):
        corpus.indices("dev")


def test_an_unchanged_folder_is_not_read_again_and_a_changed_one_is(
    tune: Callable[..., Piece],
    write_tunes: Callable[[dict[str, Piece]], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = write_tunes({f"{seed}.mid": tune(seed) for seed in range(3)})
    result, store = scan(folder, workers=1), tmp_path / "store"
    first = build_store(result, store, workers=1).fingerprint
    calls: list[int] = []
    build_store(result, store, workers=1, progress=lambda done, _: calls.append(done))
    assert calls == []
    write_tunes({"new.mid": tune(9)})
    changed = build_store(
        scan(folder, workers=1), store, workers=1, progress=lambda done, _: calls.append(done)
    )
    assert calls == [1, 2, 3, 4]
    assert changed.fingerprint != first


def test_a_build_that_fails_leaves_the_old_store_and_nothing_else(
    tune: Callable[..., Piece], tmp_path: Path
) -> None:
    store = tmp_path / "store"
    write_store([(tune(1), Entry("a.mid", "a"))], store)

    def pieces() -> Iterator[tuple[Piece, Entry]]:
        yield tune(2), Entry("b.mid", "a")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_store(pieces(), store)
    with pytest.raises(ConfigError, match="'dev'"):
        write_store([(tune(2), Entry("b.mid", "a", "dev"))], store)
    assert os.listdir(tmp_path) == ["store"]
    assert Corpus.open(store).name_of(0) == "a.mid"


def test_other_folders_are_never_replaced(tune: Callable[..., Piece], tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("precious")
    with pytest.raises(OutputError, match="not a corpus store"):
        write_store([(tune(1), Entry("a.mid", "a"))], tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter1.txt").read_text() == "precious"


def test_a_file_that_vanished_after_the_scan_is_named(
    tune: Callable[..., Piece], write_tunes: Callable[[dict[str, Piece]], Path], tmp_path: Path
) -> None:
    folder = write_tunes({"a.mid": tune(1), "b.mid": tune(2)})
    result = scan(folder, workers=1)
    (folder / "b.mid").unlink()
    with pytest.raises(InputError, match="could be read before") as caught:
        build_store(result, tmp_path / "store", workers=1)
    assert "b.mid" in caught.value.where
    assert not (tmp_path / "store").exists()


def test_damaged_stores_are_refused(tune: Callable[..., Piece], tmp_path: Path) -> None:
    store = tmp_path / "store"
    with pytest.raises(InputError, match="no corpus store"):
        Corpus.open(store)
    write_store([(tune(1), Entry("a.mid", "a"))], store)
    about = json.loads((store / "store.json").read_text())
    (store / "store.json").write_text(json.dumps({**about, "version": 99}))
    with pytest.raises(InputError, match="version 99"):
        Corpus.open(store)
    (store / "store.json").write_text(json.dumps({**about, "notes": 7}))
    with pytest.raises(InputError, match="damaged"):
        Corpus.open(store)
    (store / "store.json").write_text(json.dumps(about))
    (store / "notes.npy").write_bytes((store / "notes.npy").read_bytes()[:-100])
    with pytest.raises(InputError, match="damaged"):
        Corpus.open(store)


def test_notes_are_a_plain_npy_file_and_a_pickle_holds_no_music(
    tune: Callable[..., Piece], tmp_path: Path
) -> None:
    store = tmp_path / "store"
    write_store([(tune(seed), Entry(f"{seed}.mid", "a")) for seed in range(20)], store)
    corpus = Corpus.open(store)
    assert len(np.load(store / "notes.npy")) == corpus.note_counts.sum()
    sent = pickle.dumps(corpus)
    assert len(sent) < 1000
    assert pickle.loads(sent).piece(19) == corpus.piece(19)


def test_a_scan_without_a_usable_piece_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no piece to store"):
        write_store([], tmp_path / "store")
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "a.mid").write_bytes(b"")
    with pytest.raises(InputError, match="None of the 1 files"):
        build_store(scan(tmp_path / "music", workers=1), tmp_path / "store")
