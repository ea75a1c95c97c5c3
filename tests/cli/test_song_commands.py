"""The verbs on a song: its notes stay, what is new is where it was asked for, and all is told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mido
import pytest

from ritornello.music.piece import Piece, Track
from tests.cli.conftest import Outcome
from tests.cli.test_bad_input import files, refused
from tests.examples import band

BAR = 4 * 24  # ticks of the song
OPTIONS = ("-f", "mid", "--seed", "7")


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Four bars of piano, bass and drums."""
    return band(bars=4).save(tmp_path / "song.mid")


@pytest.fixture
def melody(tmp_path: Path) -> Path:
    notes = [(beat * 24, 24, pitch, 80) for beat, pitch in enumerate((67, 65, 64, 62) * 4)]
    return Piece((Track(notes, 73, name="flute"),), 24).save(tmp_path / "melody.mid")


def notes(path: Path) -> dict[str, Counter[tuple[int, int]]]:
    """Onset, in ticks of the song, and pitch of each note by name of the track, read by mido."""
    file = mido.MidiFile(path)
    found: dict[str, Counter[tuple[int, int]]] = {}
    for track in file.tracks:
        played: Counter[Any] = Counter()
        ticks = 0
        for message in track:
            ticks += message.time
            if message.type == "note_on" and message.velocity:
                played[ticks * 24 // file.ticks_per_beat, message.note] += 1
        if played:
            found[track.name] = played
    return found


def only(played: Counter[tuple[int, int]], start: float, end: float) -> Counter[tuple[int, int]]:
    """Notes that begin from one bar up to another, counted from 0."""
    inside = {note: n for note, n in played.items() if start * BAR <= note[0] < end * BAR}
    return Counter(inside)


def test_a_song_goes_on(command: Callable[..., Outcome], tiny_model: Path, song: Path) -> None:
    done = command("continue", song, "-m", tiny_model, "--bars", 3, *OPTIONS)
    assert done.code == 0, done.err
    assert "Continuation 7: " in done.out
    assert ", 7 bars" in done.out
    assert "given: piano (12), bass (16), drums (16)" in done.out
    assert "out/song-continued-7.mid" in done.out
    before, after = notes(song), notes(Path("out/song-continued-7.mid"))
    assert {name: only(played, 0, 4) for name, played in after.items()} == before
    assert any(only(played, 4, 7) for played in after.values())


def test_a_gap_is_filled(command: Callable[..., Outcome], tiny_model: Path, song: Path) -> None:
    done = command("fill", song, "-m", tiny_model, "--bars", "2-3", "--parts", "bass", *OPTIONS)
    assert done.code == 0, done.err
    assert "given: piano (12), bass (8), drums (16)" in done.out
    before, after = notes(song), notes(Path("out/song-filled-7.mid"))
    for name, bars in (("piano", (0, 4)), ("drums", (0, 4)), ("bass", (0, 1)), ("bass", (3, 4))):
        assert only(after[name], *bars) == only(before[name], *bars)
    assert only(after["bass"], 1, 3) != only(before["bass"], 1, 3)


def test_a_picture_shows_what_was_given(
    command: Callable[..., Outcome], tiny_model: Path, song: Path
) -> None:
    fill = ("fill", song, "-m", tiny_model, "--bars", "2-3", "--parts", "bass", "--seed", "7")
    done = command(*fill, "-f", "svg")
    assert done.code == 0, done.err
    assert ">given: piano, drums<" in Path("out/song-filled-7.svg").read_text()


def test_one_bar_of_all_parts_is_filled(
    command: Callable[..., Outcome], tiny_model: Path, song: Path
) -> None:
    done = command("fill", song, "-m", tiny_model, "--bars", "2", *OPTIONS, "--json")
    (piece,) = json.loads(done.out)["pieces"]
    assert piece["given"] == {"piano": 9, "bass": 12, "drums": 12}
    assert piece["new_bars"] == [2, 2]
    parts = {name: n + piece["new"].get(name, 0) for name, n in piece["given"].items()}
    assert piece["parts"] == parts


def test_players_are_added(command: Callable[..., Outcome], tiny_model: Path, melody: Path) -> None:
    done = command("arrange", melody, "-m", tiny_model, "--add", "piano,bass", *OPTIONS, "--json")
    (piece,) = json.loads(done.out)["pieces"]
    assert piece["given"] == {"flute": 16}
    assert set(piece["new"]) == {"piano", "bass"}
    after = notes(Path("out/melody-arranged-7.mid"))
    assert after["flute"] == notes(melody)["flute"]
    assert {name: sum(after[name].values()) for name in piece["new"]} == piece["new"]


def test_players_are_added_in_some_bars_alone(
    command: Callable[..., Outcome], tiny_model: Path, melody: Path
) -> None:
    wish = ("--add", "piano,bass", "--bars", "2-3")
    done = command("arrange", melody, "-m", tiny_model, *wish, *OPTIONS, "--json")
    assert done.code == 0, done.err
    after = notes(Path("out/melody-arranged-7.mid"))
    assert after["flute"] == notes(melody)["flute"]
    for player in ("piano", "bass"):
        assert after[player]
        assert all(BAR <= onset < 3 * BAR for onset, _ in after[player])


@pytest.mark.parametrize(
    "verb",
    [
        ("continue", "--bars", "2"),
        ("fill", "--bars", "2"),
        ("arrange", "--add", "piano"),
        ("harmonise", "--voices", "bass"),
        ("vary", "--parts", "flute"),
    ],
    ids=lambda verb: verb[0],
)
def test_the_new_notes_can_be_written_alone(
    verb: tuple[str, ...], command: Callable[..., Outcome], tiny_model: Path, melody: Path
) -> None:
    both = []
    for to in (("-o", "all"), ("-o", "new", "--only-new")):
        done = command(verb[0], melody, *verb[1:], "-m", tiny_model, *OPTIONS, "--json", *to)
        assert done.code == 0, done.err
        (piece,) = json.loads(done.out)["pieces"]
        both.append(notes(Path(piece["files"][0])))
    everything, new = both
    assert {name: sum(new[name].values()) for name in new} == piece["new"]
    given = notes(melody)["flute"] if piece["given"] else Counter()
    for name, found in new.items():
        old = everything[name] - found
        assert old + found == everything[name]
        assert not old or (name == "flute" and not old - given)


@pytest.mark.parametrize(("closeness", "bars"), [("0", 4), ("0.5", 2), ("0.75", 1), ("1", 1)])
def test_a_variation_is_as_near_as_asked(
    closeness: str, bars: int, command: Callable[..., Outcome], tiny_model: Path, melody: Path
) -> None:
    wish = ("--parts", "flute", "--closeness", closeness)
    done = command("vary", melody, "-m", tiny_model, *wish, *OPTIONS, "--json")
    assert done.code == 0, done.err
    (piece,) = json.loads(done.out)["pieces"]
    assert piece["given"].get("flute", 0) == 16 - 4 * bars
    assert piece["new"]["flute"] > 0


def test_voices_are_set_to_a_melody(
    command: Callable[..., Outcome], tiny_model: Path, melody: Path
) -> None:
    done = command("harmonise", melody, "-m", tiny_model, "--voices", "alto,bass", *OPTIONS)
    assert done.code == 0, done.err
    after = notes(Path("out/melody-harmonised-7.mid"))
    assert set(after) == {"flute", "alto", "bass"}
    assert after["flute"] == notes(melody)["flute"]
    assert all(53 <= pitch <= 74 for _, pitch in after["alto"])


def test_a_part_is_varied_as_often_as_asked(
    command: Callable[..., Outcome], tiny_model: Path, song: Path
) -> None:
    done = command("vary", song, "-m", tiny_model, "--parts", "drums", "-n", 2, *OPTIONS)
    assert done.code == 0, done.err
    assert "given: piano (12), bass (16)\n" in done.out
    first, second = (notes(Path(f"out/song-varied-{seed}.mid")) for seed in (7, 8))
    assert first["drums"] != second["drums"]
    for name in ("piano", "bass"):
        assert first[name] == second[name] == notes(song)[name]


def test_a_whole_song_is_varied_where_no_part_is_named(
    command: Callable[..., Outcome], tiny_model: Path, song: Path
) -> None:
    done = command("vary", song, "-m", tiny_model, *OPTIONS)
    assert done.code == 0, done.err
    after = notes(Path("out/song-varied-7.mid"))
    assert all(after[name] != before for name, before in notes(song).items())


def test_rules_hold_for_what_is_new(
    command: Callable[..., Outcome], tiny_model: Path, melody: Path
) -> None:
    rules = ("--key", "F major", "--range", "bass=30-40", "--polyphony", "bass=1")
    done = command("arrange", melody, "-m", tiny_model, "--add", "bass", *rules, *OPTIONS)
    assert done.code == 0, done.err
    bass = notes(Path("out/melody-arranged-7.mid"))["bass"]
    assert all(30 <= pitch <= 40 and pitch % 12 in {0, 2, 4, 5, 7, 9, 10} for _, pitch in bass)
    assert max(Counter(onset for onset, _ in bass).values()) == 1


def test_chords_hold_on_the_beats(
    command: Callable[..., Outcome], tiny_model: Path, melody: Path
) -> None:
    chords = ("--chords", "Am F", "--density", "piano=high,2")
    done = command("arrange", melody, "-m", tiny_model, "--add", "piano", *chords, *OPTIONS)
    assert done.code == 0, done.err
    for onset, pitch in notes(Path("out/melody-arranged-7.mid"))["piano"]:
        if onset % 24 == 0:
            assert pitch % 12 in ({9, 0, 4} if onset // BAR % 2 == 0 else {5, 9, 0})


def test_parts_of_one_name_are_told_by_number(
    command: Callable[..., Outcome], tiny_model: Path, tmp_path: Path
) -> None:
    tune = [(beat * 24, 24, 60 + beat, 80) for beat in range(8)]
    Piece((Track(tune, name="piano"), Track(tune, name="piano")), 24).save(tmp_path / "two.mid")
    done = command("vary", "two.mid", "-m", tiny_model, "--parts", "2", *OPTIONS)
    assert done.code == 0, done.err
    assert "given: 1 'piano' (8)\n" in done.out
    assert "2 'piano' (" in done.out


def test_what_the_model_cannot_hear_is_told_once(
    command: Callable[..., Outcome], tiny_model: Path, tmp_path: Path
) -> None:
    odd = [(beat * 24, 24, 60 + beat, 80) for beat in range(8)]
    Piece((Track(odd, 46, name="my harp"),), 24).save(tmp_path / "odd.mid")
    done = command("continue", "odd.mid", "-m", tiny_model, "--bars", 1, *OPTIONS, "--json")
    assert done.code == 0, done.err
    (warning,) = json.loads(done.out)["pieces"][0]["warnings"]
    assert "my harp" in warning
    assert done.err.count(f"Note: {warning}") == 1


def test_a_song_ends_unless_that_is_not_asked_for(
    command: Callable[..., Outcome], tiny_model: Path, song: Path
) -> None:
    for end in ("--end", "--no-end"):
        to = ("-o", end.strip("-"), end)
        done = command("continue", song, "-m", tiny_model, "--bars", 2, *to, *OPTIONS)
        assert done.code == 0, done.err
    closed, open_ = (notes(Path(f"{end}/song-continued-7.mid")) for end in ("end", "no-end"))
    assert not any(only(played, 5.25, 6) for played in closed.values())
    assert any(only(played, 5.25, 6) for played in open_.values())


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fill", "song.mid", "--bars", "3-9"), ["bars 1 to 4", "3 to 9"]),
        (("fill", "song.mid", "--bars", "3-2"), ["bars 1 to 4"]),
        (("fill", "song.mid", "--bars", "0"), ["bars 1 to 4"]),
        (("fill", "song.mid", "--bars", "all"), ["'all' names no bars", "--bars 9-12"]),
        (("fill", "song.mid"), ["--bars", "ritornello fill --help"]),
        (("fill", "song.mid", "--bars", "1", "--parts", "tuba"), ["no part 'tuba'", "2 'bass'"]),
        (("vary", "song.mid", "--parts", "9"), ["no part '9'", "3 'drums'"]),
        (("vary", "song.mid", "--parts", ","), ["No part is named"]),
        (("arrange", "song.mid", "--add", "pino"), ["'pino'", "Did you mean 'piano'"]),
        (("vary", "song.mid", "--parts", "1", "--closeness", "2"), ["between 0", "asked for 2"]),
        (("arrange", "song.mid", "--add", "drums"), ["At most 1"]),
        (("arrange", "song.mid", "--add", "bass", "--bars", "9-4"), ["asked for 9 to 4"]),
        (("arrange", "song.mid", "--add", "bass", "--bars", "1", "--end"), ["An ending is in"]),
        (("arrange", "song.mid", "--add", ""), ["Nobody is named"]),
        (("harmonise", "song.mid", "--voices", "alt"), ["'alt'", "alto"]),
        (("harmonise", "song.mid", "--voices", ","), ["No voice is named"]),
        (("harmonise", "song.mid", "--melody", "flute"), ["no part 'flute'"]),
        (("continue", "song.mid", "--bars", "0"), ["asked for 0"]),
        (("continue", "song.mid", "--chords", "Am H"), ["bar 2 of the chart", "'H'"]),
        (("continue", "song.mid", "--density", "much"), ["'much'", "--density 3"]),
        (("continue", "song.mid", "--density", "bass=much"), ["'much'", "low, medium, high"]),
        (("continue", "song.mid", "-n", "0"), ["1 to 10,000 pieces"]),
        (("continue", "song.mid", "--tempo", "90"), ["--tempo"]),
    ],
)
def test_what_has_no_meaning(
    arguments: tuple[str, ...],
    words: list[str],
    command: Callable[..., Outcome],
    tiny_model: Path,
    song: Path,
    tmp_path: Path,
) -> None:
    refused(command(*arguments, "-m", tiny_model), 2, *words)
    assert files(tmp_path) == {"song.mid"}


