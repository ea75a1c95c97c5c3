"""A model file is looked at whole when it is opened: it works, or one message says why not."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from experiments.fuzz import fuzz_models
from ritornello.api import Composer, load_separator, models
from ritornello.cli import run
from ritornello.errors import CheckpointError
from ritornello.generation.originality.index import TrainingIndex
from ritornello.note_model import checkpoint
from ritornello.note_model.engine.cell_steps import CELLS
from ritornello.note_model.shapes import CELL_SHAPES, note_model_shapes

HOSTILE: tuple[Any, ...] = (None, [], "", "8", -1, 0.5, float("nan"), 10**6, True, {"a": 1})
MODEL = fuzz_models.files()["model"][0]


def about_of(data: bytes) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(
        fuzz_models.taken_apart(data)[0]["__metadata__"]["ritornello"]
    )
    return result


def with_about(data: bytes, about: Any) -> bytes:
    header, numbers = fuzz_models.taken_apart(data)
    header["__metadata__"]["ritornello"] = json.dumps(about)
    return fuzz_models.joined(header, numbers)


def with_arrays(data: bytes, change: Callable[[dict[str, np.ndarray]], None]) -> bytes:
    arrays = load(data)
    change(arrays)
    return save(arrays, {"ritornello": json.dumps(about_of(data))})


def refused(tmp_path: Path, data: bytes, kind: str = "model") -> str:
    """The message that the file gets, which names it."""
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"hostile\.safetensors") as error:
        fuzz_models.USES[kind](path)
    assert len(str(error.value)) < 1000
    return str(error.value)


def keys(*levels: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def inner(about: dict[str, Any]) -> dict[str, Any]:
        for level in levels:
            about = about[level]
        return about

    return inner


# --- metadata -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", fuzz_models.USES)
@pytest.mark.parametrize("value", [None, [], "text", 7, [1, 2]])
def test_metadata_that_is_no_table_is_refused(tmp_path: Path, kind: str, value: Any) -> None:
    refused(tmp_path, with_about(fuzz_models.files()[kind][0], value), kind)


@pytest.mark.parametrize(
    ("kind", "place", "key"),
    [
        *(("model", (), key) for key in (
            "format", "network", "encoding", "fingerprint", "collections", "provenance",
        )),
        *(("model", ("network",), key) for key in (
            "cell", "layers", "width", "head_width", "collections",
        )),
        *(("index", (), key) for key in (
            "format", "hashing", "key", "sets", "held_out", "music",
        )),
        *(("index", ("sets",), key) for key in ("texture.4", "texture.8", "parts.4", "parts.8")),
        *(("separator", (), key) for key in ("format", "kind", "settings", "provenance")),
        *(("separator", ("settings",), key) for key in (
            "split", "parts", "layers", "width", "hidden",
        )),
    ],
)  # fmt: skip
def test_metadata_that_lacks_something_or_has_something_else_there(
    tmp_path: Path, kind: str, place: tuple[str], key: str
) -> None:
    data = fuzz_models.files()[kind][0]
    usual = keys(*place)(about_of(data))[key]
    about = about_of(data)
    del keys(*place)(about)[key]
    refused(tmp_path, with_about(data, about), kind)
    for value in HOSTILE:
        if type(value) is type(usual) and key in ("key", "provenance", "music", "collections"):
            continue  # as good as the one that was there
        about = about_of(data)
        keys(*place)(about)[key] = value
        refused(tmp_path, with_about(data, about), kind)


@pytest.mark.parametrize(
    "nested", ["[" * 50 + "]" * 50, "[" * 100_000, '{"a":' * 60 + "1" + "}" * 60]
)
def test_metadata_that_is_nested_for_ever_is_refused(tmp_path: Path, nested: str) -> None:
    header, numbers = fuzz_models.taken_apart(MODEL)
    header["__metadata__"]["ritornello"] = nested
    refused(tmp_path, fuzz_models.joined(header, numbers))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("line_ups", [[["piano"], float("nan")]]),
        ("line_ups", [[["piano"], float("inf"), "a"]]),
        ("line_ups", [[["piano"], -1]]),
        ("line_ups", [[["piano"], 1, "nowhere"]]),
        ("line_ups", [[["kazoo"], 1]]),
        ("line_ups", [[["drums", "drums"], 1]]),
        ("line_ups", [[[], 1]]),
        ("line_ups", [[["piano"]]]),
        ("line_ups", "piano"),
        ("styles", {"jazz": "nowhere"}),
        ("styles", ["jazz"]),
        ("minor_shares", {"a": float("nan")}),
        ("minor_shares", {"a": "many"}),
        ("keys", {"a": {"H major": 1}}),
        ("keys", {"a": {"D minor": -1}}),
        ("keys", {"a": {"D minor": 0}}),
        ("keys", {"a": {}}),
        ("line_ups", [[["piano"], 1, None, "6/7"]]),
        ("line_ups", [[["piano"], 1, None, "64/4"]]),
        ("forms", {"a": {}}),
        ("forms", {"a": {"A 8": 0}}),
        ("forms", {"a": {"no form": 1}}),
        ("tempos", {"a": {}}),
        ("tempos", {"a": {"6/8": {}}}),
        ("tempos", {"a": {"6/8": {"fast": 1}}}),
        ("tempos", {"a": {"6/8": {"500": 1}}}),
        ("tempos", {"a": {"6/8": {"120": 0}}}),
        ("tempos", [120]),
        ("held_out", [3.2]),
        ("validation", {"nats_per_note": "few"}),
        ("validation", [3.2]),
    ],
)
def test_facts_that_composing_goes_by_are_checked(tmp_path: Path, name: str, value: Any) -> None:
    about = about_of(MODEL)
    about["provenance"][name] = value
    assert name in refused(tmp_path, with_about(MODEL, about))


def test_facts_for_people_may_be_anything_and_are_shown_plainly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    about = about_of(MODEL)
    about["provenance"]["about"] = ["\x1b[2J\x1b]0;title\x07", {"\ud800": None}, 10**30]
    path = tmp_path / "model.safetensors"
    path.write_bytes(with_about(MODEL, about))
    assert Composer.load(path).compose(bars=1).note_count
    assert run(["models", str(path)]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_a_million_layers_are_refused_before_they_are_listed(tmp_path: Path) -> None:
    for layers in (10**6, 10**30):
        about = about_of(MODEL)
        about["network"]["layers"] = layers
        assert "layers" in refused(tmp_path, with_about(MODEL, about))


# --- arrays -------------------------------------------------------------------------------------


def array_names() -> Iterator[tuple[str, str]]:
    for kind, (data, *_) in fuzz_models.files().items():
        for name in sorted(load(data)):
            yield kind, name


@pytest.mark.parametrize(("kind", "name"), [*array_names()])
def test_each_array_is_there_with_its_shape(tmp_path: Path, kind: str, name: str) -> None:
    data = fuzz_models.files()[kind][0]

    def lacking(arrays: dict[str, np.ndarray]) -> None:
        del arrays[name]

    def flat(arrays: dict[str, np.ndarray]) -> None:
        array = arrays[name]
        arrays[name] = array.reshape(-1) if array.ndim > 1 else array[None]

    def too_few(arrays: dict[str, np.ndarray]) -> None:
        arrays[name] = arrays[name][:-1]

    def another_kind(arrays: dict[str, np.ndarray]) -> None:
        arrays[name] = arrays[name].astype(np.int64)

    def empty(arrays: dict[str, np.ndarray]) -> None:
        arrays[name] = arrays[name][:0]

    for change in (lacking, flat, too_few, another_kind, empty):
        if kind == "index" and change is empty and not load(data)[name].size:
            continue
        refused(tmp_path, with_arrays(data, change), kind)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize(("kind", "name"), [("model", "norm.weight"), ("separator", "norm.weight")])
def test_weights_are_numbers_of_a_usual_size(
    tmp_path: Path, kind: str, name: str, number: float
) -> None:
    def change(arrays: dict[str, np.ndarray]) -> None:
        arrays[name].flat[-1] = number

    with np.errstate(over="ignore"):
        data = with_arrays(fuzz_models.files()[kind][0], change)
    assert name in refused(tmp_path, data, kind)


def test_an_array_that_no_network_has_is_refused(tmp_path: Path) -> None:
    def change(arrays: dict[str, np.ndarray]) -> None:
        arrays["blocks.7.norm.weight"] = np.ones(8, np.float32)

    assert "blocks.7" in refused(tmp_path, with_arrays(MODEL, change))


@pytest.mark.parametrize("cell", CELL_SHAPES)
def test_the_shapes_are_those_of_the_network_in_torch(cell: str) -> None:
    pytest.importorskip("torch")
    from ritornello.note_model.network import NoteModel, NoteModelConfig

    for width in (8, 6, 7):  # mLSTM has as many heads as divide the width
        sizes: dict[str, Any] = {"layers": 2, "width": width, "head_width": 5, "collections": 3}
        arrays = NoteModel(NoteModelConfig(cell=cell, **sizes)).state_dict()
        found = {name: tuple(array.shape) for name, array in arrays.items()}
        assert note_model_shapes(cell=cell, **sizes) == found


def test_every_cell_that_plays_has_its_shapes() -> None:
    assert CELL_SHAPES.keys() == CELLS.keys()


# --- whole files --------------------------------------------------------------------------------


def test_answers_that_are_no_numbers_end_the_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(arrays: dict[str, np.ndarray]) -> None:
        for name, array in arrays.items():
            if name.startswith(("heads.0", "norm")):
                array[:] = 1e-38  # what is divided by this is infinite

    path = tmp_path / "model.safetensors"
    path.write_bytes(with_arrays(MODEL, change))
    with np.errstate(all="ignore"):
        with suppress(CheckpointError):  # the kernel may have numbers where NumPy has none
            Composer.load(path).compose(bars=1)
        monkeypatch.setattr("ritornello.note_model.engine.kernel.load", lambda: None)
        with pytest.raises(CheckpointError, match="no numbers"):
            Composer.load(path).compose(bars=1)


@pytest.mark.parametrize("kind", fuzz_models.USES)
def test_damaged_files_work_or_are_refused(tmp_path: Path, kind: str) -> None:
    for data in fuzz_models.files()[kind]:
        assert fuzz_models.outcome(kind, tmp_path, data) == "used"
    for seed in range(150):
        rng = random.Random(seed)
        data = fuzz_models.damage(rng.choice(fuzz_models.files()[kind]), rng)
        with np.errstate(all="ignore"):
            assert fuzz_models.outcome(kind, tmp_path, data) in ("used", "error"), f"seed {seed}"


def test_a_damaged_model_with_a_name_is_listed_with_its_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    about = about_of(MODEL)
    about["network"]["width"] = "wide"
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / checkpoint.MODEL_FILE).write_bytes(with_about(MODEL, about))
    (found,) = [info for info in models() if info.name == "odd"]
    assert "width" in found.problem
    assert run(["models"]) == 0


def test_a_separator_and_an_index_name_their_file(tmp_path: Path) -> None:
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(MODEL)
    for load_other in (load_separator, TrainingIndex.load):
        with pytest.raises(CheckpointError, match=r"hostile\.safetensors"):
            load_other(path)
