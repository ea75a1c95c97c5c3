"""Pairs are heard blind and alike; what is rated changes what is composed; tests are counted."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ritornello import Composer
from ritornello.cli import run
from ritornello.dsp.mastering import measure
from ritornello.studio.blind_tests import wilson_interval
from ritornello.studio.open_studio import Studio
from tests.examples import band
from tests.studio.conftest import Client


def loudness(data: bytes) -> float:
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    return float(measure(samples.T, rate).lufs())


def test_pairs_are_blind_and_equally_loud_and_teach_a_model(
    client: Client, studio: Studio, tiny_model: Path, tmp_path: Path
) -> None:
    jobs = [
        client.post(
            "/api/pairs",
            json={"model": str(tiny_model), "bars": 1, "seed": seed, "parts": ["piano"]},
        ).json()["job"]["id"]
        for seed in range(0, 20, 2)
    ]
    assert [client.wait(job)["error"] for job in jobs] == [None] * len(jobs)
    first_sides = set()
    for number in range(len(jobs)):
        waiting = client.get("/api/pairs/next").json()
        pair = waiting["pair"]
        assert waiting["rated"] == number
        assert set(pair) == {"id", "left", "right"}  # no seed, no model: nothing tells them apart
        if number < 2:
            sounds = [client.get(pair[side]["audio"]).content for side in ("left", "right")]
            assert abs(loudness(sounds[0]) - loudness(sounds[1])) < 0.5
        counts = {
            side: len(pair[side]["notes"]["tracks"][0]["notes"]) for side in ("left", "right")
        }
        better = "left" if counts["left"] <= counts["right"] else "right"
        rated = client.post(f"/api/pairs/{pair['id']}/rating", json={"answer": better}).json()
        first_sides.add(client.get(f"/api/pieces/{rated['left']['piece']}").json()["seed"] % 2)
    assert first_sides == {0, 1}, "which side is first is left to chance"
    titles = [song["title"] for song in client.get("/api/songs").json()["songs"]]
    assert not [title for title in titles if "Rated" in title]
    job = client.run("tune", model=str(tiny_model), name="mine", candidates=6)
    assert job["state"] == "done", job
    tuned = studio.library.models_folder / "mine"
    plain = Composer.load(tiny_model).compose_many(8, bars=2, parts=("piano",), seed=500)
    chosen = Composer.load(tuned).compose_many(8, bars=2, parts=("piano",), seed=500)
    assert sum(p.note_count for p in chosen) < sum(p.note_count for p in plain)
    ratings = ["--ratings", str(studio.library.folder / "studio.db")]
    assert run(["tune", "-m", str(tiny_model), *ratings, "-o", str(tmp_path / "tuned")]) == 0
    assert (tmp_path / "tuned" / "critic.json").read_bytes()
    assert run(["tune", "--ratings", str(tmp_path / "none.db"), "-o", str(tmp_path / "no")]) == 1


def test_a_blind_test_is_counted_and_tells_nothing_before_its_end(
    client: Client, tiny_model: Path, tmp_path: Path
) -> None:
    for number in range(4):
        band().transposed(number).save(tmp_path / f"{number}.mid")
    asked = {"folder": str(tmp_path), "trials": 4, "bars": 2, "model": str(tiny_model)}
    job = client.post("/api/blind-tests", json={**asked, "musician": True}).json()
    assert client.wait(job["id"])["state"] == "done"
    test = client.get(f"/api/blind-tests/{job['id']}").json()
    for _ in range(4):
        assert (test["result"], test["sources"]) == (None, None)
        assert np.isfinite(loudness(client.get(test["trial"]["audio"]).content))
        guess = {"number": test["trial"]["number"], "answer": "real"}
        test = client.post(f"/api/blind-tests/{job['id']}/answers", json=guess).json()
    assert test["trial"] is None
    result = test["result"]
    assert (result["real"], result["machine"], result["right"], result["of"]) == (2, 2, 2, 4)
    assert (result["real_called_real"], result["machine_called_real"]) == (2, 2)
    again = client.post(f"/api/blind-tests/{job['id']}/answers", json=guess)
    assert again.status_code == 409
    results = client.get("/api/blind-tests/results").json()
    assert (results["musicians"]["of"], results["others"]["of"]) == (4, 0)
    assert len(client.get("/api/blind-tests/export.csv").text.splitlines()) == 5


def test_too_little_real_music_is_told(client: Client, tiny_model: Path) -> None:
    job = client.run("blind_test", trials=4, model=str(tiny_model))
    assert job["state"] == "failed"
    assert "0 real pieces have 8 bars" in job["error"]["what"]


@pytest.mark.parametrize(("right", "of"), [(0, 10), (10, 10), (7, 20), (50, 100)])
def test_the_interval_is_that_of_wilson(right: int, of: int) -> None:
    low, high = wilson_interval(right, of)
    z, p = 1.959964, right / of
    # Its ends are the shares from which the observed one is z standard errors away.
    for end in (low, high):
        assert abs(abs(p - end) - z * np.sqrt(end * (1 - end) / of)) < 2e-3
