"""How well the model writes with a partner, measured so that anyone can rerun it.

    python -m experiments.partner tasks       # nats a composed note, by what is given
    python -m experiments.partner harmony     # whether composed parts go with given ones
    python -m experiments.partner chorales    # three voices below Bach's sopranos
    python -m experiments.partner given       # 1,000 songs with something written into them
    python -m experiments.partner rules       # 10,000 pieces under random rules
    python -m experiments.partner fill-speed  # how long four bars of a song take

Each writes one JSON file, with its protocol, seeds, command, machine and time, to
`experiments/results/`, and prints a table. It is measured unit by unit, and each unit is kept in
`--work`: start the same command again to go on after a stop.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
import logging
from pathlib import Path

from experiments.music_sets import ROOT, data_folder
from experiments.partner import chorales, fill_speed, given, harmony, rules, tasks
from experiments.partner.units import Units
from experiments.scorecard import RESULTS, names, say, write
from ritornello.api import find_model
from ritornello.errors import RitornelloError

BANDS = "band_arranged_synth,freedoom_midi,openscore_quartets_midi,openscore_lieder_midi"
MEASURES = {
    "tasks": tasks,
    "harmony": harmony,
    "chorales": chorales,
    "given": given,
    "rules": rules,
    "fill-speed": fill_speed,
}


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder of music sets")
    parser.add_argument("--store", type=Path, default=ROOT / ".cache" / "music_sets")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes")
    parser.add_argument(
        "--work", type=Path, default=ROOT / ".cache" / "partner", help="keeps units"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    made = {}
    for name, module in MEASURES.items():
        made[name] = commands.add_parser(name, help=(module.__doc__ or "").splitlines()[0])
        made[name].add_argument("--model", default="default")
        made[name].add_argument("--seed", type=int, default=0)
    made["tasks"].add_argument("--pieces", type=int, default=40, help="of each set, at most")
    made["tasks"].add_argument("--longest", type=int, default=1024, help="events of a piece")
    made["harmony"].add_argument("--sets", type=names, default=names(BANDS))
    made["harmony"].add_argument("--excerpts", type=int, default=50, help="of each set")
    made["harmony"].add_argument("--bars", type=int, default=16, help="of an excerpt")
    made["chorales"].add_argument("--side", default="valid", help="of the canonical split")
    made["chorales"].add_argument("--chorales", type=int, help="the first so many; all if left out")
    made["chorales"].add_argument(
        "--steps",
        type=int,
        default=2400,
        help="of learning chorales alone; a fifth of a second each",
    )
    made["given"].add_argument("--songs", type=int, default=1000)
    made["rules"].add_argument("--pieces", type=int, default=10_000)
    made["fill-speed"].add_argument("--repeats", type=int, default=5)
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> None:
    options = arguments(words)
    measure = MEASURES[options.command]
    try:
        units = Units.of(options, find_model(options.model))
        figures = measure.measure(options, units)
    except RitornelloError as error:
        raise SystemExit(str(error)) from error
    found = {"protocol": measure.PROTOCOL, "seeds": [options.seed], "figures": figures}
    used = {"cpu_seconds": units.cpu_seconds}
    name = f"partner_{options.command.replace('-', '_')}"
    path = write(name, found, used, options.results, program="experiments.partner")
    print(measure.markdown(json.loads(path.read_text(encoding="utf-8"))["figures"]))
    say(f"Written to {path}")


if __name__ == "__main__":
    logging.getLogger("ritornello").setLevel(logging.ERROR)  # songs are heard with warnings
    main()
