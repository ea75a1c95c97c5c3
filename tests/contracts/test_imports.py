"""Imports go one way, and the package starts light."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import ritornello

ROOT = Path(ritornello.__file__).parent
# Bottom first. A module imports from lower layers, and from its own room; rooms of one layer never
# import each other. There are no exceptions: what a value needs from above is lent to it by the
# package's `__init__` (`ritornello.hooks`).
LAYERS = (
    ("errors", "folders", "hooks", "json_values", "rng"),
    ("atomic", "option_names"),
    ("music", "dsp"),
    ("plan",),
    ("note_model", "pages"),
    ("corpus", "synth", "plan_model"),
    ("files",),  # every format there is: notes, sound, pictures
    ("generation", "transcribe"),
    ("training", "metrics"),
    ("separate",),
    ("accompany",),
    ("health",),
    ("api",),
    ("studio",),  # a page and a server in front of it
    ("papers",),  # published systems beside ours, each with all of the above
    ("cli",),
    ("ritornello", "__main__"),  # the public names, by name only
)
HEAVY = (
    "torch",
    "numpy",
    "soundfile",
    "symusic",
    "soxr",
    "verovio",
    "music21",
    "PIL",
    "jinja2",
    "fastapi",
    "uvicorn",
    "pydantic",
)


def _modules() -> dict[str, Path]:
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules()


def _imports(module: str) -> set[str]:
    """Every module of the package that a module imports, anywhere in it and also by name."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: relative imports hide the direction"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if (node.module, alias.name) != ("ritornello", "__version__"):
                    found.add(inner if inner in MODULES else str(node.module))
        elif isinstance(node, ast.Constant) and str(node.value).startswith("ritornello."):
            found.add(str(node.value))  # by name
    return {name for name in found if name in MODULES} - {module}


def _layer(module: str) -> int:
    name = _package(module).removeprefix("ritornello.")
    return next(index for index, names in enumerate(LAYERS) if name in names)


def _package(module: str) -> str:
    return ".".join(module.split(".")[:2])


def test_every_module_has_a_layer() -> None:
    for module in MODULES:
        assert _layer(module) >= 0


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_downward(module: str) -> None:
    wrong = [
        other
        for other in _imports(module)
        if _package(other) != _package(module) and _layer(other) >= _layer(module)
    ]
    assert not wrong, f"{module} imports {wrong}, which is not below it"


def test_there_is_no_cycle() -> None:
    graph = {module: _imports(module) for module in MODULES}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def _loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize(
    "code",
    [
        "import ritornello",
        "import ritornello.cli; ritornello.cli.run(['--help'])",
        "import ritornello.cli; ritornello.cli.run(['compose', '--help'])",
        "import ritornello.cli; ritornello.cli.run(['--version'])",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(code: str) -> None:
    assert not _loaded_by(code) & set(HEAVY)


def test_composing_and_playing_load_no_torch(tiny_model: Path, tmp_path: Path) -> None:
    code = (
        "import ritornello; "
        f"piece = ritornello.Composer.load({str(tiny_model)!r}).compose(bars=1); "
        f"piece.save({str(tmp_path / 'piece.mp3')!r})"
    )
    assert "torch" not in _loaded_by(code)


@pytest.mark.parametrize("name", ritornello.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(ritornello, name) is not None
    assert name in dir(ritornello)


def test_only_what_is_named_is_public() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        ritornello.nonsense  # noqa: B018
