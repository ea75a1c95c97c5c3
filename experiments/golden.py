"""Hashes of composed, edited and remixed files with fixed seeds: what a new structure keeps.

python -m experiments.golden before.json                    # write them
python -m experiments.golden after.json --against before.json    # and say which files differ
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from experiments.music_sets import data_folder

NOTES = ("-f", "mid,musicxml")
COMPOSED: tuple[tuple[str, ...], ...] = (
    ("--bars", "8"),
    ("--bars", "8", "--key", "D minor", "--metre", "3/4"),
    ("--bars", "16", "--parts", "piano"),
    ("--bars", "8", "--parts", "piano,guitar,bass,strings,drums"),
    ("--bars", "8", "--chords", "Am F C G", "--parts", "piano,bass"),
    ("--bars", "8", "--density", "piano=high", "--parts", "piano,bass"),
    ("--bars", "8", "--tempo", "96", "--end"),
    ("--bars", "8", "--like", "rock"),
    ("--bars", "12", "--metre", "6/8"),
    ("--bars", "8"),
)
EDITS: dict[str, tuple[str, ...]] = {
    "continue": ("--bars", "6"),
    "fill": ("--bars", "3-4"),
    "vary": ("--parts", "piano"),
    "arrange": ("--add", "bass,drums"),
    "harmonise": (),
}


def outputs(data: Path) -> dict[str, str]:
    """File name -> SHA-256 of each file that about 40 commands write."""
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed, options in enumerate(COMPOSED):
            run(found, folder / f"compose-{seed}", "compose", "--seed", str(seed), *NOTES, *options)
        song = folder / "song"
        given = ("--parts", "piano,guitar", "--bars", "8", "--seed", "2", "-f", "mid")
        run(found, song, "compose", *given)
        for verb, options in EDITS.items():
            for seed in range(5):
                own = ("--seed", str(seed), *NOTES, *options)
                run(found, folder / f"{verb}-{seed}", verb, str(song / "piece-2.mid"), *own)
        loop = data / "stem_loops15" / "loop01"
        run(found, folder / "remix", "remix", str(loop / "guitar.flac"), "--seed", "1")
        run(found, folder / "transcribe.mid", "transcribe", str(loop / "lead.flac"))
        run(found, folder / "render", "compose", "--bars", "4", "--seed", "3", "-f", "mp3,png,npz")
    return found


def run(found: dict[str, str], target: Path, *command: str) -> None:
    """Run a command into a folder or file, and add the hashes of what it wrote."""
    line = [sys.executable, "-m", "ritornello", *command, "-o", str(target)]
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    files = sorted(target.rglob("*")) if target.is_dir() else [target]
    for file in (file for file in files if file.is_file() and file.suffix != ".html"):
        where = file.relative_to(target.parent).as_posix()
        found[where] = hashlib.sha256(file.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("path", type=Path, help="where the hashes go, as JSON")
    parser.add_argument("--against", type=Path, help="hashes to compare with")
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder of music sets")
    options = parser.parse_args()
    found = outputs(options.data)
    options.path.write_text(json.dumps(found, indent=1, sort_keys=True), encoding="utf-8")
    print(f"{len(found)} files")
    if options.against:
        before = json.loads(options.against.read_text(encoding="utf-8"))
        for name in sorted(before.keys() | found.keys()):
            if before.get(name) != found.get(name):
                print(f"differs: {name}")


if __name__ == "__main__":
    main()
