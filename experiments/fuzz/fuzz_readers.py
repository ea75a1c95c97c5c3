"""Feed damaged files to every reader: each must give a piece or one of our errors.

Real files are mutated (bit flips, truncation, moved blocks, false length fields) and read in a
worker process with a memory limit; a worker that dies or does not answer is counted and replaced.

    python -m experiments.fuzz.fuzz_readers --inputs 10000
"""

from __future__ import annotations

import argparse
import copy
import io
import os
import random
import sys
import time
import zipfile
from collections import Counter
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from experiments.fuzz.judged import try_inputs
from experiments.fuzz.outcomes import tell_outcomes
from ritornello.errors import RitornelloError
from ritornello.music.io import FORMATS, Format, check_size
from ritornello.music.io.midi_read import read_bytes as read_midi


def mutated(data: bytes, rng: random.Random) -> bytes:
    """A damaged copy of a file: one to four faults of the kinds that files meet."""
    damaged = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if len(damaged) < 8:
            break
        start = rng.randrange(len(damaged) - 4)
        # Faults in the first bytes, where headers are, find more than faults in the notes.
        if rng.random() < 0.3:
            start = min(start, rng.randrange(64))
        size = rng.randint(1, max(1, min(len(damaged) - start, 400)))
        match rng.randrange(7):
            case 0:
                damaged[start] ^= 1 << rng.randrange(8)
            case 1:
                damaged[start] = rng.randrange(256)
            case 2:
                del damaged[start:]
            case 3:
                del damaged[start : start + size]
            case 4:
                to = rng.randrange(len(damaged))
                damaged[to:to] = damaged[start : start + size]
            case 5:
                number = rng.choice([0, 1, 0x7F, 0xFF, 0x7FFF, 0x7FFFFFFF, 0xFFFFFFFF])
                damaged[start : start + 4] = number.to_bytes(4, rng.choice(["big", "little"]))
            case _:
                damaged[start : start + size] = rng.randbytes(size)
    return bytes(damaged)


def mutated_entry(data: bytes, rng: random.Random) -> bytes:
    """An archive with one damaged entry and true check sums, so that the reader gets to see it."""
    damaged = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(damaged, "w") as target:
        chosen = rng.choice(source.namelist())
        for name in source.namelist():
            content = source.read(name)
            is_score = name == chosen and content.lstrip()[:5] == b"<?xml" and rng.random() < 0.7
            if is_score:
                content = mutated_elements(content, rng)
            elif name == chosen:
                content = mutated(content, rng)
            target.writestr(name, content)
    return damaged.getvalue()


def mutated_track(data: bytes, rng: random.Random) -> bytes:
    """A MIDI file with one damaged track of true length, so that its events are parsed."""
    header, *tracks = data.split(b"MTrk")
    chosen = rng.randrange(len(tracks))
    body = mutated(tracks[chosen][4:], rng)
    tracks[chosen] = len(body).to_bytes(4, "big") + body
    return b"MTrk".join([header, *tracks])


_ODD_TEXTS = (
    *("", " ", "-1", "0", "3", "99", "99999999", "1e400", "nan", "0.5", "-0.5", "1/3", "x", "é"),
    *("start", "stop", "continue", "yes", "no", "C", "#", "none", "begin", "A" * 300),
)


def mutated_elements(data: bytes, rng: random.Random) -> bytes:
    """A well-formed XML file with one to eight elements lost, doubled, moved or changed."""
    root = ElementTree.fromstring(data)
    for _ in range(rng.randint(1, 8)):
        parents = [element for element in root.iter() if len(element)]
        if not parents:
            break
        parent = rng.choice(parents)
        child = rng.choice(list(parent))
        match rng.randrange(6):
            case 0:
                parent.remove(child)
            case 1:
                parent.insert(rng.randrange(len(parent) + 1), copy.deepcopy(child))
            case 2:
                rng.choice(parents).append(copy.deepcopy(child))
            case 3:
                child.text = rng.choice(_ODD_TEXTS)
            case 4 if child.attrib:
                child.set(rng.choice(list(child.attrib)), rng.choice(_ODD_TEXTS))
            case _:
                child.tag = rng.choice(parents).tag
    return ElementTree.tostring(root)


