"""`ritornello transcribe FOLDER`: a folder of recordings to a folder of notes, file by file.

So that `ritornello train` can learn from what somebody played. A recording in which nothing can be
heard is named and left out; one whose notes are there already is not heard again, so that a long
evening's work goes on where it was stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ritornello.cli.show import out, print_json, progress, say
from ritornello.dsp.sound_formats import AUDIO_SUFFIXES, PYAV_SUFFIXES
from ritornello.errors import InputError, RitornelloError

if TYPE_CHECKING:
    from ritornello.api import Transcription

_ENDINGS = AUDIO_SUFFIXES | PYAV_SUFFIXES | {".aif", ".aiff", ".au", ".caf", ".mp2", ".opus"}


@dataclass(frozen=True)
class Take:
    """A recording of a folder: its path there, and the file that its notes are for."""

    name: str
    recording: Path
    notes: Path


def takes_of(folder: Path, target: Path, ending: str) -> list[Take]:
    """The recordings below a folder, sorted; hidden files and folders are left out.

    Two that differ in their ending alone keep it in the names of their notes.

    Raises:
        InputError: if there is none.
    """
    names = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    names = sorted(name for name in names if not any(part[0] == "." for part in name.parts))
    found = [name for name in names if name.suffix.lower() in _ENDINGS]
    if not found:
        raise InputError(
            f"No recording in this folder, which holds {len(names)} other files.",
            where=str(folder),
            next_step=f"Recordings end in {', '.join(sorted(_ENDINGS))}.",
        )
    alike = Counter(name.with_suffix("") for name in found)
    return [
        Take(
            name.as_posix(),
            folder / name,
            target / name.with_name(
                f"{name.stem if alike[name.with_suffix('')] == 1 else name.name}.{ending}"
            ),
        )
        for name in found
    ]  # fmt: skip


def transcribe_folder(
    folder: Path,
    target: Path,
    write: Callable[[Path, Path], Transcription],
    *,
    ending: str,
    overwrite: bool,
    json: bool,
) -> None:
    """Write the notes of each recording below a folder, and say what became of each.

    Args:
        target: the folder for the notes, with the sub-folders of ``folder``.
        write: the notes of a recording into a file.

    Raises:
        InputError: if there is no recording, or nothing can be heard in any.
    """
    takes = takes_of(folder, target, ending)
    kept = [] if overwrite else [take for take in takes if take.notes.exists()]
    written, failed = [], []
    with progress("Listening") as watch:
        for done, take in enumerate(takes):
            watch(done, len(takes), take.name)
            if take in kept:
                continue
            try:
                take.notes.parent.mkdir(parents=True, exist_ok=True)
                transcription = write(take.recording, take.notes)
            except RitornelloError as error:
                failed.append({"recording": take.name, "reason": error.what})
                say(f"{take.name}: not used. {error.what}")
                continue
            written.append(
                {"recording": take.name, "file": str(take.notes), **transcription.as_facts()}
            )
            if not json:
                out.print(f"{take.name}: {' '.join(transcription.describe()[1:])}", markup=False)
    if not written and not kept:
        raise InputError(
            f"Nothing can be heard in any of the {len(takes)} recordings.", where=str(folder)
        )
    if json:
        there = [str(take.notes) for take in kept]
        print_json({"written": written, "kept": there, "rejected": failed})
        return
    again = f", {len(kept)} were there already (--overwrite hears them again)" if kept else ""
    left_out = f", {len(failed)} not used" if failed else ""
    out.print(f"{len(written)} of {len(takes)} recordings written down{again}{left_out}.")
    out.print(f"  {target}", markup=False)
