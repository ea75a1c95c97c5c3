"""Train where a graphics processor can be had for some minutes, and bring the weights home.

    python -m experiments.learning.train_on_gpu pack DATA PACKED       # here: code, music, weights
    python -m experiments.learning.train_on_gpu train PACKED OUT --minutes 8       # there
    python -m experiments.learning.train_on_gpu join OUT RUN           # here again

PACKED is a folder of one archive: all sets as arrays, code, the model to begin with (35 MB). OUT
gets the best model and the journal in parts under 16 MB; with ``--state`` also the state of the
run, five times as much, and RUN is then one that `experiments.bundled_model` goes on with. It was
tried on a CPU; how fast it is on a graphics processor is not measured yet.
"""

from __future__ import annotations

import argparse
import io
import tarfile
import tempfile
from pathlib import Path

from experiments.bundled_model import read_recipe
from experiments.bundled_model import train as train_edition
from experiments.edition_sets import stored
from experiments.music_sets import ROOT
from ritornello.errors import InputError, OutputError
from ritornello.note_model import checkpoint

_ARCHIVE = "packed.tar.gz"
_MOST_PACKED_BYTES = 60_000_000
_PART_BYTES = 15_000_000
_ROWS = 512  # of a batch there: enough to keep some hundred thousand threads busy
KEPT = ("model.safetensors", "metrics.jsonl", "resume.pt")
_CODE = ("src", "experiments")
_LEFT_OUT = ("__pycache__", "assets", "results")


def pack(data: Path, packed: Path, start: Path) -> Path:
    """The archive of all that a run needs.

    Raises:
        OutputError: if it is too large to be sent.
    """
    with tempfile.TemporaryDirectory() as scratch:
        stored(data, Path(scratch), [*read_recipe()["shares"]])
        packed.mkdir(parents=True, exist_ok=True)
        archive = packed / _ARCHIVE
        with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
            for name in _CODE:
                tar.add(ROOT / name, f"code/{name}", filter=_wanted)
            tar.add(Path(scratch) / "corpus", "run/corpus")
            tar.add(Path(scratch) / "unseen.json", "run/unseen.json")
            tar.add(data / "groove_midi" / "info.csv", "data/groove_midi/info.csv")
            tar.add(checkpoint.find(start), "start/model.safetensors")
    size = archive.stat().st_size
    if size > _MOST_PACKED_BYTES:
        raise OutputError(
            f"The archive has {size / 1e6:.0f} MB, more than {_MOST_PACKED_BYTES / 1e6:.0f}.",
            where=str(archive),
            next_step="Leave out a set of experiments/default.toml.",
        )
    return archive


def _wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if any(part in _LEFT_OUT for part in Path(member.name).parts) else member


def train(packed: Path, out: Path, minutes: float, rows: int, *, state: bool) -> None:
    """Train on what was packed, or go on with it, and leave parts that can be sent back."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with tarfile.open(packed / _ARCHIVE) as tar:
            tar.extractall(folder, filter="data")
        run = folder / "run"
        train_edition(folder / "data", run, minutes, folder / "start", batch=rows)
        for name in KEPT if state else KEPT[:-1]:
            split((run / name).read_bytes(), out, name)


def split(content: bytes, out: Path, name: str) -> None:
    """Write content in parts that can be sent, NAME.00 and so on."""
    for number, start in enumerate(range(0, len(content), _PART_BYTES)):
        (out / f"{name}.{number:02d}").write_bytes(content[start : start + _PART_BYTES])


def join(out: Path, run: Path) -> None:
    """The parts of a run as its files again.

    Raises:
        InputError: if a part is missing.
    """
    run.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        parts = sorted(out.glob(f"{name}.[0-9][0-9]"))
        whole = io.BytesIO()
        for number, part in enumerate(parts):
            if part.suffix != f".{number:02d}":
                raise InputError(
                    f"Part {number:02d} of {name} is missing.",
                    where=str(out),
                    next_step="Fetch all files of the folder.",
                )
            whole.write(part.read_bytes())
        if not parts and name == KEPT[0]:
            raise InputError(f"There is no part of {name}.", where=str(out))
        if not parts:
            continue  # only asked for with --state
        (run / name).write_bytes(whole.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["pack", "train", "join"])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--rows", type=int, default=_ROWS, help="excerpts of a batch")
    parser.add_argument("--begin", type=Path, default=ROOT / "src/ritornello/assets/models/default")
    options = parser.parse_args()
    if options.what == "pack":
        print(pack(options.source, options.target, options.begin))
    elif options.what == "train":
        train(options.source, options.target, options.minutes, options.rows, state=options.state)
    else:
        join(options.source, options.target)


if __name__ == "__main__":
    main()
