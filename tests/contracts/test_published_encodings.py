"""Every published representation: what survives it once survives it always.

Reading music into a representation and back loses something in most of them. What comes back must
be music that the representation holds without any further loss, note for note; otherwise encode and
decode do not mean the same.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import ritornello.note_model.encoding
from ritornello.dsp.waveform import Waveform
from ritornello.music.piece import Piece
from ritornello.note_model.encoding import notes
from ritornello.papers.groovybee2018 import encoding as velocity_roll
from ritornello.papers.hybrid_gru2023 import encoding as pitch_step_duration
from ritornello.papers.lakh_lstm import encoding as chord_tokens
from ritornello.papers.polyphony import encoding as frames
from ritornello.papers.remix2023 import encoding as audio_chunks
from ritornello.papers.rhythmix2024 import encoding as onehot_events
from tests.strategies import pieces


@dataclass(frozen=True)
class Representation:
    """There and back, on what, and what of the result must stay."""

    music: st.SearchStrategy[Any]
    through: Callable[[Any], Any]
    kept: Callable[[Any], Any]


def _tracks(piece: Piece) -> list[Any]:
    return [(t.program, t.is_drum, t.notes.tolist()) for t in piece.tracks if len(t)]


def _steps(piece: Piece) -> Piece:
    encode, decode = pitch_step_duration.encode, pitch_step_duration.decode
    tracks = tuple(
        decode(
            encode(track, piece.resolution),
            resolution=piece.resolution,
            program=track.program,
            is_drum=track.is_drum,
        )
        for track in piece.tracks
        if len(track)
    )
    return Piece(tracks, piece.resolution)


def _spelled(roll: np.ndarray) -> np.ndarray:
    return frames.decode(frames.spell(roll), len(roll), roll.shape[1])


_SOUNDS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 50), st.integers(1, 2)),
    elements=st.floats(-1, 1, width=32),
).map(lambda samples: Waveform(samples, 16))
_ROLLS = arrays.arrays(bool, st.tuples(st.integers(1, 6), st.just(1), st.just(frames.PITCHES)))

REPRESENTATIONS = {
    chord_tokens: Representation(
        pieces(),
        lambda piece: chord_tokens.decode(chord_tokens.encode(piece).tokens),
        _tracks,
    ),
    onehot_events: Representation(
        pieces(),
        lambda piece: onehot_events.decode(onehot_events.encode(piece).lines),
        _tracks,
    ),
    velocity_roll: Representation(
        pieces(),
        lambda piece: velocity_roll.decode(velocity_roll.encode(piece, 4), 4),
        _tracks,
    ),
    pitch_step_duration: Representation(pieces(), _steps, _tracks),
    audio_chunks: Representation(
        _SOUNDS,
        lambda sound: audio_chunks.decode(audio_chunks.encode(sound)),
        lambda sound: (sound.samples.tolist(), sound.rate_hz),
    ),
    frames: Representation(_ROLLS, _spelled, np.ndarray.tolist),
}


def _name(module: Any) -> str:
    result: str = module.__name__.rpartition(".")[2]
    return result


@pytest.mark.parametrize("module", REPRESENTATIONS, ids=_name)
def test_what_survives_once_survives_always(module: Any) -> None:
    representation = REPRESENTATIONS[module]

    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    @given(representation.music)
    def check(music: Any) -> None:
        once = representation.through(music)
        assert representation.kept(representation.through(once)) == representation.kept(once)

    check()


def test_no_representation_is_left_out() -> None:
    for info in pkgutil.iter_modules(
        ritornello.note_model.encoding.__path__, "ritornello.note_model.encoding."
    ):
        module = importlib.import_module(info.name)
        both = hasattr(module, "encode") and hasattr(module, "decode")
        if both and module is not notes:
            assert module in REPRESENTATIONS, f"{info.name} has no line in this contract"
