"""What is usual in a style: its beats are those that are held, its tempi those of its music."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello.generation.composer import Composer
from ritornello.music.piece import Piece
from ritornello.plan.drum_grooves import BEAT_KEYS, CRASH, KICK, Beat
from ritornello.plan.style_usages import is_own_music, usages_of


def kit(piece: Piece, bar: int = 5) -> set[tuple[int, int]]:
    """Ticks and keys of a bar; by default the sixth, in which a section holds its beat."""
    (drums,) = (track for track in piece.tracks if track.is_drum)
    ticks, keys = drums.notes["onset"] - bar * 96, drums.notes["pitch"]
    return {(int(t), int(k)) for t, k in zip(ticks, keys, strict=True) if 0 <= t < 96}


def strokes(beat: Beat) -> set[tuple[int, int]]:
    """Ticks and keys."""
    return {stroke[:2] for stroke in beat.strokes()}


@pytest.fixture(scope="module")
def composer() -> Composer:
    return Composer.load()


@pytest.mark.parametrize("style", ["reggae", "bossa", "latin", "hiphop"])
def test_a_style_has_its_own_beat_and_tempo(composer: Composer, style: str) -> None:
    usages = usages_of(f"band_{style}")
    assert usages is not None
    piece = composer.compose(collection=style, form="A 8, A 8", metre=(4, 4), seed=3)
    assert piece.tempos[0].bpm in usages.tempi
    grooves = [groove for drummer in usages.drummers[4, 4] for groove in drummer]
    assert kit(piece) in [strokes(groove.beat(5)) for groove in grooves]
    assert composer.compose(collection=style, bars=8, tempo_bpm=77.0).tempos[0].bpm == 77


def test_a_drummer_of_a_style_holds_a_groove_and_leads_on_with_one_of_its_fills(
    composer: Composer,
) -> None:
    usages = usages_of("band_soul")
    assert usages is not None
    grooves = [groove for drummer in usages.drummers[4, 4] for groove in drummer]
    piece = composer.compose(collection="soul", form="A 8, B 8", metre=(4, 4), seed=5)
    found = [kit(piece, bar) for bar in range(8)]
    held = [
        groove
        for groove in grooves
        if all(strokes(groove.beat(bar)) == found[bar] for bar in (1, 2, 3, 6))
    ]
    assert held
    assert found[7] in [strokes(fill) for groove in held for fill in groove.fills]
    assert kit(piece, 15) == {(0, KICK), (0, CRASH)}


def test_beats_need_keys_and_leave_some() -> None:
    usages = usages_of("band_funk")
    assert usages is not None
    every = range(128)
    assert usages.drummers_within((4, 4), every)
    assert not usages.drummers_within((4, 4), {36, 38})
    struck = {key for drummer in usages.drummers[4, 4] for groove in drummer for key in groove.keys}
    assert not usages.drummers_within((4, 4), struck | {*BEAT_KEYS})
    assert usages.draw_tempo(np.random.default_rng(1)) in usages.tempi


def test_an_orchestra_is_more_than_a_quartet(composer: Composer) -> None:
    assert len(composer.compose(collection="orchestra", bars=4, seed=1).tracks) > 4
    assert usages_of("nobody's music") is None


def test_the_bass_of_a_style_is_as_busy_as_there(composer: Composer) -> None:
    parts = ("drums", "bass", "piano", "flute")
    piece = composer.compose(collection="dance", parts=parts, form="A 8, A 8", seed=2)
    (bass,) = (track for track in piece.tracks if track.name == "bass")
    assert 1.4 < len(bass) / piece.length_beats < 2.2
    asked = composer.compose(
        collection="dance", parts=parts, bars=8, densities={"bass": 0.5}, seed=2
    )
    (bass,) = (track for track in asked.tracks if track.name == "bass")
    assert len(bass) / asked.length_beats < 0.8


def test_music_that_nothing_was_counted_in_is_somebodys_own() -> None:
    bundled = Composer.load().collections
    assert not any(map(is_own_music, (None, *bundled)))
    assert is_own_music("mine")
