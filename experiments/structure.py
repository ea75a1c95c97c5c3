"""How the package is built, in figures: what the table in `docs/decisions/rooms.md` says.

    python -m experiments.structure [TREE]    # of this copy, or of another one

Lines are lines of Python, with blank ones and comments. A repeat is a pair of places with the same
lines, blank ones left out and each stripped, as far as they agree on. What serves users is what the
command, `api` or the studio imports, at the top of a file or in a function, without `papers`.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path("src/ritornello")
ROOTS = (
    "ritornello",
    "ritornello.__main__",
    "ritornello.cli",
    "ritornello.api",
    "ritornello.studio",
)
_REPEATS = (10, 6)


def python_files(folder: Path) -> list[Path]:
    """All files of Python in a folder, in order."""
    return sorted(folder.rglob("*.py"))


def line_count(files: list[Path]) -> int:
    """Lines of some files."""
    return sum(len(file.read_text("utf-8").splitlines()) for file in files)


def comment_count(files: list[Path]) -> int:
    """Comments of some files, one for each line that has one."""
    found = 0
    for file in files:
        tokens = tokenize.generate_tokens(io.StringIO(file.read_text("utf-8")).readline)
        found += sum(token.type == tokenize.COMMENT for token in tokens)
    return found


def word_count(files: list[Path], word: str) -> int:
    """How often a word stands in some files, outside of lines of imports."""
    pattern = rf"\b{re.escape(word)}" + (r"\b" if word[-1].isalnum() else "")
    lines = (line for file in files for line in file.read_text("utf-8").splitlines())
    kept = (line for line in lines if not re.match(r"\s*(from|import) ", line))
    return sum(len(re.findall(pattern, line)) for line in kept)


def imports(package: Path) -> dict[str, set[str]]:
    """By module of the package the modules of it that it imports anywhere in its file."""
    names = {}
    for file in python_files(package):
        parts = ("ritornello", *file.relative_to(package).with_suffix("").parts)
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    found: dict[str, set[str]] = {}
    for name, file in names.items():
        asked: set[str] = set()
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                asked |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                asked |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        found[name] = {each for each in asked if each in names}
    return found


def reached(graph: dict[str, set[str]]) -> set[str]:
    """The modules that serve users."""
    seen: set[str] = set()
    left = [name for name in graph if name in ROOTS or name.startswith("ritornello.studio.")]
    while left:
        name = left.pop()
        if name not in seen and not name.startswith("ritornello.papers"):
            seen.add(name)
            left += graph[name]
    return seen


def repeats(files: list[Path], least: int) -> Iterator[tuple[str, str, int]]:
    """Pairs of places that share lines: file and line of each, and how many they share."""
    texts: dict[Path, list[tuple[int, str]]] = {}
    for file in files:
        numbered = enumerate(file.read_text("utf-8").splitlines(), 1)
        texts[file] = [(number, line.strip()) for number, line in numbered if line.strip()]
    places = defaultdict(list)
    for file, lines in texts.items():
        for start in range(len(lines) - least + 1):
            places[tuple(text for _, text in lines[start : start + least])].append((file, start))
    done: set[tuple[Path, int, Path, int]] = set()
    for here in places.values():
        for index, (one, first) in enumerate(here):
            for other, second in here[index + 1 :]:
                if (one, first, other, second) in done:
                    continue
                size = 0
                ours, theirs = texts[one], texts[other]
                while first + size < len(ours) and second + size < len(theirs):
                    if ours[first + size][1] != theirs[second + size][1]:
                        break
                    done.add((one, first + size, other, second + size))
                    size += 1
                yield f"{one}:{ours[first][0]}", f"{other}:{theirs[second][0]}", size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("tree", type=Path, nargs="?", default=Path(__file__).parents[1])
    parser.add_argument("--repeats", action="store_true", help="list the pairs of places as well")
    options = parser.parse_args()
    package = options.tree / PACKAGE
    ours = python_files(package)
    outside = [file for file in ours if "papers" not in file.relative_to(package).parts]
    rest = [
        name for name in ("experiments", "benchmarks", "tools") if (options.tree / name).is_dir()
    ]
    measuring = [file for name in rest for file in python_files(options.tree / name)]
    everything = [*ours, *measuring, *python_files(options.tree / "tests")]
    graph = imports(package)
    serving = reached(graph)
    files = {name: package.parent / Path(*name.split(".")) for name in serving}
    paths = [
        path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        for path in files.values()
    ]
    lines, used = line_count(ours), line_count(paths)
    print(f"package: {len(ours)} files, {lines:,} lines")
    print(f"of them not in papers: {len(outside)} files, {line_count(outside):,} lines")
    print(f"{', '.join(rest)}: {len(measuring)} files, {line_count(measuring):,} lines")
    print(f"serve users: {used:,} lines, {used / lines:.0%}")
    longest = max((line_count([file]), str(file.relative_to(package))) for file in ours)
    print(f"longest file: {longest[1]}, {longest[0]} lines")
    print(f"comments: {comment_count(ours):,}")
    doctests = sum(
        line.lstrip().startswith(">>>") for file in ours for line in file.read_text().splitlines()
    )
    print(f"lines of doctests: {doctests}")
    for word in ("Any", "dict[str, Any]", "JsonObject"):
        print(f"{word}: {word_count(ours, word)}")
    print(f"files of Python in all: {len(everything)}")
    for least in _REPEATS:
        found = [pair for pair in repeats(everything, least) if pair[2] >= least]
        print(f"repeats of {least} lines and more: {len(found)}")
        if options.repeats:
            print(*(f"    {one} {other} {size}" for one, other, size in found), sep="\n")


if __name__ == "__main__":
    main()
