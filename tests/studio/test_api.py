"""What a page does: compose, change, undo, take away; each promise of the API."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import mido
import pytest
import soundfile

from ritornello import Piece, Track
from ritornello.errors import OutputError
from ritornello.music import io as music_io
from ritornello.music.keys import parse_key
from ritornello.studio.open_studio import Studio
from ritornello.studio.piece_json import piece_from_json
from tests.examples import band
from tests.studio.conftest import Client

Song = dict[str, Any]


def notes_of(song: Song) -> int:
    return sum(len(track["notes"]) for track in song["piece"]["tracks"])


def test_a_piece_is_composed_as_it_was_asked_for(song: Song) -> None:
    assert (song["bars"], song["metre"], song["kind"]) == (4, "4/4", "compose")
    assert {track["instrument"] for track in song["piece"]["tracks"]} == {"piano", "bass"}
    scale = parse_key("D minor").pitch_classes
    assert all(
        note[2] % 12 in scale for track in song["piece"]["tracks"] for note in track["notes"]
    )
    assert song["piece"]["bar_lines"] == [96 * bar for bar in range(4)]


def test_a_form_and_a_duration_are_kept(client: Client) -> None:
    made = client.made("compose", form="A 2, B 2, A 2", parts=["piano"], seed=2)
    assert [text for _, text in made["piece"]["markers"]] == ["A", "B", "A"]
    assert made["bars"] == 6
    lasting = client.made("compose", duration="0:20", parts=["piano"], seed=2)
    assert abs(lasting["seconds"] - 20) < 0.5


def test_a_plan_is_taken_away_and_composed_from(client: Client, song: Song) -> None:
    plan = client.get(f"/api/pieces/{song['id']}/export/plan.toml").text
    made = client.made("compose", plan=plan, seed=3)
    assert made["bars"] == song["bars"]
    assert {track["instrument"] for track in made["piece"]["tracks"]} == {"piano", "bass"}


def test_a_scale_and_a_loudness_are_kept(client: Client) -> None:
    made = client.made(
        "compose", bars=4, parts=["piano"], scale="0 2 3 7 8", loudness=40, ending=False, seed=4
    )
    notes = [note for track in made["piece"]["tracks"] for note in track["notes"]]
    assert {note[2] % 12 for note in notes} <= {0, 2, 3, 7, 8}
    assert abs(sum(note[3] for note in notes) / len(notes) - 40) < 8


def test_notes_are_streamed_while_they_are_composed(client: Client, tiny_model: Path) -> None:
    asked = {"kind": "compose", "model": str(tiny_model), "bars": 8, "seed": 3, "variations": 2}
    job = client.post("/api/jobs", json=asked).json()
    events = client.events(job["id"])
    assert events[-1][0] == "end"
    assert events[-1][1]["state"] == "done"
    for number, piece in enumerate(events[-1][1]["result"]["pieces"]):
        streamed = sum(
            len(data["notes"])
            for name, data in events
            if name == "notes" and data["variation"] == number
        )
        assert streamed == notes_of(client.get(f"/api/pieces/{piece}").json())


def test_form_chords_and_tempo_are_told_before_the_notes(client: Client, tiny_model: Path) -> None:
    asked = {"kind": "compose", "model": str(tiny_model), "form": "A 2, B 2, A 2", "seed": 1}
    job = client.post("/api/jobs", json=asked).json()
    events = client.events(job["id"])
    names = [name for name, _ in events]
    assert names.count("outline") == 1
    assert names.index("outline") < names.index("notes")
    told = events[names.index("outline")][1]["piece"]
    made = client.get(f"/api/pieces/{events[-1][1]['result']['pieces'][0]}").json()["piece"]
    for name in ("resolution", "metres", "markers", "chords", "bar_lines"):
        assert told[name] == made[name], name
    assert told["tempos"] == made["tempos"][:1]
    assert [name for _, name in told["markers"]] == ["A", "B", "A"]


def test_asked_chords_are_told_before_the_notes_too(client: Client, tiny_model: Path) -> None:
    # Long enough to be written still when its events are asked for, on a busy machine too.
    asked = {"kind": "compose", "model": str(tiny_model), "bars": 64, "chords": "Am F C G"}
    job = client.post("/api/jobs", json={**asked, "seed": 1}).json()
    told = next(data for name, data in client.events(job["id"]) if name == "outline")
    assert [text for _, text in told["piece"]["chords"]][:4] == ["Am", "F", "C", "G"]


def test_a_version_says_by_name_who_was_written_anew(
    client: Client, song: Song, tiny_model: Path
) -> None:
    label = song["piece"]["tracks"][0]["label"]
    made = client.made("vary", piece=song["id"], parts=[1], bars=[1, 2], model=str(tiny_model))
    assert made["label"] == f"Vary {label}, bars 1 to 2"


@pytest.mark.parametrize("number", ["²", "9" * 5000, "-1", "x"])
def test_numbers_that_are_none_are_refused_in_words(
    client: Client, song: Song, number: str
) -> None:
    answer = client.get(f"/api/pieces/{song['id']}/export/mid", params={"parts": number})
    assert answer.status_code == 400
    assert "is no number of a part" in answer.json()["error"]["what"]
    job = client.get("/api/jobs").json()["jobs"][0]["id"]
    seen = {"last-event-id": number.encode("latin-1")}
    assert client.get(f"/api/jobs/{job}/events", headers=seen).status_code == 200


def test_what_is_not_there_is_said_not_to_be(client: Client, song: Song) -> None:
    job = client.get("/api/jobs").json()["jobs"][0]["id"]
    for path in (
        "/model?name=none",
        f"/pieces/{'a' * 300}/export/mid",
        "/pieces/%00/export/mid",
        f"/jobs/{job}/files/%00",
        f"/blind-tests/{job}",
    ):
        answer = client.get(f"/api{path}")
        assert answer.status_code == 404, path
        assert answer.json()["error"]["what"].startswith("There is no "), path


def test_a_file_is_called_as_its_song_is(client: Client, song: Song) -> None:
    client.patch(f"/api/songs/{song['song']}", json={"title": "Blue <b> river"})
    answer = client.get(f"/api/pieces/{song['id']}/export/mid?download=true")
    assert 'filename="blue-b-river.mid"' in answer.headers["content-disposition"]


def test_what_a_piece_leaves_out_is_told(client: Client, tiny_model: Path) -> None:
    chords = " ".join(["C"] * 6)
    job = client.run("compose", model=str(tiny_model), bars=4, chords=chords)
    assert job["result"]["warnings"] == [
        "the chords have 6 bars; the last 2 are beyond the 4 written."
    ]


@pytest.mark.parametrize(
    ("kind", "request_"),
    [
        ("fill", {"bars": [2, 3]}),
        ("continue", {"bars": 2}),
        ("vary", {"parts": [1]}),
        ("vary", {"parts": ["bass"], "bars": [1, 2]}),
        ("vary", {"parts": [2], "closeness": 0.5}),
        ("arrange", {"add": ["drums"]}),
        ("arrange", {"add": ["drums"], "bars": [2, 3]}),
        ("harmonise", {"voices": ["alto"], "melody": 1}),
    ],
)
def test_what_was_given_stays(
    client: Client, song: Song, tiny_model: Path, kind: str, request_: dict[str, Any]
) -> None:
    made = client.made(kind, piece=song["id"], model=str(tiny_model), seed=5, **request_)
    assert (made["parent"], made["song"], made["kind"]) == (song["id"], song["song"], kind)
    assert made["given"] is not None
    before, after = piece_from_json(song["piece"]), piece_from_json(made["piece"])
    unit = before.resolution / after.resolution
    old = {(note[0], note[2]) for track in before.tracks for note in track}
    for track, marks in zip(after.tracks, made["given"], strict=True):
        for note, is_given in zip(track, marks, strict=True):
            if is_given:
                assert (note.onset_ticks * unit, note.pitch) in old


def test_players_are_added_in_some_bars_alone(client: Client, song: Song, tiny_model: Path) -> None:
    wishes: dict[str, Any] = {"add": ["flute"], "bars": [2, 3], "seed": 5}
    made = client.made("arrange", piece=song["id"], model=str(tiny_model), **wishes)
    assert made["label"] == "Add flute in bars 2 to 3"
    lines = made["piece"]["bar_lines"]
    onsets = [note[0] for note in made["piece"]["tracks"][-1]["notes"]]
    assert onsets
    assert lines[1] <= min(onsets) <= max(onsets) < lines[3]


def test_variations_are_versions_beside_each_other(
    client: Client, song: Song, tiny_model: Path
) -> None:
    job = client.run(
        "vary", piece=song["id"], parts=[1], variations=3, seed=1, model=str(tiny_model)
    )
    made = [client.get(f"/api/pieces/{name}").json() for name in job["result"]["pieces"]]
    assert [each["parent"] for each in made] == [song["id"]] * 3
    assert client.get(f"/api/songs/{song['song']}").json()["head"] == made[0]["id"]


def test_bars_are_cleared_and_come_back_by_undo(client: Client, song: Song) -> None:
    client.patch(f"/api/songs/{song['song']}", json={"head": song["id"]})
    cleared = client.post(f"/api/pieces/{song['id']}/delete-bars", json={"bars": [2, 2]}).json()
    assert all(
        not 96 <= note[0] < 192 for track in cleared["piece"]["tracks"] for note in track["notes"]
    )
    assert cleared["bars"] == 4
    assert client.post(f"/api/songs/{song['song']}/undo").json()["head"] == song["id"]
    assert client.post(f"/api/songs/{song['song']}/redo").json()["head"] == cleared["id"]


def test_an_edit_by_hand_is_a_version(client: Client, song: Song) -> None:
    song["piece"]["tracks"][0]["program"] = 40
    edited = client.post("/api/pieces", json={"piece": song["piece"], "parent": song["id"]}).json()
    assert edited["piece"]["tracks"][0]["instrument"] == "violin"
    assert edited["parent"] == song["id"]


def test_a_dropped_file_is_kept_whole(client: Client, tmp_path: Path) -> None:
    path = band().save(tmp_path / "band.mid")
    answer = client.upload("My band.mid", path.read_bytes()).json()
    assert answer["kind"] == "piece"
    assert piece_from_json(answer["piece"]["piece"]) == music_io.read(path)


def test_songs_that_are_uploaded_to_learn_from_stand_in_no_list(
    client: Client, tmp_path: Path
) -> None:
    data = band().save(tmp_path / "band.mid").read_bytes()
    before = client.get("/api/songs").json()
    asked = {"name": "band.mid", "listed": False}
    taken = client.post("/api/uploads", params=asked, content=data).json()
    assert client.get("/api/songs").json() == before
    assert client.get(f"/api/pieces/{taken['piece']['id']}").status_code == 200


def test_exports_are_what_other_programs_read(client: Client, song: Song) -> None:
    base = f"/api/pieces/{song['id']}/export"
    midi = mido.MidiFile(file=io.BytesIO(client.get(f"{base}/mid").content))
    strokes = sum(
        message.type == "note_on" and message.velocity > 0
        for track in midi.tracks
        for message in track
    )
    assert strokes == notes_of(song)
    sound, rate = soundfile.read(io.BytesIO(client.get(f"{base}/mp3?parts=1").content))
    assert abs(sound).max() > 0.05
    assert len(sound) / rate >= song["seconds"] - 1
    stems = zipfile.ZipFile(io.BytesIO(client.get(f"{base}/midis.zip").content))
    assert set(stems.namelist()) == {"mix.mid", "piano.mid", "bass.mid"}
    part = client.get(f"{base}/mp3?parts=1", headers={"Range": "bytes=0-99"})
    assert (part.status_code, len(part.content)) == (206, 100)


def test_new_notes_alone_can_be_taken(client: Client, song: Song, tiny_model: Path) -> None:
    made = client.made("arrange", piece=song["id"], add=["drums"], seed=2, model=str(tiny_model))
    content = client.get(f"/api/pieces/{made['id']}/export/mid?new=true").content
    tracks = [t for t in mido.MidiFile(file=io.BytesIO(content)).tracks if t.name == "drums"]
    assert len(tracks) == 1
    assert notes_of(made) > notes_of(song)


def test_a_piece_has_a_form(client: Client, song: Song) -> None:
    plan = client.get(f"/api/pieces/{song['id']}/plan").json()
    assert sum(section["bars"] for section in plan["sections"]) == 4
    assert len(plan["returns"]) == 4


@pytest.mark.parametrize(
    ("request_", "status", "words"),
    [
        ({"kind": "compose", "bars": 0}, 400, "1 to 4000 bars"),
        ({"kind": "compose", "key": "H"}, 400, "not a key"),
        ({"kind": "compose", "parts": ["kazoo"]}, 400, "No instrument is called"),
        ({"kind": "compose", "scale": "0 13"}, 400, "no scale"),
        ({"kind": "compose", "loudness": 300}, 400, "1 to 127"),
        ({"kind": "compose", "plan": "bars = 3"}, 400, "bars"),
        ({"kind": "compose", "form": "A 4", "plan": "x"}, 400, "together"),
        ({"kind": "compose", "bras": 8}, 422, "Extra inputs"),
        ({"kind": "compose", "adventure": 7}, 422, "less than or equal to 1"),
        ({"kind": "dance"}, 422, "dance"),
        ({"kind": "fill", "piece": "x", "bars": [1, 2]}, 404, "no piece"),
        ({"kind": "remix", "recording": "x"}, 404, "no recording"),
        ({"kind": "train", "name": "../../up", "folder": "/tmp"}, 422, "pattern"),
        ({"kind": "train", "name": "mine"}, 400, "either a folder or songs"),
    ],
)
def test_what_has_no_meaning_is_refused_before_any_work(
    client: Client, request_: dict[str, Any], status: int, words: str
) -> None:
    answer = client.post("/api/jobs", json=request_)
    assert answer.status_code == status
    assert words in answer.json()["error"]["what"]


def test_a_job_that_fails_says_why(client: Client) -> None:
    job = client.run("compose", style="music of Mars")
    assert job["state"] == "failed"
    assert "does not know music like 'music of Mars'" in job["error"]["what"]


def test_a_job_is_cancelled_and_the_next_one_runs(client: Client, tiny_model: Path) -> None:
    long = {"kind": "compose", "model": str(tiny_model), "bars": 2000, "variations": 8}
    job = client.post("/api/jobs", json=long).json()
    while client.get(f"/api/jobs/{job['id']}").json()["state"] == "queued":
        pass
    client.post(f"/api/jobs/{job['id']}/cancel")
    assert client.wait(job["id"])["state"] == "cancelled"
    assert client.run("compose", bars=1, model=str(tiny_model))["state"] == "done"


def test_the_api_describes_itself(client: Client) -> None:
    described = client.get("/api/openapi.json").json()
    assert "/api/jobs" in described["paths"]
    assert "ComposeRequest" in described["components"]["schemas"]


def test_the_api_describes_the_fields_of_every_answer(client: Client) -> None:
    described = client.get("/api/openapi.json").json()
    shapes = described["components"]["schemas"]
    undescribed = []
    for path, verbs in described["paths"].items():
        for verb, route in verbs.items():
            for status, answer in route["responses"].items():
                shape = answer.get("content", {}).get("application/json", {}).get("schema")
                if not status.startswith("2") or shape is None or shape == {}:
                    continue  # a file, a stream, or nothing
                name = shape.get("$ref", "").rpartition("/")[2]
                if not shapes.get(name, {}).get("properties"):
                    undescribed.append(f"{verb} {path}")
    assert undescribed == []
    assert {"tempo_bpm", "parts", "piece"} <= set(shapes["PieceAnswer"]["properties"])


def test_what_a_model_knows(client: Client, tiny_model: Path) -> None:
    known = client.get("/api/model", params={"name": str(tiny_model)}).json()
    assert known["styles"] == known["collections"] == ["chorales", "rags"]
    assert "A minor" in known["keys"]
    assert client.get("/api/models").json()["default"] == "default"


def test_a_full_disk_costs_a_job_and_no_more(
    client: Client, studio: Studio, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OutputError("The library cannot be written (database or disk is full).")

    before = client.get("/api/songs").json()
    with monkeypatch.context() as patched:
        patched.setattr(studio.library.songs, "add", full)
        job = client.run("compose", bars=1, model=str(tiny_model))
    assert (job["state"], job["result"]) == ("failed", None)
    assert "disk is full" in job["error"]["what"]
    assert client.get("/api/songs").json() == before
    assert client.wait(client.post(f"/api/jobs/{job['id']}/retry").json()["id"])["state"] == "done"


@pytest.mark.parametrize(
    ("kind", "wishes"),
    [
        ("transcribe", {"beats": [0.0, 0.5, 1.0]}),
        ("transcribe", {"band": True}),
        ("remix", {"parts": ["bass"], "seed": 1, "chords_at": [[0, "Am"], [2, "F"]]}),
    ],
)
def test_a_recording_is_heard(
    client: Client, kind: str, wishes: dict[str, Any], tmp_path: Path
) -> None:
    tune = Piece((Track([(480 * n, 470, 60 + n % 8, 90) for n in range(16)]),), title="Scale")
    sound = tune.save(tmp_path / "scale.flac").read_bytes()
    recording = client.upload("scale.flac", sound).json()["recording"]
    job = client.run(kind, recording=recording["id"], **wishes)
    assert job["state"] == "done", job["error"]
    heard = job["result"]["heard"]
    assert len(heard["beats"]) > 4
    assert "path" not in heard
    piece = client.get(f"/api/pieces/{job['result']['pieces'][0]}").json()
    assert notes_of(piece) >= 12
    for file in job["result"].get("files", []):
        assert client.get(file["url"]).status_code == 200
