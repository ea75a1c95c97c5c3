"""A piano alone is one player with two hands."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.generated.judge import violations
from ritornello.generation.composer import Composer
from ritornello.generation.instrumentation import Instrumentation
from ritornello.generation.note_feed import NewNote, NoteFeed
from ritornello.generation.rules import Rules
from ritornello.generation.two_hands import as_one, for_two_hands
from ritornello.music.instruments import parse_instrument
from ritornello.music.io.midi_write import write_bytes
from ritornello.note_model.encoding.notes import PART, PITCH, REST, SHIFT, part_of

DUET = [Instrumentation(("piano", "piano"), 2.0), Instrumentation(("piano",), 1.0)]


@pytest.fixture(scope="module")
def composer() -> Composer:
    return Composer.load()


@pytest.mark.parametrize("seed", range(3, 6))
def test_a_piano_alone_has_something_under_its_tune(composer: Composer, seed: int) -> None:
    heard: list[NewNote] = []
    piece = composer.compose(
        bars=16, parts=("piano",), seed=seed, hear=NoteFeed(heard.extend, returning_too=True)
    )
    (piano,) = piece.tracks
    assert piano.name == "piano"
    assert {note.part for note in heard} == {"piano"}
    assert len(heard) == len(piano)
    sounding = np.zeros(piece.length_ticks, int)
    for onset, duration, *_ in piano.notes.tolist():
        sounding[onset : onset + duration] += 1
    assert (sounding >= 2).mean() > 0.4
    onsets = piano.notes["onset"] * 128 + piano.notes["pitch"]
    assert len(np.unique(onsets)) == len(onsets)


def test_the_left_hand_lies_low(composer: Composer) -> None:
    """Of 109 training pieces for two hands a twentieth of the notes is below 47, ours were 54."""
    pieces = composer.compose_many(6, bars=16, parts=("piano",), seed=1)
    low = [np.percentile(piece.tracks[0].notes["pitch"], 5) for piece in pieces]
    assert 44 < np.mean(low) < 53
    high = composer.compose(bars=8, parts=("piano",), ranges={"piano": (60, 84)}, seed=1)
    assert high.tracks[0].notes["pitch"].min() >= 60


@pytest.mark.parametrize("seed", range(4))
def test_rules_hold_for_both_hands(composer: Composer, seed: int) -> None:
    rules = Rules(6, parts=("piano",), key="C major", ranges={"piano": (48, 79)})
    piece = composer.compose(rules, seed=seed)
    assert not violations(write_bytes(piece), rules)


def test_a_plan_for_both_hands_gives_the_same_piece(composer: Composer) -> None:
    asked = {"parts": ("piano",), "key": "G minor", "seed": 2}
    plan = composer.plan(form="A 4, A 4", **asked)  # type: ignore[arg-type]
    assert composer.compose(plan=plan, **asked).tracks == (  # type: ignore[arg-type]
        composer.compose(form="A 4, A 4", **asked).tracks  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    "rules",
    [
        Rules(4, parts=("flute",)),
        Rules(4, parts=("piano", "bass")),
        Rules(4, parts=("piano",), polyphony={"piano": 1}),
        Rules(4),
    ],
)
def test_others_stay_as_they_are(rules: Rules) -> None:
    assert for_two_hands(rules, None, DUET) is None
    assert for_two_hands(Rules(4, parts=("piano",)), None, DUET[1:]) is None
    assert for_two_hands(Rules(4, parts=("piano",)), None, DUET) is not None


def test_a_key_that_both_hands_strike_is_struck_once() -> None:
    first = part_of(parse_instrument("piano"), 0)
    events = np.array([
        (0, first, 60, 5, 20), (0, first + 1, 60, 5, 20), (12, first + 1, 60, 5, 20),
    ])  # fmt: skip
    found = as_one(events, first + 1)
    assert found[:, PART].tolist() == [first, REST, first]
    assert found[:, SHIFT].tolist() == [0, 0, 12]
    assert found[0, PITCH] == 60
    assert as_one(events, None) is events