_ABC_SIGNS = (
    *("|", "||", ":|", "|:", "::", "|1", ":|2", "[1", "|]", "[|]", ".|", "&", "(&", "Z2", "Z99999"),
    *("[CE", "]", "[CEG]2-", "-", ">", "<<", "(3", "(9:2:99", "{", "{ab}", '"', '"Am7"', '"^x"'),
    *("!", "!ff!", "!fermata!", "+CE+", "C0", "C/", "^/c", "c99999", "H", "y", "$", "\\"),
    *("[K:Ador]", "[K:", "[M:3/4]", "[M:none]", "[L:1/64]", "[Q:1/4=9]", "[V:2]", "[P:B]", "[r:x]"),
    *(
        "\nV:9 clef=perc\n",
        "\nK:D exp _b\n",
        "\nM:7/0\n",
        "\nP:A\n",
        "\nw:a-b _ * | c\n",
        "\n+:x\n",
    ),
    *("\n%%MIDI program 99\n", "\n%%begintext\n", "\nP:A9(BA)9\n", "\nU:T=!nil!\n", "\n\n", "\r"),
)


def mutated_tune(data: bytes, rng: random.Random) -> bytes:
    """An ABC file with one to eight signs where they do not belong, or lines lost or moved."""
    text = data.decode("utf-8", "replace")
    for _ in range(rng.randint(1, 8)):
        if rng.random() < 0.8:
            place = rng.randrange(len(text) + 1)
            text = text[:place] + rng.choice(_ABC_SIGNS) + text[place:]
        else:
            lines = text.split("\n")
            moved = lines.pop(rng.randrange(len(lines)))
            if rng.random() < 0.5:
                lines.insert(rng.randrange(len(lines) + 1), moved)
            text = "\n".join(lines)
    return text.encode()


def damage(data: bytes, rng: random.Random) -> bytes:
    """Damage anywhere or, half of the time where a file has parts, within one of them."""
    if data.lstrip()[:5] == b"<?xml" and rng.random() < 0.7:
        return mutated_elements(data, rng)
    if data.lstrip()[:2] == b"X:" and rng.random() < 0.7:
        return mutated_tune(data, rng)
    if rng.random() < 0.5:
        if zipfile.is_zipfile(io.BytesIO(data)):
            return mutated_entry(data, rng)
        if data.startswith(b"MThd"):
            return mutated_track(data, rng)
    return mutated(data, rng)


def outcome(entry: Format, data: bytes) -> str:
    """``piece``, ``error``, or the name of what should not have happened."""
    try:
        piece, _ = entry.read_bytes(data, "fuzzed")
        check_size(piece, "fuzzed")
    except RitornelloError:
        return "error"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "piece"


def seeds(entry: Format, folder: Path, count: int = 24) -> list[bytes]:
    """Real files of a format, of moderate size; where the sets have none, written from MIDI."""
    found = sorted(path for extension in entry.extensions for path in folder.rglob(f"*{extension}"))
    small = [path for path in found if 200 < path.stat().st_size < 40_000]
    if small:
        return [path.read_bytes() for path in small[:: max(1, len(small) // count)]][:count]
    pieces = (read_midi(data, "seed")[0] for data in seeds(FORMATS[0], folder, count))
    return [entry.write_bytes(piece.at_resolution(24)) for piece in pieces]


def fuzz(entry: Format, folder: Path, inputs: range, failures: Path | None) -> Counter[str]:
    """Outcomes over mutated inputs by number; those that failed are saved to ``failures``."""
    files = seeds(entry, folder)

    def damaged(number: int) -> bytes:
        rng = random.Random(number)
        return damage(rng.choice(files), rng)

    return try_inputs(
        partial(outcome, entry),
        map(damaged, inputs),
        ("piece", "error"),
        failures,
        lambda place: f"{entry.name.replace(' ', '-')}-{inputs[place]}",
    )


def main() -> int:
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="inputs for each reader")
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("RITORNELLO_DATA", root.parent / "shared" / "data")),
    )
    parser.add_argument("--only", help="name of one format")
    parser.add_argument("--failures", type=Path, help="folder for the inputs that failed")
    options = parser.parse_args()
    numbers = range(options.first, options.first + options.inputs)
    failed = 0
    for entry in FORMATS:
        if entry.reader is None or (options.only and entry.name != options.only):
            continue
        start = time.perf_counter()
        outcomes = fuzz(entry, options.data, numbers, options.failures)
        seconds = time.perf_counter() - start
        failed += tell_outcomes(entry.name, outcomes, ("piece", "error"), seconds)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
