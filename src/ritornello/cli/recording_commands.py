"""`ritornello remix` and `transcribe`: a recording in, a band or its notes out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ritornello.cli.choices import SOLO_HELP
from ritornello.cli.options import (
    ANY_STYLE,
    NO_LIMITS,
    Flag,
    Metre,
    ModelChoice,
    Names,
    PartLimits,
    Style,
    some_names,
)
from ritornello.cli.recording_folder import transcribe_folder
from ritornello.cli.show import clock, out, print_json, progress, say
from ritornello.cli.streams import is_stream, read_from, write_to
from ritornello.errors import ConfigError

if TYPE_CHECKING:
    from ritornello.api import Remix, Transcription
    from ritornello.transcribe.values import Hints


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Hearing:
    """What you know of the recording, where it is not heard rightly.

    Attributes
    ----------
    tempo
        Beats a minute, about; your own timing around it is followed.
    metre
        Such as 4/4, 3/4 or 6/8.
    downbeat
        Second at which some bar begins.
    steady
        You played to a click: one tempo all along.
    beats
        File of beats by hand, as --write-beats writes it: a line has seconds and beat of the bar.
    instrument
        What plays, such as piano, guitar or violin; a piano if left out.
    """

    tempo: float | None = None
    metre: Metre | None = None
    downbeat: float | None = None
    steady: Flag = False
    beats: Path | None = None
    instrument: str | None = None

    def hints(self) -> Hints:
        from ritornello.generation.rules import parse_metre
        from ritornello.transcribe.beats_file import read_beats
        from ritornello.transcribe.values import Hints

        metre = None if self.metre is None else parse_metre(self.metre)
        hints = Hints(self.tempo, metre, self.downbeat, self.steady)
        return hints if self.beats is None else read_beats(self.beats, hints)


_BY_EAR, _USUAL_WRITER = Hearing(), ModelChoice()


def remix(
    recording: Annotated[Path, Parameter(help=SOLO_HELP)],
    /,
    *,
    stem: str | None = None,
    parts: Names = ("bass,drums,piano,other",),
    duration: float | None = None,
    loop: bool = True,
    keep_solo: bool = True,
    form: str | None = None,
    hearing: Hearing = _BY_EAR,
    style: Style = ANY_STYLE,
    limits: PartLimits = NO_LIMITS,
    writer: ModelChoice = _USUAL_WRITER,
    soundfont: Path | None = None,
    output: Annotated[Path, Parameter(alias="-o")] = Path("remix"),
    overwrite: Flag = False,
    json: Flag = False,
) -> None:
    """Put a band under a recording of one instrument.

    The band follows your timing and your key. You get each part and your recording as stems, the
    mix, the MIDI of all of them, and a report to look at and listen to.

    Parameters
    ----------
    stem
        To follow one of several: bass, piano or other of a mix, or a file of a folder by name.
    parts
        Who plays along, such as bass,drums; "other" is strings or a guitar.
    duration
        Seconds the remix lasts, exactly; by default as long as the recording.
    loop
        Whether the recording comes round again if the remix is longer; else it rests.
    keep_solo
        Whether you are in the mix too; --no-keep-solo makes a backing track.
    form
        Sections of the recording, such as "A 8, B 8, A 8", if not heard rightly; or none.
    soundfont
        A SoundFont (sf2, sf3) to play the band with.
    output
        Folder to write into.
    overwrite
        Replace files that are there.
    json
        Print the result for programs.
    """
    from ritornello import api

    names = some_names(parts, "Nobody", "--parts", "bass,drums")
    seed = writer.seed_or_any()
    options: dict[str, Any] = {**writer.boldness(), **style.fields(), **limits.fields()}
    start = time.monotonic()
    with read_from(recording) as source, _steps() as watch:
        made = api.remix(
            source,
            output,
            stem=stem,
            parts=names,
            duration_seconds=duration,
            loop=loop,
            keep_solo=keep_solo,
            form=form,
            hints=hearing.hints(),
            instrument=hearing.instrument,
            model=writer.model,
            soundfont=soundfont,
            overwrite=overwrite,
            seed=seed,
            watch=watch,
            **options,
        )
    if json:
        print_json({"seed": seed, **made.as_facts()})
    else:
        _print_remix(made)
        say(f"Done in {time.monotonic() - start:.1f} seconds, with seed {seed}.")


def transcribe(
    recording: Annotated[Path, Parameter(help=f"{SOLO_HELP} Or a folder of them.")],
    /,
    *,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    to: str = "mid",
    key: str | None = None,
    hearing: Hearing = _BY_EAR,
    band: Flag = False,
    write_beats: Path | None = None,
    overwrite: Flag = False,
    json: Flag = False,
) -> None:
    """Write down what one instrument plays in a recording, or a whole band.

    The notes stay as they were played, on a tempo map of the player's own beats. Of a folder, each
    recording: its notes are what `ritornello train` can learn from.

    Parameters
    ----------
    output
        File to write, such as take.mid, or -; of a folder a folder. By default the name, with .mid.
    to
        Ending of what goes to standard output or into a folder.
    key
        Tonic and scale, such as "D minor", if it is not heard rightly.
    band
        The recording is of a band: take it apart, and write down bass, drums, piano and the others.
    write_beats
        Text file for the beats, to correct and give back with --beats.
    overwrite
        Replace a file that is there.
    json
        Print the result for programs.
    """
    from ritornello import api
    from ritornello.atomic import refuse_existing
    from ritornello.transcribe.beats_file import write_beats as save_beats

    known: dict[str, Any] = {
        "hints": hearing.hints(),
        "key": key,
        "instrument": hearing.instrument,
        "overwrite": overwrite,
    }

    def write(source: Path, file: Path, **separating: Any) -> Transcription:
        if band:
            return api.transcribe_band(source, file, **known, **separating)
        return api.transcribe(source, file, **known)

    if recording.is_dir():
        _of_one_recording(beats=hearing.beats, write_beats=write_beats, downbeat=hearing.downbeat)
        target = output or Path(f"{recording.resolve().name}-notes")
        transcribe_folder(recording, target, write, ending=to, overwrite=overwrite, json=json)
        return
    target = output or Path("stdin.mid" if is_stream(recording) else f"{recording.stem}.mid")
    if json and is_stream(target):
        raise ConfigError("Standard output holds notes or JSON, not both.", where="--json")
    if write_beats is not None:
        refuse_existing(write_beats, overwrite)
    start = time.monotonic()
    with (
        write_to(target, to) as file,
        read_from(recording) as source,
        progress("Listening") as watch,
    ):
        transcription = write(
            source, file, progress=lambda done, total: watch(done, total, "Separating")
        )
        if write_beats is not None:
            save_beats(transcription.beats, write_beats, overwrite=overwrite)
    if json:
        print_json({"file": str(target), **transcription.as_facts()})
    elif not is_stream(target):
        _print_transcription(transcription)
        out.print(f"  {target}", markup=False)
        say(f"Done in {time.monotonic() - start:.1f} seconds.")


def _of_one_recording(**options: object) -> None:
    """Refuse what is true of one recording alone where there is a folder of them."""
    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value is not None]
    if given:
        raise ConfigError(
            f"{' and '.join(given)} is of one recording, and a folder was given.",
            next_step="Leave it out, or write the recordings down one by one.",
        )


# --- words ------------------------------------------------------------------------------------


@contextmanager
def _steps() -> Iterator[Callable[[str, int, int], None]]:
    """What to call with (step, done, total); a bar on a terminal."""
    with progress("Listening") as watch:
        yield lambda step, done, total: watch(done, total, step.capitalize())


def _print_transcription(transcription: Transcription) -> None:
    out.print(f"Heard in {transcription.recording.path.name}", style="bold", markup=False)
    for line in transcription.describe():
        out.print(f"  {line}", markup=False)
    for finding in transcription.findings:
        out.print(f"  Note: {finding.sentence}", markup=False)


def _print_remix(made: Remix) -> None:
    from ritornello.plan.song_form import form_text

    _print_transcription(made.transcription)
    length = clock(made.form.duration_seconds)
    title = f"Remix: {made.piece.bar_count} bars, {length}, {made.mix.lufs:.1f} LUFS"
    out.print(title, style="bold", markup=False)
    if len(made.sections) > 1:
        out.print(f"  form: {form_text(made.sections)}", markup=False)
    notes = ", ".join(f"{name} ({count})" for name, count in made.note_counts.items())
    out.print(f"  notes: {notes}", markup=False)
    for path in made.files:
        out.print(f"  {path}", markup=False)
