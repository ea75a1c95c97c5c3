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
from ritornello.evaluation.likelihood import evaluate
from ritornello.papers.ours import beginning
from ritornello.piece import Piece

BAND_SET = "band_arranged_synth"


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


def hear_the_others(pieces: list[Piece], model: Path | None = None) -> Hearing:
    """Score pieces whole and part by part, telling the model the line-up both times.

    Args:
        pieces: held out from the model's training. model: a file; None for the bundled model.

    Raises:
        InputError: if there is no piece. CheckpointError: if there is no such model.
    """
    bundled = Path(str(files("ritornello"))) / "assets" / "models" / "default"
    known = checkpoint.load(checkpoint.find(model or bundled))
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
