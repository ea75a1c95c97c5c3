"""What the documentation tells a reader to run does run, and leads where it says.

Each page is followed from top to bottom in a folder of its own, with the real command and the real
model. A reader is expected to have ``my-music/``, a folder of MIDI files, and ``mymodel/``, learned
from it, where a page does not make them itself.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ritornello
from ritornello.music.piece import Piece, Tempo, Track
from tests.docs import warm_command
from tests.docs.pages import ROOT, Block, blocks, links, pages

RUNNABLE = [page for page in pages() if blocks(page)]
# Learning takes minutes by design: tests follow the same command with a small network for a moment.
_SMALL: dict[str, Any] = {"steps": 20, "width": 32, "layers": 1, "batch": 4, "threads": 1}
_SHORTER = " ".join(f"--{name} {value}" for name, value in _SMALL.items())
_FEW_STEPS = "--steps 2 --threads 1"  # of a model whose size is not ours to choose
# Make works in the repository but writes the song to the reader's folder. Of what else it is asked
# for only the plan is made: `make test` runs this very test.
_MAKE = """#!/bin/sh
case "$1" in
    song) exec "{make}" -C "{root}" VENV="{prefix}" OUT="$PWD/out" song ;;
    *) exec "{make}" -C "{root}" VENV="{prefix}" --dry-run "$@" > /dev/null ;;
esac
"""


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of music like a reader's: 12 tunes, a copy in another key, and no music at all."""
    folder = tmp_path_factory.mktemp("reader") / "my-music"
    for seed in range(12):
        _tune(seed).save(folder / f"tune-{seed}.mid")
    _tune(0).transposed(2).save(folder / "tune-0-in-d.mid")
    (folder / "shopping.mid").write_text("Strings, reeds, a new stand.")
    return folder


def _tune(seed: int) -> Piece:
    """Eight bars of a wandering flute above a bass."""
    rng = np.random.default_rng(seed)
    lengths = rng.choice([12, 24, 36, 48], 40)
    onsets = np.cumsum(lengths) - lengths
    pitches = 72 + np.cumsum(rng.integers(-3, 4, 40)) % 17
    flute = [(*row, 80) for row in zip(onsets, lengths, pitches, strict=True)]
    bass = [(bar * 96, 96, 36 + int(rng.integers(12)), 70) for bar in range(8)]
    return Piece((Track(flute, 73), Track(bass, 33)), 24, (Tempo(0, 90 + 5 * seed),))


@pytest.fixture(scope="session")
def mymodel(music: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `ritornello train my-music -o mymodel` leaves."""
    folder = tmp_path_factory.mktemp("reader") / "mymodel"
    ritornello.train(music, folder, **_SMALL)
    return folder


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A script that is the command `ritornello`, run by a process that has imported it already."""
    address = tmp_path_factory.mktemp("command") / "socket"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.docs.warm_command", "serve", str(address)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
    )
    while server.poll() is None and not address.exists():
        time.sleep(0.02)
    script = Path(warm_command.__file__)
    yield f'#!/bin/sh\nexec "{sys.executable}" -I -S "{script}" ask "{address}" "$@"\n'
    server.communicate()


@pytest.fixture
def desk(tmp_path: Path, music: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader's folder, with the commands as they are after `make setup`."""
    shutil.copytree(music, tmp_path / "my-music")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    tools = tmp_path / ".tools"
    tools.mkdir()
    make = _MAKE.format(make=shutil.which("make"), root=ROOT, prefix=sys.prefix)
    for name, script in (("make", make), ("ritornello", command)):
        (tools / name).write_text(script)
        (tools / name).chmod(0o755)
    path = [str(tools), f"{sys.prefix}/bin", os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / ".local"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("MAKEFLAGS", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _made_by_make() -> bool:
    """Whether make set up the environment that runs this, so that it need not install anything."""
    question = ["make", "-q", "-C", str(ROOT), f"VENV={sys.prefix}", f"{sys.prefix}/player"]
    return subprocess.run(question, capture_output=True).returncode == 0


@pytest.mark.parametrize("page", RUNNABLE, ids=str)
def test_what_a_page_tells_to_run_runs(
    page: Path, desk: Path, request: pytest.FixtureRequest
) -> None:
    text = "".join(block.text for block in blocks(page))
    if "make song" in text and not _made_by_make():
        pytest.skip("needs the environment of `make setup`")
    if "mymodel" in text and "-o mymodel" not in text:
        shutil.copytree(request.getfixturevalue("mymodel"), desk / "mymodel")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.language == "python":
            _run_python(page, block, namespace)
        else:
            _run_shell(page, block, desk)


def _run_python(page: Path, block: Block, namespace: dict[str, Any]) -> None:
    # Blank lines above, so that a traceback shows the line of the page.
    exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec"), namespace)


def _soon(line: str) -> str:
    """A command that takes minutes, made to take seconds."""
    return re.sub(r"--minutes \d+", _FEW_STEPS if "--from" in line else _SHORTER, line)


def _run_shell(page: Path, block: Block, desk: Path) -> None:
    lines = block.text.splitlines()
    shown = []
    if block.language == "console":
        shown = [line for line in lines if not line.startswith("$ ")]
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    script = "\n".join(map(_soon, lines))
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script],
        cwd=desk,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    where = f"{page}:{block.line}\n{script}\n{done.stdout}"
    assert done.returncode == 0, where
    expected = ".*?".join(map(re.escape, "\n".join(shown).split("...")))
    assert re.search(expected, _plain(done.stdout), re.S), f"{where}\nexpected:\n{expected}"


def _plain(text: str) -> str:
    """Without the blanks that pad columns at the end of lines."""
    return "\n".join(line.rstrip() for line in text.splitlines())


def test_the_reference_lists_all_that_learning_leaves(mymodel: Path) -> None:
    page = (ROOT / "docs/reference/checkpoint.md").read_text()
    for path in mymodel.iterdir():
        name = f"{path.name}/" if path.is_dir() else path.name
        assert f"`{name}`" in page


@pytest.mark.parametrize("page", pages(), ids=str)
def test_links_lead_to_something(page: Path) -> None:
    for target in links(page):
        path, _, heading = target.partition("#")
        if "://" in path:
            continue
        found = (ROOT / page).parent / path if path else ROOT / page
        assert found.exists(), f"{page}: {target}"
        if heading:
            assert heading in _headings(found), f"{page}: {target}"


def _headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made from their words."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\s-]", "", title.lower()).replace(" ", "-") for title in titles}
