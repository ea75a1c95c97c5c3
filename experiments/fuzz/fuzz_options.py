"""Write odd texts into the options of commands: each must work or give one short message.

Texts are put together from what people write, damaged: keys, chords, metres, ranges, parts, bars
and names, in any script, of any length, with numbers beyond all bounds. What is accepted composes
one bar with a tiny model. Each command line runs in a worker process with a limit of memory and
time.

    python -m experiments.fuzz.fuzz_options --inputs 10000
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path

from experiments.fuzz.fuzz_models import some_piece, tiny_checkpoint
from experiments.fuzz.judged import try_inputs
from experiments.fuzz.outcomes import tell_outcomes
from ritornello.cli import run
from ritornello.note_model import checkpoint

_LONGEST_MESSAGE = 3000
# What the options of each command are usually given.
USUAL: dict[str, tuple[str, ...]] = {
    "--bars": ("1", "2-3", "9", "1-1"),
    "--tempo": ("96", "120.5", "1e2"),
    "--metre": ("3/4", "6/8", "4/4", "7/8"),
    "--meter": ("3/4",),
    "--parts": ("piano,bass", "drums", "violin, violin", "1", "double bass,flute"),
    "--add": ("piano", "drums,strings"),
    "--voices": ("alto,tenor", "bass"),
    "--melody": ("1", "piano"),
    "--key": ("D minor", "Bb", "F# dorian", "C major pentatonic", "a"),
    "--chords": ("Am F C G", "Am7 | D7 | Gmaj7 | %", "C/E N.C.", "Bbm7b5 Eb7(#9)"),
    "--density": ("3", "piano=high,bass=1.5", "low"),
    "--polyphony": ("lead=1,all=4", "piano=2"),
    "--range": ("bass=28-50", "piano=40-80,all=30-90"),
    "--like": ("a", "b", "jazz"),
    "--temperature": ("1", "0.8", "0"),
    "--top-p": ("0.9", "1"),
    "--seed": ("0", "7", "123456789"),
    "--formats": ("mid", "mid,musicxml", "svg", ".MID"),
    "--number": ("1", "2"),
    "--split": ("all", "valid"),
    "--to": ("mid", "abc"),
    "--only": ("a,b",),
    "--downbeat": ("1.25",),
    "--duration": ("10",),
}
OF_COMMAND: dict[str, tuple[str, ...]] = {
    "compose": (
        "--bars", "--tempo", "--metre", "--meter", "--parts", "--key", "--chords", "--density",
        "--polyphony", "--range", "--like", "--temperature", "--top-p", "--seed", "--formats",
        "--number",
    ),
    "continue": ("--bars", "--parts", "--key", "--chords", "--density", "--range", "--seed"),
    "fill": ("--bars", "--parts", "--key", "--chords", "--polyphony", "--temperature", "--seed"),
    "arrange": ("--add", "--key", "--chords", "--density", "--range", "--like", "--top-p"),
    "harmonise": ("--voices", "--melody", "--key", "--chords", "--seed"),
    "vary": ("--parts", "--key", "--chords", "--number", "--seed", "--temperature"),
    "convert": ("--to",),
    "models": (),
    "nonsense": ("--bars",),
}  # fmt: skip
_ODD = (
    "", " ", "-", "--", "=", "/", ",", "nan", "inf", "-inf", "1e309", "-1", "0", "00", "1_0", "+3",
    "9" * 400,
    "1e-400", "0x10", "²", "３", "½", "٣", "\u202e", "\ud800", "\udcff", "\x1b[31m",
    "\n", "\t", "é", "♯", "音", "🎵", "x" * 5000, "%", "[bold]", "{0}", "'", '"', "None",
    "true", "a=b=c",
    "..", "/dev/null", "C" * 300, "(" * 200, "|" * 300, "A" + "#" * 100, "1-", "-1-", "5-3",
)  # fmt: skip


def odd_text(usual: tuple[str, ...], rng: random.Random) -> str:
    """A usual text, a damaged one, or none at all."""
    text = rng.choice(usual)
    for _ in range(rng.choice([0, 0, 1, 1, 1, 2, 4])):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(6):
            case 0:
                text = text[:at] + rng.choice(_ODD) + text[at:]
            case 1:
                text = text[:at] + text[at + 1 :]
            case 2:
                text = text[:at] + rng.choice("abcdefgm#b/7-=,. |%0123456789") + text[at:]
            case 3:
                text = text * rng.choice([2, 2, 50])
            case 4:
                text = text.swapcase()
            case _:
                text = rng.choice(_ODD)
    # The system itself refuses zeros, and surrogates that stand for no byte.
    return re.sub("[\ud800-\udc7f\udd00-\udfff]", "?", text.replace("\0", " "))


def odd_command(rng: random.Random) -> list[str]:
    """The words of a command line."""
    command = rng.choice([*OF_COMMAND, "compose", "compose", "compose"])
    words = [command]
    if command not in ("compose", "models", "nonsense"):
        words.append(rng.choice(["song.mid", "song.mid", "song.mid", rng.choice(_ODD)]))
    if command == "convert":
        words.append(f"out.{odd_text(('mid', 'musicxml', 'npz'), rng)[:300]}")
    options = OF_COMMAND[command]
    for name in rng.sample(options, min(len(options), rng.choice([0, 1, 1, 2, 3]))):
        text = odd_text(USUAL[name], rng)
        words += [f"{name}={text}"] if rng.random() < 0.5 else [name, text]
    if rng.random() < 0.05:
        words.insert(rng.randrange(len(words) + 1), rng.choice(_ODD))
    return [re.sub("[\ud800-\udc7f\udd00-\udfff]", "?", word.replace("\0", "")) for word in words]


def outcome(folder: Path, data: bytes) -> str:
    """``done``, ``refused``, or the name of what should not have happened."""
    import os

    words: list[str] = json.loads(data)
    os.chdir(folder)
    writes = words and words[0] not in ("convert", "models", "nonsense")
    fixed = ["--bars=1"] if words[:1] == ["compose"] and "--bars" not in " ".join(words) else []
    if writes:
        given = " ".join(words)
        fixed += ["-m", "model", "-o", "out", "--overwrite"]
        fixed += [] if "--formats" in given else ["-f", "mid"]
    said = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(said):
        try:
            code = run([*words, *fixed])
        except SystemExit as error:
            return f"SystemExit: {error.code}"
        except BaseException as error:
            return f"{type(error).__name__}: {error}"
    message = said.getvalue()
    if "fault of ritornello" in message or "Traceback" in message:
        return message.strip().splitlines()[0]
    if code and len(message) > _LONGEST_MESSAGE:
        return f"A message of {len(message)} characters"
    if code not in (0, 1, 2):
        return f"exit code {code}"
    return "done" if code == 0 else "refused"


def prepare(folder: Path) -> None:
    """A folder with a model and a song."""
    checkpoint.save(tiny_checkpoint("qrnn"), folder / "model" / checkpoint.MODEL_FILE)
    some_piece().save(folder / "song.mid")


def fuzz(inputs: range, failures: Path | None) -> Counter[str]:
    """Outcomes over odd command lines, by number; those that failed are saved."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        commands = (json.dumps(odd_command(random.Random(number))) for number in inputs)
        return try_inputs(
            partial(outcome, folder),
            (command.encode() for command in commands),
            ("done", "refused"),
            failures,
            lambda place: f"options-{inputs[place]}.json",
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--failures", type=Path, help="folder for the command lines that failed")
    options = parser.parse_args()
    start = time.perf_counter()
    outcomes = fuzz(range(options.first, options.first + options.inputs), options.failures)
    seconds = time.perf_counter() - start
    return 1 if tell_outcomes("options", outcomes, ("done", "refused"), seconds) else 0


if __name__ == "__main__":
    sys.exit(main())
