"""What the authors of `remix2023` left open, measured on the bundled note model.

None of their architectures knows both its own past and the other instruments. The note model reads
all parts as one sequence, so it conditions on both. How much the others tell it is the nats it
saves when it scores pieces whole instead of one part at a time: both are exact codes of the same
notes, and alone a part has its own past only. The opposite, the others without the own past, cannot
be had from one state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from ritornello import checkpoint, io
from ritornello.corpus.grid import on_grid
from ritornello.errors import InputError
from ritornello.evaluation.likelihood import evaluate
from ritornello.papers.ours import beginning
from ritornello.papers.study import Study
from ritornello.piece import Piece

BAND_SET = "band_arranged_synth"
BUNDLED = Path(str(files("ritornello"))) / "assets" / "models" / "default"
_BAND_PIECES, _BAND_SECONDS = 20, 20.0


@dataclass(frozen=True)
class Hearing:
    """Nats per note of the same notes, scored together and part by part.

    Attributes:
        pieces, parts, notes: how many.
        together, alone: nats per note, all fields. together_pitch, alone_pitch: of pitch only.
    """

    pieces: int
    parts: int
    notes: int
    together: float
    alone: float
    together_pitch: float
    alone_pitch: float

    def sentence(self) -> str:
        """The measurement in one line."""
        return (
            f"Yes, for notes: the bundled model reads all parts as one sequence. "
            f"{self.together:.2f} nats per note with every part heard against {self.alone:.2f} "
            f"with each part's own past alone (pitch {self.together_pitch:.2f} against "
            f"{self.alone_pitch:.2f}), on {self.notes} notes of {self.pieces} held-out band "
            f"pieces in {self.parts} parts, both told who plays. The others without the own past "
            "were not measured: both live in one state. For sound: not yet."
        )


def wishes(study: Study) -> dict[str, str]:
    """What the authors left open, answered by a measurement or by "not yet"."""
    try:
        pieces = held_out_band(study.music_set(BAND_SET), _BAND_PIECES, _BAND_SECONDS)
        study.say(f"scoring {len(pieces)} band pieces together and part by part")
        both = hear_the_others(pieces).sentence()
    except InputError as error:
        both = f"Not measured here: {error.what}"
    return {
        "dependency on one's own past and on the other instruments at once": both,
        "a remix without noise, and noise reduction that removes no notes": "Not yet.",
        "no borders between chunks": "Not yet for remixes.",
        "a remix of any duration the user asks for": "Not yet.",
    }


def hear_the_others(pieces: list[Piece], model: Path | None = None) -> Hearing:
    """Score pieces whole and part by part, telling the model the line-up both times.

    Args:
        pieces: held out from the model's training. model: a file; None for the bundled model.

    Raises:
        InputError: if there is no piece. CheckpointError: if there is no such model.
    """
    known = checkpoint.load(checkpoint.find(model or BUNDLED))
    alone = [
        replace(piece, tracks=(track,)) for piece in pieces for track in piece.tracks if len(track)
    ]
    whole, apart = (
        evaluate(known, [(BAND_SET, piece) for piece in kind], controls="given")
        for kind in (pieces, alone)
    )
    return Hearing(
        len(pieces),
        len(alone),
        whole["notes"],
        whole["nats_per_note"],
        apart["nats_per_note"],
        whole["fields"]["pitch"],
        apart["fields"]["pitch"],
    )


def held_out_band(folder: Path, count: int, seconds: float) -> list[Piece]:
    """The beginnings of pieces spread evenly over the validation side of the band set."""
    paths = sorted((folder / "valid").glob("*.mid"))
    chosen = paths[:: max(1, len(paths) // count)][:count]
    return [beginning(on_grid(io.read(path))[0], seconds) for path in chosen]
