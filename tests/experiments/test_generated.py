"""Excerpts of real music, and pieces composed to match them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.generated.generated import compare_generated, compose_like, excerpt, excerpts
from experiments.music_sets import MusicSets
from ritornello.api import Composer
from ritornello.corpus.store import Corpus, Entry, write_store
from ritornello.generation.originality.copying import Passages
from ritornello.metrics.endings import closing_key
from ritornello.music.note_tables import note_table
from ritornello.music.piece import Metre, Piece
from ritornello.note_model.encoding import notes
from tests.examples import band


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> MusicSets:
    folder = tmp_path_factory.mktemp("store")
    pieces = [(band(seed, bars=20), "chorales", "train") for seed in range(6)]
    pieces += [(band(seed, 24, (3, 4)), "chorales", "valid") for seed in range(6, 9)]
    pieces += [(band(9, bars=20), "rags", "train")]
    entries = (
        (piece, Entry(f"{number}.mid", collection, split))
        for number, (piece, collection, split) in enumerate(pieces)
    )
    write_store(entries, folder)
    corpus = Corpus.open(folder)
    return MusicSets(corpus, corpus.collections, frozenset({"6.mid"}))


def test_only_the_asked_collections_count(music: MusicSets) -> None:
    assert len(music.indices("train")) == 7
    assert len(music.only("chorales").indices("train")) == 6
    assert not len(music.only("rags").indices("valid"))
    assert len(list(music.pieces("unseen"))) == 1


def test_an_excerpt_holds_what_begins_in_it() -> None:
    piece = band(bars=8)
    cut = excerpt(piece, 2 * 96, 4 * 96, Metre(0, 4, 4))
    expected = replace(
        piece,
        tracks=tuple(
            replace(track, notes=note_table(note._replace(onset_ticks=note.onset_ticks - 192)
                                            for note in track if 192 <= note.onset_ticks < 384))
            for track in piece.tracks
        ),
    ).tracks  # fmt: skip
    assert cut.tracks == expected
    assert cut.bar_count == 2


def test_excerpts_keep_the_metre_and_whole_bars(music: MusicSets) -> None:
    found = [*excerpts(music.only("chorales"), "valid", 12, np.random.default_rng(0))]
    assert len(found) == 12
    assert {piece.bar_count for piece in found} <= {8, 12, 16}
    assert {piece.metres for piece in found} == {(Metre(0, 3, 4),)}


def test_composed_pieces_match_their_models(music: MusicSets, tiny_model: Path) -> None:
    models = [*excerpts(music.only("chorales"), "valid", 5, np.random.default_rng(0))]
    composer = Composer.load(tiny_model)

    def settings(pieces: Iterable[Piece]) -> Counter[Any]:
        return Counter(
            (p.bar_count, p.metres, notes.instrumentation_of(notes.encode(p))) for p in pieces
        )

    free = compose_like(composer, models, "chorales", 0, keyed=False)
    keyed = compose_like(composer, models, "chorales", 0, keyed=True)
    assert settings(free) == settings(keyed) == settings(models)
    keys = Counter(str(piece.keys[0].key) for piece in keyed)
    assert keys == Counter(str(closing_key(piece)) for piece in models)


def test_all_figures_of_a_set(music: MusicSets, tiny_model: Path) -> None:
    training = {"texture": Passages(piece for _, piece in music.pieces("train"))}
    found = compare_generated(
        Composer.load(tiny_model), music.only("chorales"), training, 4, 0, lambda sentence: None
    )
    assert found["samples"] == 4
    assert 0 <= found["overlap with real test excerpts"]["composed"]["mean_of_core_features"] <= 1
    assert found["endings"]["real test pieces"]["pieces"] == 3
    copied = found["copying"]["texture"]
    assert copied["real test excerpts"]["share of 4 quarters"] == pytest.approx(1, abs=0.5)
    assert len(copied) == 4
