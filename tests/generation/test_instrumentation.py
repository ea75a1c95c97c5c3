"""What nobody asks for comes from the music that the model learned from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ritornello.generation.instrumentation import (
    fill_in_instrumentation,
    likely_collection,
    own_drumming,
    read_instrumentations,
)
from ritornello.generation.rules import Rules
from ritornello.generation.usual_music import UsualMusic, draw_key, draw_tempo

INSTRUMENTATIONS = read_instrumentations(
    [
        (("piano", "voice"), 5.0, "songs"),
        (("piano",) * 4, 2.0, "hymns"),
        (("drums", "bass", "piano", "lead"), 1.0, "bands"),
        (("harp",), 1.0),
    ]
)


@pytest.mark.parametrize(
    ("players", "collection"),
    [
        (("piano", "piano", "piano", "piano"), "hymns"),
        (("flute", "bass", "drums"), "bands"),
        (("voice",), "songs"),
        (("tuba",), None),
        (("harp",), None),
    ],
)
def test_players_are_at_home_where_line_ups_are_most_like_them(
    players: tuple[str, ...], collection: str | None
) -> None:
    assert likely_collection(players, INSTRUMENTATIONS) == collection


def test_parts_left_open_are_those_of_the_collection_asked_for() -> None:
    for seed in range(8):
        rules = fill_in_instrumentation(
            Rules(collection="hymns"), INSTRUMENTATIONS, np.random.default_rng(seed)
        )
        assert (rules.parts, rules.collection) == (("piano",) * 4, "hymns")


def test_what_is_asked_for_stays() -> None:
    asked = Rules(parts=("flute",), collection="bands")
    assert fill_in_instrumentation(asked, INSTRUMENTATIONS, np.random.default_rng(0)) == asked


def test_keys_are_in_minor_as_often_as_in_the_collection() -> None:
    shares = UsualMusic({"hymns": 0.0, "songs": 1.0})
    rng = np.random.default_rng(0)
    for collection, minor in (("hymns", False), ("songs", True)):
        key = draw_key(Rules(collection=collection), shares, rng)
        assert key is not None
        assert key.is_minor == minor
    keys = [draw_key(Rules(), shares, rng) for _ in range(200)]
    assert 0.3 < np.mean([key is not None and key.is_minor for key in keys]) < 0.7
    assert draw_key(Rules(key="C major"), shares, rng) is None
    assert draw_key(Rules(), UsualMusic(), rng) is None


def test_keys_are_those_of_the_collection_where_they_were_counted() -> None:
    usual = UsualMusic({"jigs": 0.2}, {"jigs": {"D major": 3, "E minor": 1}})
    rng = np.random.default_rng(1)
    keys = [str(draw_key(Rules(collection="jigs"), usual, rng)) for _ in range(400)]
    assert {*keys} == {"D major", "E minor"}
    assert keys.count("D major") / 400 == pytest.approx(0.75, abs=0.08)


def test_a_metre_left_open_goes_with_the_players() -> None:
    known = read_instrumentations(
        [[["flute"], 3, "jigs", "6/8"], [["violin"], 1, "reels", "2/2"], [["piano"], 9, "old"]]
    )
    rng = np.random.default_rng(2)
    drawn = [fill_in_instrumentation(Rules(), known, rng) for _ in range(60)]
    metres = {(rules.parts, rules.counts) for rules in drawn}
    assert metres == {(("flute",), (6, 8)), (("violin",), (2, 2)), (("piano",), (4, 4))}
    asked = fill_in_instrumentation(Rules(parts=("flute",)), known, rng)
    assert (asked.collection, asked.counts) == ("jigs", (6, 8))
    assert fill_in_instrumentation(Rules(metre="3/4"), known, rng).counts == (3, 4)


def test_a_style_that_names_nobody_has_the_players_of_its_set() -> None:
    known = read_instrumentations(
        [[["voice"] * 4, 9, "hymns"], [["drums", "bass"], 1, "band_pop"], [["flute"], 1, "band"]]
    )
    rng = np.random.default_rng(3)
    drawn = {
        fill_in_instrumentation(Rules(collection="band_funk"), known, rng).parts for _ in range(30)
    }
    assert drawn == {("drums", "bass"), ("flute",)}


def test_who_asks_for_nothing_gets_players_who_make_a_piece() -> None:
    odd = [[["cello"], 3], [["piano"] * 4, 3], [["flute"], 1]]
    whole = [[["piano"], 9], [["voice"] * 4, 9], [["violin", "cello"], 9]]
    rng = np.random.default_rng(4)

    def drawn(entries: list[list[object]]) -> set[tuple[str, ...]]:
        known = read_instrumentations(entries)
        parts = {fill_in_instrumentation(Rules(), known, rng).parts for _ in range(60)}
        return {players for players in parts if players}

    assert drawn(odd + whole) == {tuple(players) for players, _ in whole}  # type: ignore[arg-type]
    assert drawn(odd) == {tuple(players) for players, _ in odd}  # type: ignore[arg-type]


def test_a_band_that_is_drawn_has_somebody_for_its_tune() -> None:
    bands = [
        [["drums", "bass", "piano", "flute"], 1],
        [["drums", "bass", "piano", "piano", "strings"], 9],
        [["drums", "bass", "strings", "strings"], 9],
    ]
    rng = np.random.default_rng(5)

    def drawn(entries: list[list[object]]) -> int:
        known = read_instrumentations(entries)
        return len({fill_in_instrumentation(Rules(), known, rng).parts for _ in range(60)})

    assert drawn(bands) == 1
    assert drawn(bands[1:]) == 2  # as there is nobody else


@pytest.mark.parametrize(
    ("chords", "key"),
    [
        ("C/E Am7/G", "C major"), ("Am F C G", "C major"), ("Dm7 | G7 | Cmaj7 | %", "C major"),
        ("A7 A7 A7 A7 D7 D7 A7 A7 E7 D7 A7 E7", "A major"), ("Am Dm E7 Am", "A minor"),
    ],
)  # fmt: skip
def test_chords_have_a_key_of_their_own(chords: str, key: str) -> None:
    usual = UsualMusic({"jigs": 0.2}, {"jigs": {"Eb major": 1}})
    asked = Rules(collection="jigs", chords=chords)
    assert str(draw_key(asked, usual, np.random.default_rng(1))) == key


def test_a_tempo_is_one_of_the_music_in_the_metre() -> None:
    tempos = {"jigs": {"6/8": {"120": 3, "96": 1}, "3/4": {"60": 1}}}
    usual = UsualMusic(tempos=tempos)
    rng = np.random.default_rng(0)

    def drawn(**rules: Any) -> set[float | None]:
        return {draw_tempo(Rules(**rules), usual, rng) for _ in range(50)}

    assert drawn(collection="jigs", metre="6/8") == {96.0, 120.0}
    assert drawn(collection="jigs", metre="3/4") == {60.0}
    assert drawn(collection="jigs", metre="4/4") == {96.0, 120.0}, "of most of the music"
    assert drawn(collection="hymns") == {None}


def test_players_that_the_only_music_does_not_have_play_it() -> None:
    waltzes = read_instrumentations([(("piano",), 4.0, "waltzes", "3/4")])
    rules = fill_in_instrumentation(Rules(parts=("flute",)), waltzes, np.random.default_rng(0))
    assert (rules.collection, rules.counts) == ("waltzes", (3, 4))
    assert rules.parts == ("flute",)


def test_drummers_of_somebodys_own_music_are_those_it_has() -> None:
    known = read_instrumentations(
        [
            (("piano",), 4.0, "waltzes"),
            (("drums", "bass"), 1.0, "songs"),
            (("drums",), 1.0, "groove_jazz"),
        ]
    )
    assert own_drumming(known) == ("songs",)


def test_own_music_in_the_metre_that_is_asked_for_is_what_is_written() -> None:
    known = read_instrumentations(
        [(("piano",), 9.0, "waltzes", "3/4"), (("piano",), 1.0, "jigs", "6/8")]
    )

    def drawn(**rules: Any) -> set[str | None]:
        return {
            fill_in_instrumentation(Rules(**rules), known, np.random.default_rng(seed)).collection
            for seed in range(40)
        }

    assert drawn() == {"waltzes", "jigs"}
    assert drawn(metre="6/8") == drawn(metre="6/8", parts=("flute",)) == {"jigs"}
    assert drawn(metre="4/4") == {"waltzes", "jigs"}
