"""Fixtures shared by all tests, and how property tests draw their examples.

`make test` draws the same examples every time, so that it says the same twice. `make fuzz` draws
others each time, and RITORNELLO_FUZZ times as many; what it finds is written down as an `@example`.
`make check` draws a share of them, RITORNELLO_EXAMPLES.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

from ritornello.generation import composer

_TIMES = int(os.environ.get("RITORNELLO_FUZZ") or 0)
_SHARE = float(os.environ.get("RITORNELLO_EXAMPLES") or 1)
# How long an example takes says more of the machine than of the promise.
settings.register_profile("the same each time", deadline=None, derandomize=True, database=None)
settings.register_profile("random", deadline=None, derandomize=False, print_blob=True)
settings.load_profile("random" if _TIMES else "the same each time")
if not _TIMES and hasattr(providers, "_get_local_constants"):
    # Hypothesis also draws what stands as a number or a text in the modules loaded so far: which
    # tests ran before in a process would change the examples. No setting of it leaves that out.
    providers._get_local_constants = lambda: providers._local_constants


_USUAL = "ritornello.generation.composer._MOST_PART_BARS"


@pytest.fixture(scope="session", autouse=True)
def usual_part_bars() -> Iterator[int]:
    """One candidate unless a test asks for several: what is promised holds for any of them.

    Yields:
        up to how many bars of how many parts users get several.
    """
    with pytest.MonkeyPatch.context() as patch:
        usual: int = composer._MOST_PART_BARS
        patch.setattr(_USUAL, 0)
        yield usual


@pytest.fixture
def usual_candidates(usual_part_bars: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many candidates as users get."""
    monkeypatch.setattr(_USUAL, usual_part_bars)


# Whole commands and songs, networks that learn, sound: minutes, left out by `make check`.
SLOW = (
    "accompany",
    "cli",
    "corpus/test_scan.py",
    "docs",
    "experiments",
    "generation/preference",
    "generation/test_best_of.py",
    "generation/test_forms.py",
    "metrics",
    "music/io/test_musicxml_field.py",
    "papers",
    "plan_model",
    "separate",
    "studio",
    "synth",
    "test_api.py",
    "training",
    "transcribe",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of slow rooms and of real music; give every property its examples."""
    here = Path(__file__).parent
    for item in items:
        real_music = "data_dir" in getattr(item, "fixturenames", ())
        place = item.path.relative_to(here).as_posix()
        if real_music or any(place == slow or place.startswith(f"{slow}/") for slow in SLOW):
            item.add_marker(pytest.mark.slow)
        test = getattr(item, "obj", None)
        usual: settings | None = getattr(test, "_hypothesis_internal_use_settings", None)
        times = _TIMES or _SHARE
        if times != 1 and usual is not None:
            more = settings(usual, max_examples=max(1, round(times * usual.max_examples)))
            getattr(test, "__func__", test)._hypothesis_internal_use_settings = more  # type: ignore[union-attr]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of music sets, or a skip that says how to provide it."""
    root = Path(__file__).resolve().parent.parent
    folder = Path(os.environ.get("RITORNELLO_DATA", root.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs the music sets; none at {folder} (set RITORNELLO_DATA)")
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that has learned nothing and composes at once."""
    torch = pytest.importorskip("torch", reason="making a model needs the extra train")
    from ritornello.note_model import checkpoint
    from ritornello.note_model.encoding import ngrams, notes
    from ritornello.note_model.network import NoteModel, NoteModelConfig
    from tests.examples import band

    torch.manual_seed(0)
    model = NoteModel(NoteModelConfig(layers=1, width=16, head_width=16, collections=2))
    weights = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    made = checkpoint.Checkpoint(
        weights,
        model.settings(),
        collections=("chorales", "rags"),
        provenance={"name": "tiny"},
        baseline=ngrams.count([notes.encode(band()).fields]),
    )
    folder = tmp_path_factory.mktemp("models") / "tiny"
    checkpoint.save(made, folder / checkpoint.MODEL_FILE)
    return folder
