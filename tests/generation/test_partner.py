"""What a person asks of a partner, from a piece or a file to pieces, with every warning."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ritornello import api
from ritornello.errors import ConfigError, InputError
from ritornello.generation.instrumentation import read_instrumentations
from ritornello.generation.partner import choir
from ritornello.generation.rules import Rules
from ritornello.metrics.keeping.measures import measure
from ritornello.music.instruments import INSTRUMENTS, parse_instrument
from ritornello.music.keys import parse_key
from ritornello.music.note_tables import note_table
from ritornello.music.piece import Metre, Piece, Track
from tests.examples import band


@pytest.fixture(scope="module")
def composer(tiny_model: Path) -> api.Composer:
    return api.Composer.load(tiny_model)


VERBS = {
    "continue_": lambda composer, song, **how: composer.continue_(song, 2, **how),
    "fill": lambda composer, song, **how: composer.fill(song, (2, 3), parts=("bass",), **how),
    "arrange": lambda composer, song, **how: composer.arrange(song, ("flute",), **how),
    "arrange by a form": lambda composer, song, **how: composer.arrange(
        song, ("flute", "organ"), form="A 2, A 2", **how
    ),
    "harmonise": lambda composer, song, **how: composer.harmonise(song, ("alto",), **how),
    "vary": lambda composer, song, **how: composer.vary(song, ("drums",), **how),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_file_is_as_good_as_a_piece_and_a_seed_as_good_in_company(
    verb: str, composer: api.Composer, tmp_path: Path
) -> None:
    song = api.load(api.save(band(bars=4), tmp_path / "song.mid"))
    two = VERBS[verb](composer, tmp_path / "song.mid", n=2, seed=3)
    alone = VERBS[verb](composer, song, seed=4)
    assert len(two.pieces) == 2
    assert two.pieces[0] != two.pieces[1]
    assert two.pieces[1].tracks == alone.piece.tracks
    assert two.warnings == alone.warnings


@pytest.mark.parametrize("verb", VERBS)
def test_a_result_knows_the_given_notes_from_the_new_ones(
    verb: str, composer: api.Composer
) -> None:
    result = VERBS[verb](composer, band(bars=4), n=2)
    assert len(result.given) == len(result.pieces) == 2
    for piece, given in zip(result.pieces, result.given, strict=True):
        kept = result.kept.at_resolution(piece.resolution).tracks
        old = [track.notes[mask] for track, mask in zip(piece.tracks, given, strict=True)]
        assert [table.tolist() for table in old[: len(kept)]] == [t.notes.tolist() for t in kept]
        assert not any(map(len, old[len(kept) :]))


def test_a_result_knows_which_track_each_player_has(composer: api.Composer) -> None:
    song, players = band(bars=4), ("flute", "piano", "violin", "flute", "horn")
    result = composer.arrange(song, players, n=3)
    for piece, added in zip(result.pieces, result.added, strict=True):
        playing = [INSTRUMENTS[piece.tracks[index].instrument].name for index in added]
        assert tuple(playing) == players
        assert sorted(added) == [*range(len(song.tracks), len(piece.tracks))]
        assert [*added] != sorted(added), "a score has another order than a wish"
    voices = composer.harmonise(song, ("bass", "alto"))
    assert [voices.piece.tracks[index].name for index in voices.added[0]] == ["alto", "bass"]
    assert composer.vary(song, ("bass",)).added == ((),)


def test_what_is_heard_otherwise_is_said_and_logged(
    composer: api.Composer, caplog: pytest.LogCaptureFixture
) -> None:
    song = Piece((Track([(0, 480, 60, 80)], 105, name="Banjo"),))
    with caplog.at_level(logging.WARNING):
        result = composer.continue_(song, 1)
    assert any("Banjo" in warning for warning in result.warnings)
    assert [record.message for record in caplog.records] == [*result.warnings]
    assert result.piece.tracks[0].program == 105


def test_rules_hold_for_what_is_written(composer: api.Composer) -> None:
    rules = Rules(key="C major", polyphony={"all": 1}, ending=False)
    allowed = parse_key("C major").pitch_classes
    song = Piece((Track([(0, 480, 60, 80)]),))
    added = composer.arrange(song, ("flute", "piano"), rules=rules, collection="rags").piece
    assert all(note.pitch % 12 in allowed for t in added.tracks for note in t)
    one = composer.fill(song, 1, key="C major").piece
    assert all(note.pitch % 12 in allowed for note in one.tracks[0])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"n": 0}, ConfigError), ({"seed": -1}, ConfigError), ({"temperature": 0}, ConfigError),
        ({"collection": "polkas"}, ConfigError), ({"bars": 8}, TypeError),
        ({"tempo_bpm": 90}, TypeError),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(
    composer: api.Composer, options: dict[str, int] | dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        composer.vary(band(), ("bass",), **options)


def test_a_song_that_cannot_be_heard_is_refused(composer: api.Composer, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        composer.continue_(tmp_path / "none.mid")
    with pytest.raises(InputError):
        composer.continue_(Piece(()))
    with pytest.raises(ConfigError, match="'piano'"):
        composer.vary(band(), ("oboe",))


def test_voices_are_heard_as_what_most_pieces_for_four_are_played_by() -> None:
    instrumentations = read_instrumentations(
        [(("piano",) * 4, 5.0), (("voice",) * 4, 2.0), (("violin",), 9.0)]
    )
    assert choir(instrumentations) == parse_instrument("piano")
    assert choir(()) is None


@pytest.mark.parametrize("bars", ["2", (1,), 2.5, (1, "x"), None])
def test_bars_that_are_no_numbers_are_refused_in_words(composer: api.Composer, bars: Any) -> None:
    with pytest.raises(ConfigError, match=r"bars=\(5, 8\)"):
        composer.fill(band(bars=4), bars)


@pytest.mark.parametrize(
    "how",
    [
        {"bars": "4"}, {"bars": 4.5}, {"tempo_bpm": "fast"}, {"density": "much"}, {"seed": "x"},
        {"seed": 1.5}, {"temperature": "hot"}, {"loudness": []}, {"polyphony": {"piano": "two"}},
    ],
)  # fmt: skip
def test_a_value_that_is_no_number_is_refused_in_words(
    composer: api.Composer, how: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match=r"is a (whole )?number; found"):
        composer.compose(**{"bars": 1, **how})


def test_one_name_needs_no_list(composer: api.Composer) -> None:
    song = band(bars=2)
    added = composer.arrange(song, add="flute", bars=1).piece
    assert len(added.tracks) == len(song.tracks) + 1
    assert len(composer.vary(song, parts="bass").piece.tracks) == len(song.tracks)


def test_a_band_returns_with_the_song(composer: api.Composer) -> None:
    """What the given parts play again is played to the same notes; others have their own bars."""
    song = band(bars=16)
    form = "A 8, A 8"
    with_form = composer.arrange(
        song, ("bass", "organ", "organ"), form=form, chords="C F G C", seed=1, n=4
    )
    kept = [*map(len, with_form.kept.tracks)]
    assert [len(track) for track in with_form.piece.tracks[: len(kept)]] == kept
    bar = with_form.piece.metres[0].bar_ticks(with_form.piece.resolution)
    again, strokes = 0, 0
    played = [
        piece.tracks[index].notes
        for piece, added in zip(with_form.pieces, with_form.added, strict=True)
        for index in added
    ]
    for notes in played:
        assert len(notes)
        first = {(int(n["onset"]), int(n["pitch"])) for n in notes if n["onset"] < 8 * bar}
        later = [(int(n["onset"]) - 8 * bar, int(n["pitch"])) for n in notes]
        later = [each for each in later if each[0] >= 0]
        strokes += len(later)
        again += sum(each in first for each in later)
    assert again > 0.4 * strokes
    with pytest.raises(ConfigError, match="form has 8 bars, and the song 16"):
        composer.arrange(song, ("bass",), form="A 8")
    with pytest.raises(ConfigError, match="bars were named"):
        composer.arrange(song, ("bass",), form="A 16", bars=(1, 4))


def test_a_drummer_who_joins_a_song_without_drums_holds_a_beat() -> None:
    """Of sixteen bars few are different, where a drummer without a form hardly plays one again."""
    composer = api.Composer.load()
    song = band(bars=16)
    song = replace(song, tracks=tuple(track for track in song.tracks if not track.is_drum))

    def different(form: str | None) -> float:
        made = composer.arrange(song, ("drums",), form=form, n=3)
        return sum(measure(piece)["different kick-and-snare bars"] for piece in made.pieces) / 3

    assert different(None) < 0.4 < different("none")
    # So does one who plays a song's drums anew, and all others stay.
    varied = composer.vary(band(bars=16), ("drums",), n=3)
    for piece, given in zip(varied.pieces, varied.given, strict=True):
        assert measure(piece)["different kick-and-snare bars"] < 0.5
        assert [own.all() for own in given] == [not track.is_drum for track in piece.tracks]
    # A second line beside a tune and its drums goes on from bar to bar: no form is read.
    quarter = song.resolution
    scale = note_table([(at * quarter, quarter, 72 + at % 5, 80) for at in range(64)])
    led = replace(band(bars=16), tracks=(*band(bars=16).tracks, Track(scale, 73)))
    assert composer.arrange(led, ("oboe",)).pieces == (
        composer.arrange(led, ("oboe",), form="none").pieces
    )


@pytest.mark.parametrize("metres", [((3, 4),), ((4, 4), (3, 4))])
def test_a_drummer_counts_as_the_song_does(
    composer: api.Composer, metres: tuple[tuple[int, int], ...]
) -> None:
    """Not as rules do that nobody stated, and not as the first bar where others come."""
    song = band(bars=8)
    song = replace(song, tracks=tuple(t for t in song.tracks if not t.is_drum))
    quarter = song.resolution
    changes = tuple(Metre(bar * 16 * quarter, *metre) for bar, metre in enumerate(metres))
    song = replace(song, metres=changes, length_ticks=(16 + 12) * quarter)
    bars = len(song.bar_starts_ticks())
    for seed in range(4):
        made = composer.arrange(song, ("drums",), form=f"A {bars}", seed=seed)
        drums = made.piece.tracks[made.added[0][0]]
        strokes = list(zip(drums.notes["onset"], drums.notes["pitch"], strict=True))
        assert len(set(strokes)) == len(strokes)
