"""Splits are by work, reproducible, and never put near copies on two sides."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.corpus.scan import FileReport, Rejection, ScanResult, scan
from ritornello.corpus.splits import LEFT_OUT, assign_splits, read_splits
from ritornello.errors import ConfigError, InputError
from ritornello.music.piece import Piece


def scanned(*paths: str, groups: dict[str, str] | None = None) -> ScanResult:
    files = [FileReport(path, "music", group=(groups or {}).get(path, "")) for path in paths]
    return ScanResult(Path("/nowhere"), tuple(sorted(files, key=lambda item: item.path)))


NUMBERED = [f"song {chr(97 + i // 26)}{chr(97 + i % 26)}x.mid" for i in range(400)]


def test_same_seed_same_split_and_shares_are_kept() -> None:
    result = scanned(*NUMBERED)
    sides = assign_splits(result, seed=3, valid_share=0.2, test_share=0.1)
    assert sides == assign_splits(result, seed=3, valid_share=0.2, test_share=0.1)
    assert sides != assign_splits(result, seed=4, valid_share=0.2, test_share=0.1)
    counts = [list(sides.values()).count(side) for side in ("train", "valid", "test")]
    assert counts == pytest.approx([280, 80, 40], abs=25)


@settings(max_examples=20)
@given(st.sets(st.sampled_from(NUMBERED), min_size=60))
def test_adding_files_moves_none_of_the_others(names: set[str]) -> None:
    # Below some size a piece must be moved to have any validation at all; these are larger.
    whole = assign_splits(scanned(*NUMBERED))
    some = assign_splits(scanned(*names))
    if "valid" in {whole[name] for name in names}:
        assert some == {name: whole[name] for name in names}


@given(st.integers(2, 12), st.integers(0, 30))
def test_two_works_are_enough_for_a_validation(count: int, seed: int) -> None:
    sides = assign_splits(scanned(*NUMBERED[:count]), seed=seed)
    assert {"train", "valid"} <= set(sides.values())
    assert assign_splits(scanned("only.mid"), seed=seed) == {"only.mid": "train"}


@given(st.integers(0, 60))
def test_what_is_held_out_has_notes_to_judge_by(seed: int) -> None:
    plain = scanned(*NUMBERED[:24])
    held = {path for path, side in assign_splits(plain, seed=seed).items() if side == "valid"}
    files = [replace(item, notes=3 if item.path in held else 500) for item in plain.files]
    sides = assign_splits(replace(plain, files=tuple(files)), seed=seed)
    more = {path for path, side in sides.items() if side == "valid"}
    assert held < more
    assert 500 <= sum(item.notes for item in files if item.path in more) <= 1100
    equal = replace(plain, files=tuple(replace(item, notes=500) for item in files))
    again = assign_splits(equal, seed=seed)
    assert {path for path, side in again.items() if side == "valid"} == held


@given(st.integers(0, 200))
def test_movements_and_parts_of_one_work_stay_together(seed: int) -> None:
    works = [
        ["a/sonata-1.mid", "a/sonata-2.mid", "a/sonata-3.mid"],
        ["a/k421__k421-score-1.mid", "a/k421__k421-violin2-1.mid"],
        ["a/Mass 1. Kyrie/score.mid", "a/Mass 1. Kyrie/organ.mid"],
        ["a/quartet_violin1.mid", "a/quartet_viola.mid"],
    ]
    others = [f"b/{name}" for name in NUMBERED[:20]]
    sides = assign_splits(scanned(*chain(*works), *others), seed=seed, valid_share=0.5)
    for work in works:
        assert len({sides[path] for path in work}) == 1, work


def test_a_numbered_folder_is_not_one_work() -> None:
    sides = assign_splits(scanned(*[f"track {number}.mid" for number in range(1, 41)]))
    assert 1 <= list(sides.values()).count("valid") <= 12


@given(st.integers(0, 100))
def test_near_copies_stay_together_across_works_and_collections(seed: int) -> None:
    groups = dict.fromkeys((NUMBERED[0], NUMBERED[7], NUMBERED[30]), NUMBERED[0])
    sides = assign_splits(scanned(*NUMBERED[:40], groups=groups), seed=seed, valid_share=0.5)
    assert len({sides[path] for path in groups}) == 1


def test_held_out_near_copies_win_over_an_explicit_training_side() -> None:
    groups = dict.fromkeys(("a.mid", "b.mid", "c.mid"), "a.mid")
    result = scanned("a.mid", "b.mid", "c.mid", "d.mid", groups=groups)
    explicit = {"a.mid": "train", "b.mid": "valid", "d.mid": "train"}
    assert assign_splits(result, explicit=explicit) == {
        "a.mid": LEFT_OUT,
        "b.mid": "valid",
        "c.mid": "valid",
        "d.mid": "train",
    }


def test_a_used_file_inherits_the_side_of_its_rejected_copy() -> None:
    result = scanned("a.abc", "a.mid", "b.mid")
    copy = replace(result.files[1], rejection=Rejection("same notes", "", "a.abc"))
    result = replace(result, files=(result.files[0], copy, result.files[2]))
    assert assign_splits(result, explicit={"a.mid": "test"})["a.abc"] == "test"


def test_split_files_tables_and_folders_are_found(
    tune: Callable[..., Piece], write_tunes: Callable[[dict[str, Piece]], Path]
) -> None:
    names = ("set/a.mid", "set/b.mid", "groove/x/c.mid", "groove/x/d.mid", "other/heldout/e.mid")
    folder = write_tunes({name: tune(seed) for seed, name in enumerate(names)})
    content = {"set": {"valid": ["a.mid"], "train": ["b.mid"]}}
    (folder / "splits.json").write_text(json.dumps(content))
    (folder / "groove" / "info.csv").write_text(
        "midi_filename,split\nx/c.mid,test\nx/d.mid,validation\n"
    )
    assert assign_splits(scan(folder, workers=1)) == dict(
        zip(names, ("valid", "train", "test", "valid", "test"), strict=True)
    )


@pytest.mark.parametrize("text", ["[]", "{", '{"a": ["x"]}', '{"a": {"train": 3}}'])
def test_damaged_split_files_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "splits.json").write_text(text)
    with pytest.raises(InputError, match="Not a split file"):
        read_splits(tmp_path / "splits.json")


def test_unknown_sides_and_senseless_shares_are_refused(tmp_path: Path) -> None:
    (tmp_path / "splits.json").write_text('{"a": {"trian": ["x.mid"]}}')
    with pytest.raises(ConfigError, match="'trian'"):
        read_splits(tmp_path / "splits.json")
    with pytest.raises(ConfigError, match="nothing"):
        assign_splits(scanned("a.mid"), valid_share=0.7, test_share=0.3)


@pytest.mark.data
def test_real_scores_and_their_parts_never_meet_across_the_split(
    data_dir: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    for pattern in ("mutopia_pd_midi/midi/MozartWA__KV4*.mid", "mutopia_pd_midi/midi/Haydn*.mid"):
        for file in data_dir.glob(pattern):
            (folder / file.name).symlink_to(file)
    for file in data_dir.glob("openscore_quartets_midi/midi/Mozart*/*.mid"):
        (folder / file.name).symlink_to(file)
    result = scan(folder)
    groups = defaultdict(list)
    for item in result.used:
        groups[item.group].append(item.path)
    # The score typeset by one project is recognised in the parts typeset by another.
    quartet = next(path for path in groups if "k421" in path)
    assert any("k421-viola" in path for path in groups[quartet])
    assert any("K.421" in path for path in groups[quartet])
    for seed in range(20):
        sides = assign_splits(result, seed=seed, valid_share=0.4)
        for name, members in groups.items():
            assert not name or len({sides[path] for path in members}) == 1


def test_tunes_of_a_book_are_works_of_their_own_and_a_book_may_be_named_whole(
    tmp_path: Path,
) -> None:
    tunes = [f"folk/book.abc#{number}" for number in range(1, 301)]
    sides = assign_splits(scanned(*tunes), valid_share=0.2, test_share=0.1)
    assert len(set(sides.values())) == 3
    (tmp_path / "splits.json").write_text(json.dumps({"folk": {"test": ["book.abc"]}}))
    result = replace(scanned(*tunes, "folk/other.abc"), folder=tmp_path)
    sides = assign_splits(result)
    assert {sides[tune] for tune in tunes} == {"test"}
    assert sides["folk/other.abc"] == "train"
