"""The command `ritornello`: parses, calls `ritornello.api`, says what went wrong, exits.

Exit codes: 0 done, 1 it could not be done, 2 the command makes no sense, 130 interrupted. Settings
come from `ritornello.toml` in the working folder, then from the environment, then from the command
line; the last one counts.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

from cyclopts import App, CycloptsError
from cyclopts.config import Env, Toml

import ritornello.cli.threads  # noqa: F401, before anything that loads NumPy
from ritornello import __version__
from ritornello.cli.about import doctor, models
from ritornello.cli.benchmark import benchmark
from ritornello.cli.choices import INSTRUMENTS_HELP
from ritornello.cli.compose_command import compose
from ritornello.cli.file_commands import convert, render
from ritornello.cli.learn import evaluate, inspect, shards, train
from ritornello.cli.originality import originality
from ritornello.cli.papers import papers
from ritornello.cli.plan_command import plan
from ritornello.cli.recording_commands import remix, transcribe
from ritornello.cli.separator_commands import separate, train_separator
from ritornello.cli.show import print_error, print_warnings, write_anything
from ritornello.cli.song_commands import arrange, continue_, fill, harmonise, vary
from ritornello.cli.streams import STREAM
from ritornello.cli.studio_command import studio, tune
from ritornello.errors import RitornelloError

# What published systems and experiments may import; the rest is inside.
__all__ = ["app", "main", "run"]

_INTERRUPTED = 130
_SETTINGS_FILE = "ritornello.toml"

_COMPOSE_EXAMPLES = """
**Examples**

`ritornello compose` writes 16 bars into the folder out/ as MIDI, sound and picture.

`ritornello compose --bars 32 --tempo 96 --key "D minor" --metre 3/4 --parts piano,bass,drums`

`ritornello compose -m mymodel -n 4 -f mid,musicxml,mp3,png -o songs --stems`

`ritornello compose --seed 7 --polyphony lead=1,all=4 --range bass=28-50 --temperature 0.9`

`ritornello compose --chords "Am F C G" --bars 32 --density piano=high`

A piece can be had again with the same model, rules and seed.
"""

# Verbs that take a song, and an example of each.
_PARTNER: dict[str, tuple[Callable[..., None], str]] = {
    "continue": (continue_, "ritornello continue primer.mid --bars 16"),
    "fill": (fill, "ritornello fill song.mid --bars 9-12 --parts bass"),
    "arrange": (arrange, "ritornello arrange melody.mid --add piano,bass,drums,strings"),
    "harmonise": (harmonise, "ritornello harmonise soprano.musicxml --voices alto,tenor,bass"),
    "vary": (vary, "ritornello vary song.mid --parts drums -n 4"),
}

_REMIX_EXAMPLES = """
**Examples**

`ritornello remix take.mp3` writes stems, mix, MIDI and a report into the folder remix/.

`ritornello remix take.mp3 --parts bass,drums --like jazz --duration 90 -o band`

`ritornello remix take.wav --tempo 92 --metre 3/4 --downbeat 1.25 --key "D minor"`

`ritornello remix take.flac --no-keep-solo` makes a backing track.
"""

_SETTINGS = """
Each option can also be set in `ritornello.toml` in the working folder, under the name of its
command (`[compose]`, then `tempo = 96`), or in the environment (`RITORNELLO_COMPOSE_TEMPO=96`).
"""

app = App(
    name="ritornello",
    help="Learns music from your own files and composes with you. Start with: ritornello compose",
    help_epilogue=_SETTINGS,
    version=__version__,
    help_format="markdown",
    # The first source that has a value wins, after the command line itself.
    config=[Env("RITORNELLO_", show=False), Toml(_SETTINGS_FILE)],
    exit_on_error=False,
    print_error=False,
    result_action="return_int_as_exit_code_else_zero",
    suppress_keyboard_interrupt=False,
)
app.command(compose, help_epilogue=f"{_COMPOSE_EXAMPLES}\n{INSTRUMENTS_HELP}")
for name, (verb, example) in _PARTNER.items():
    names = f"\n\n{INSTRUMENTS_HELP}" if verb is arrange else ""
    app.command(verb, name=name, help_epilogue=f"**Example**\n\n`{example}`{names}")
app.command(harmonise, name="harmonize", show=False)
app.command(remix, help_epilogue=f"{_REMIX_EXAMPLES}\n{INSTRUMENTS_HELP}")
app.command(studio)
app.command(tune)
app.command(transcribe, help_epilogue=INSTRUMENTS_HELP)
for command in (
    inspect,
    shards,
    train,
    evaluate,
    originality,
    plan,
    render,
    separate,
    train_separator,
    convert,
    models,
    papers,
    benchmark,
    doctor,
):
    app.command(command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command line (by default that of the process) and exit with its code."""
    code = run(arguments)
    try:
        sys.stdout.flush()
    except OSError:
        # Whoever read our output has gone; Python must not try to flush it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; every failure becomes one message."""
    write_anything()
    try:
        with print_warnings():
            given = sys.argv[1:] if arguments is None else arguments
            code = app([STREAM if word == "-" else word for word in given])
        sys.stdout.flush()  # a full disk behind a redirection shows here
        return int(code)
    except CycloptsError as error:
        command = " ".join(("ritornello", *(error.command_chain or ())))
        what = str(error).replace("TOMLDecodeError", f"{_SETTINGS_FILE} cannot be read")
        return _print_failure(error, what, f"See: {command} --help", 2)
    except RitornelloError as error:
        what = f"{error.where}: {error.what}" if error.where else error.what
        return _print_failure(error, what, error.next_step, error.exit_code)
    except KeyboardInterrupt as error:
        return _print_failure(error, "Interrupted.", "", _INTERRUPTED)
    except BrokenPipeError:
        return 0  # the reader, such as `head`, has seen enough
    except MemoryError as error:
        return _print_failure(
            error, "There is not enough memory for this.", "Try a smaller piece.", 1
        )
    except OSError as error:
        return _print_failure(error, _system_refusal(error), "", 1)
    except Exception as error:
        what = f"This is a fault of ritornello ({type(error).__name__}: {error})."
        step = "Set RITORNELLO_DEBUG=1, run it again, and report what it prints."
        return _print_failure(error, what, step, 1)


def _print_failure(error: BaseException, what: str, next_step: str, code: int) -> int:
    if os.environ.get("RITORNELLO_DEBUG"):
        traceback.print_exception(error)
    print_error(what, next_step)
    return code


def _system_refusal(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}The system refused: {error.strerror or error}."
