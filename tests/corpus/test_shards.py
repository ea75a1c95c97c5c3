"""Shards hold what the store holds, and damage is found."""

from __future__ import annotations

import filecmp
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ritornello
from ritornello.corpus.listing import Split
from ritornello.corpus.scan import scan
from ritornello.corpus.shards import (
    SHARDS_FILE,
    has_shards,
    shard_folder,
    store_shards,
    write_shards,
)
from ritornello.corpus.store import Corpus, build_store
from ritornello.errors import InputError, OutputError
from ritornello.files import save
from ritornello.generation.composer import Composer

parquet = pytest.importorskip("pyarrow.parquet", reason="shards need the extra cluster")
_STORE_FILES = ("notes.npy", "pieces.jsonl", "index.npy", "store.json")


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with six pieces and a file that is none."""
    folder = tmp_path_factory.mktemp("music")
    composer = Composer.load("default")
    for seed in range(6):
        save(composer.compose(bars=4, parts="piano,bass", seed=seed), folder / f"{seed}.mid")
    (folder / "broken.mid").write_bytes(b"MThd")
    return folder


@pytest.fixture
def corpus(music: Path, tmp_path: Path) -> Corpus:
    return build_store(scan(music), tmp_path / "store")


def test_the_store_comes_back_byte_for_byte(corpus: Corpus, tmp_path: Path) -> None:
    files = write_shards(corpus, tmp_path / "shards", licence="CC0", notes_a_shard=100)
    assert len(files) > 2
    again = store_shards(tmp_path / "shards", tmp_path / "again")
    assert again.fingerprint == corpus.fingerprint
    for name in _STORE_FILES:
        assert filecmp.cmp(corpus.folder / name, again.folder / name, shallow=False), name


def test_a_row_is_a_piece_for_any_reader_of_parquet(corpus: Corpus, tmp_path: Path) -> None:
    write_shards(corpus, tmp_path / "shards", licence="CC0")
    rows = parquet.read_table(tmp_path / "shards").to_pylist()
    assert [row["name"] for row in rows] == [corpus.name_of(i) for i in range(len(corpus))]
    for index, row in enumerate(rows):
        piece = corpus.piece(index)
        notes = np.concatenate([track.notes for track in piece.tracks])
        assert row["pitch"] == notes["pitch"].tolist()
        assert row["onset"] == notes["onset"].tolist()
        assert row["licence"] == "CC0"
        assert json.loads(row["about"])["title"] == piece.title


def test_rejected_files_are_counted(music: Path, tmp_path: Path) -> None:
    found = shard_folder(music, tmp_path / "shards")
    assert [item.path for item in found.rejected] == ["broken.mid"]


@pytest.mark.parametrize("split", ["all", "valid"])
def test_a_model_is_judged_on_shards_as_on_their_files(
    split: Split, music: Path, tmp_path: Path
) -> None:
    shard_folder(music, tmp_path / "shards")
    with pytest.raises(InputError, match="read a folder of shards"):
        scan(tmp_path / "shards")
    ours, theirs = (
        ritornello.evaluate("default", folder, split=split)
        for folder in (tmp_path / "shards", music)
    )
    del ours["folder"], theirs["folder"]
    assert ours == theirs


@pytest.mark.parametrize("harm", ["missing", "cut", "changed", "listed"])
def test_a_damaged_shard_is_named(harm: str, corpus: Corpus, tmp_path: Path) -> None:
    path = write_shards(corpus, tmp_path / "shards", notes_a_shard=100)[1]
    if harm == "missing":
        path.unlink()
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif harm == "changed":
        table = parquet.read_table(path)
        rows = table.to_pylist()
        rows[0]["pitch"][0] += 1
        parquet.write_table(type(table).from_pylist(rows, schema=table.schema), path)
    else:  # fewer rows than the list of the shards says
        parquet.write_table(parquet.read_table(path).slice(1), path)
    with pytest.raises(InputError, match="shard cannot be used") as refused:
        store_shards(tmp_path / "shards", tmp_path / "run" / "corpus")
    assert path.name in str(refused.value)
    assert not (tmp_path / "run").exists()


def test_shards_without_their_list_are_told_from_other_folders(
    corpus: Corpus, tmp_path: Path
) -> None:
    assert not has_shards(tmp_path)
    write_shards(corpus, tmp_path / "shards")
    (tmp_path / "shards" / SHARDS_FILE).unlink()
    assert has_shards(tmp_path / "shards")
    with pytest.raises(InputError, match="list of them is missing"):
        store_shards(tmp_path / "shards", tmp_path / "again")


def test_other_folders_are_left_alone(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match="holds no shards"):
        write_shards(corpus, tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_a_cluster_finds_what_one_machine_finds(music: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="a cluster needs the extra cluster")
    here = shard_folder(music, tmp_path / "here")
    there = shard_folder(music, tmp_path / "there", cluster=True)
    assert replace(there, elapsed_seconds=0) == replace(here, elapsed_seconds=0)
    same = filecmp.cmpfiles(
        tmp_path / "here", tmp_path / "there", ["shard-00000.parquet"], shallow=False
    )
    assert same[0] == ["shard-00000.parquet"]


def test_a_file_is_left_alone(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("dear")
    with pytest.raises(OutputError, match="holds no shards"):
        write_shards(corpus, tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "dear"
