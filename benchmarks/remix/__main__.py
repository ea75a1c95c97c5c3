"""The remix, measured so that anyone can rerun it: hearing, the band, real takes, bad files, speed.

    python -m benchmarks.remix heard    # notes, beats, bars and key of solos with known truth

Each writes one JSON file, with its protocol, seed, command, machine and time, to
`benchmarks/results/`, and prints a table (`--table` only prints that of the last time). The solos
are made once and kept in `--work`, with what was measured of each: start the same command again
to go on after a stop.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import hashlib
import json
import logging
from importlib.resources import files
from pathlib import Path
from typing import Any

from benchmarks.music_sets import ROOT, data_folder, open_music_sets
from benchmarks.partner.units import Units
from benchmarks.remix import hearing
from benchmarks.remix import solos as truth
from benchmarks.scorecard import RESULTS, say, write

from ritornello.errors import RitornelloError

# A font that few have; without it all solos are played with the bundled one.
OTHER_FONT = Path("/usr/share/sounds/sf3/MuseScore_General_Full.sf3")
OF_SOLOS = {"heard": hearing}


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder of music sets")
    parser.add_argument("--store", type=Path, default=ROOT / ".cache" / "music_sets")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes")
    parser.add_argument("--work", type=Path, default=ROOT / ".cache" / "remix", help="keeps solos")
    parser.add_argument("--font", type=Path, default=OTHER_FONT, help="plays half of the solos")
    parser.add_argument("--table", action="store_true", help="print the table of the last time")
    parts = parser.add_subparsers(dest="command", required=True)
    for name, module in OF_SOLOS.items():
        made = parts.add_parser(name, help=(module.__doc__ or "").splitlines()[0])
        made.add_argument("--seed", type=int, default=0)
        made.add_argument("--solos", type=int, default=10, help="of each instrument")
    return parser.parse_args(words)


def units_of(options: argparse.Namespace) -> Units:
    """Those of a command; other settings or other networks are another measurement."""
    places = {"data", "store", "results", "work", "table"}
    asked = {name: str(value) for name, value in vars(options).items() if name not in places}
    mark = hashlib.sha256(json.dumps(asked).encode())
    for path in sorted(Path(str(files("ritornello") / "assets")).rglob("*")):
        if path.is_file():
            mark.update(path.read_bytes())
    return Units(options.work / f"{options.command}-{mark.hexdigest()[:12]}")


def known_solos(options: argparse.Namespace) -> list[truth.Solo]:
    """The solos of a command, made if they are not there."""
    fonts: dict[str, Path | None] = {"bundled": None}
    if options.font.is_file():
        fonts[options.font.stem] = options.font
    music = open_music_sets(options.store, options.data)
    folder = options.work / f"solos-{options.seed}-{'-'.join(fonts)}"
    say(f"Solos: {folder}, {options.solos} of each instrument ...")
    return truth.solos(folder, music, fonts, options.solos, options.seed)


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Protocol, data, seeds and figures of a command, and the CPU seconds they took."""
    units, module = units_of(options), OF_SOLOS[options.command]
    solos = known_solos(options)
    data = {"solos": truth.PROTOCOL, "fonts": sorted({solo.font for solo in solos})}
    figures = module.measure(options, units, solos)
    return {
        "found": {
            "protocol": f"{module.PROTOCOL}; solos: {truth.PROTOCOL}",
            "seeds": [options.seed],
            "figures": {"fonts": data["fonts"], **figures},
        },
        "used": {"cpu_seconds": units.cpu_seconds},
    }


def main(words: list[str] | None = None) -> None:
    options = arguments(words)
    logging.getLogger("ritornello").setLevel(logging.ERROR)
    name = f"remix_{options.command}"
    path = options.results / f"{name}.json"
    if not options.table:
        try:
            done = measured(options)
        except RitornelloError as error:
            raise SystemExit(str(error)) from error
        path = write(name, done["found"], done["used"], options.results, "benchmarks.remix")
        say(f"Written to {path}")
    print(OF_SOLOS[options.command].markdown(json.loads(path.read_text("utf-8"))["figures"]))


if __name__ == "__main__":
    main()
