"""The remix, measured so that anyone can rerun it: hearing, the band, real takes, bad files, speed.

    python -m experiments.remix heard    # notes, beats, bars and key of solos with known truth
    python -m experiments.remix band     # what is put under them: harmony, timing, sound, lengths
    python -m experiments.remix real     # what is found in CC0 recordings
    python -m experiments.remix bad      # silence, speech, broken files, ... and two hours (--long)
    python -m experiments.remix speed    # CPU seconds of a three-minute take, by stage

Each writes one JSON file, with its protocol, seed, command, machine and time, to
`experiments/results/`, and prints a table (`--table` only prints that of the last time). The solos
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

from experiments.music_sets import ROOT, data_folder
from experiments.partner.units import Units
from experiments.remix import bad, band, hearing, recordings, speed
from experiments.scorecard import RESULTS, say, write
from ritornello.errors import RitornelloError

# A font that few have; without it all solos are played with the bundled one.
OTHER_FONT = Path("/usr/share/sounds/sf3/MuseScore_General_Full.sf3")
MEASURES = {"heard": hearing, "band": band, "real": recordings, "bad": bad, "speed": speed}


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder of music sets")
    parser.add_argument("--store", type=Path, default=ROOT / ".cache" / "music_sets")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes")
    parser.add_argument("--work", type=Path, default=ROOT / ".cache" / "remix", help="keeps solos")
    parser.add_argument("--font", type=Path, default=OTHER_FONT, help="plays half of the solos")
    parser.add_argument("--table", action="store_true", help="print the table of the last time")
    parts = parser.add_subparsers(dest="command", required=True)
    made = {}
    for name, module in MEASURES.items():
        made[name] = parts.add_parser(name, help=(module.__doc__ or "").splitlines()[0])
        made[name].add_argument("--seed", type=int, default=0)
    for name in ("heard", "band", "speed"):
        made[name].add_argument("--solos", type=int, default=10, help="of each instrument")
    made["speed"].add_argument("--repeats", type=int, default=2)
    made["bad"].add_argument("--long", action="store_true", help="two hours too")
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


def main(words: list[str] | None = None) -> None:
    options = arguments(words)
    measure, name = MEASURES[options.command], f"remix_{options.command}"
    path = options.results / f"{name}.json"
    if not options.table:
        units = units_of(options)
        try:
            figures = measure.measure(options, units)
        except RitornelloError as error:
            raise SystemExit(str(error)) from error
        found = {"protocol": measure.PROTOCOL, "seeds": [options.seed], "figures": figures}
        used = {"cpu_seconds": units.cpu_seconds}
        path = write(name, found, used, options.results, "experiments.remix")
        say(f"Written to {path}")
    print(measure.markdown(json.loads(path.read_text(encoding="utf-8"))["figures"]))


if __name__ == "__main__":
    logging.getLogger("ritornello").setLevel(logging.ERROR)
    main()
