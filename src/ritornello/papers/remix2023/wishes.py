"""What the authors of `remix2023` left open, measured on the bundled note model.

None of their architectures knows both its own past and the other instruments. The note model reads
all parts as one sequence, so it conditions on both. How much the others tell it is the nats it
saves when it scores pieces whole instead of one part at a time: both are exact codes of the same
notes, and alone a part has its own past only. The opposite, the others without the own past, cannot
be had from one state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ritornello.errors import InputError
from ritornello.music import io
from ritornello.music.grid import on_grid
from ritornello.music.piece import Piece
from ritornello.music.slicing import slice_seconds
from ritornello.note_model import checkpoint
from ritornello.note_model.likelihood import evaluate
from ritornello.papers.remix2023.band import any_duration, band_under, no_borders
from ritornello.papers.shared import partner
from ritornello.papers.shared.ours import BUNDLED
from ritornello.papers.shared.study import Study
from ritornello.synth.render import LONGEST_SECONDS

BAND_SET = "band_arranged_synth"
BOTH = "dependency on one's own past and on the other instruments at once"
NO_NOISE = "a remix without noise, and noise reduction that removes no notes"
NO_BORDERS = "no borders between chunks"
ANY_DURATION = "a remix of any duration the user asks for"
_BAND_SECONDS = 20.0
_FOR_RECORDINGS = {
    BOTH: "For a recording: `ritornello remix` writes down the notes it hears in it, and the same "
    "model hears these and what it has written itself.",
    NO_NOISE: "For a recording: the parts that `ritornello remix` adds are rendered from notes, so "
    "none of its noise is in them; the solo is the recording, whose noise is not reduced.",
    NO_BORDERS: "For a recording: `ritornello remix` writes the band in one pass, without chunks; "
    "`python -m experiments.remix band` measures the borders of the blocks it is rendered in.",
    ANY_DURATION: "For a recording: `ritornello remix` writes stems and a mix of exactly the "
    f"seconds asked for, up to {LONGEST_SECONDS // 3600} hours, and the MIDI of each; "
    "`python -m experiments.remix band` measures the lengths.",
}


@dataclass(frozen=True)
class JointScore:
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
    given: partner.ConditioningGain

    def sentence(self) -> str:
        """The measurement in one line."""
        return (
            f"Yes, for notes: the bundled model reads all parts as one sequence. "
            f"{self.together:.2f} nats per note with every part heard against {self.alone:.2f} "
            f"with each part's own past alone (pitch {self.together_pitch:.2f} against "
            f"{self.alone_pitch:.2f}), on {self.notes} notes of {self.pieces} held-out band "
            f"pieces in {self.parts} parts, both told who plays. One part that hears all others, "
            f"what is to come too: {self.given.heard:.2f} nats per note, without them "
            f"{self.given.alone:.2f}. The others without the own past were not measured: both live "
            "in one state."
        )


def wishes(study: Study) -> dict[str, str]:
    """What the authors left open, answered by measurements on notes."""
    try:
        count = study.settings["band_pieces"]
        pieces = held_out_band(study.music_set(BAND_SET), count, _BAND_SECONDS)
    except InputError as error:
        return {BOTH: f"Not measured here: {error.what}"}
    study.say(f"scoring {len(pieces)} band pieces together and part by part")
    both = score_jointly(pieces).sentence()
    study.say("our own model writes bass and drums under given lines")
    chunk_seconds = study.settings["chunk_seconds"]
    band = band_under(BUNDLED, pieces, chunk_seconds=chunk_seconds, seed=study.seed)
    return {BOTH: both, NO_BORDERS: no_borders(band), ANY_DURATION: any_duration(band)}


def answer_wishes(for_notes: dict[str, str], for_stems: dict[str, str]) -> dict[str, str]:
    """All wishes: what is true of notes, of stems that ours renders, and of recordings."""
    return {
        wish: " ".join(filter(None, (for_notes.get(wish), for_stems.get(wish), of_recording)))
        for wish, of_recording in _FOR_RECORDINGS.items()
    }


def score_jointly(pieces: list[Piece], model: Path | None = None) -> JointScore:
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
    return JointScore(
        len(pieces),
        len(alone),
        whole["notes"],
        whole["nats_per_note"],
        apart["nats_per_note"],
        whole["fields"]["pitch"],
        apart["fields"]["pitch"],
        partner.conditioning_gain(model or BUNDLED, pieces, "vary"),
    )


def held_out_band(folder: Path, count: int, seconds: float) -> list[Piece]:
    """The beginnings of pieces spread evenly over the validation side of the band set."""
    paths = sorted((folder / "valid").glob("*.mid"))
    chosen = paths[:: max(1, len(paths) // count)][:count]
    return [slice_seconds(on_grid(io.read(path))[0], seconds) for path in chosen]