@pytest.mark.parametrize(
    ("verb", "more"),
    [
        ("continue", ()),
        ("fill", ("--bars", "1")),
        ("arrange", ("--add", "bass")),
        ("harmonise", ()),
        ("vary", ("--parts", "1")),
    ],
)
def test_songs_that_are_none(
    verb: str,
    more: tuple[str, str],
    command: Callable[..., Outcome],
    tiny_model: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "noise.mid").write_bytes(b"\x00\xff" * 400)
    Piece((Track([], name="rests"),), 24, length_ticks=4 * BAR).save(tmp_path / "empty.mid")
    options = ("-m", tiny_model, *more)
    refused(command(verb, "absent.mid", *options), 1, "absent.mid", "no such file")
    refused(command(verb, "noise.mid", *options), 1, "noise.mid")
    done = command(verb, "empty.mid", *options)
    assert done.code in (1, 2)
    refused(done, done.code)
    assert not (tmp_path / "out").exists()


def test_a_result_that_is_there_is_not_touched(
    command: Callable[..., Outcome], tiny_model: Path, song: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "song-filled-7.mid").write_text("mine")
    fill = ("fill", song, "-m", tiny_model, "--bars", "1", *OPTIONS)
    refused(command(*fill), 1, "song-filled-7.mid", "exists already", "--overwrite")
    assert (tmp_path / "out" / "song-filled-7.mid").read_text() == "mine"
    assert command(*fill, "--overwrite").code == 0


def test_a_song_that_was_played_without_beats_gets_some_unless_they_are_kept(
    command: Callable[..., Outcome], tiny_model: Path, tmp_path: Path
) -> None:
    at = 0
    rows = []
    for number in range(60):
        rows.append((at, 300, 60 + number * 5 % 12, 80))
        at += 331 + 40 * (number // 8 % 3)
    Piece((Track(rows, name="piano"),), 480).save(tmp_path / "free.mid")
    asked = ("continue", "free.mid", "-m", tiny_model, "--bars", 1, *OPTIONS, "--overwrite")
    done, kept = command(*asked), command(*asked, "--keep-beats")
    assert done.code == kept.code == 0, done.err + kept.err
    assert "--keep-beats takes those of the file" in done.err
    assert "beats were found" not in kept.err
