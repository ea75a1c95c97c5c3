"""Stories of work that takes long: learned from ratings, remixed, cancelled, killed and resumed."""

from __future__ import annotations

import itertools
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, BrowserContext, Page, expect

from ritornello import Composer, api
from ritornello.studio.database import as_json, new_id, now
from ritornello.studio.library_folder import Library
from tests.examples import solo
from tests.studio.page_visits import (
    PATIENCE_MS,
    STORIES,
    browser,
    compose,
    get,
    running_studio,
    studio,
    visit,
    visiting,
    visitor,
    wait_until_written,
)

__all__ = ["browser", "studio", "visitor"]  # fixtures
pytestmark = STORIES


def _post(page: Page, path: str, **request: Any) -> Any:
    answer = page.request.post(f"/api{path}", data=request)
    assert answer.ok, answer.text()
    return answer.json()


def _tool(page: Page, name: str) -> None:
    page.locator(".tools").get_by_role("button", name=name).click()


def _with_pairs(folder: Path, model: Path, count: int) -> None:
    """A library in which pairs of pieces wait to be rated; they sound alike, to save time."""
    library = Library(folder)
    pieces = Composer.load(model).compose_many(2 * count, bars=1, parts=("piano",))
    sound = folder / "pair.mp3"
    api.render(pieces[0], sound)
    for number in range(count):
        request = {"kind": "pair", "model": str(model)}
        job = {"id": new_id(), "kind": "pair", "state": "done", "title": "Two pieces"}
        row = {**job, "request": as_json(request), "created": now()}
        library.database.insert("jobs", row)
        kept = [
            library.songs.add(piece, "compose", hidden=True, model=str(model), seed=number)["id"]
            for piece in pieces[2 * number : 2 * number + 2]
        ]
        library.ratings.add_pair(job["id"], request, kept[0], kept[1], 2.0)
        library.job_folder(job["id"]).mkdir(parents=True)
        for side in ("left", "right"):
            shutil.copyfile(sound, library.job_folder(job["id"]) / f"{side}.mp3")
    library.close()


@pytest.fixture
def rating_visitor(browser: Browser, tmp_path: Path, tiny_model: Path) -> Iterator[BrowserContext]:
    """A visitor of a studio where thirty pairs wait."""
    _with_pairs(tmp_path / "library", tiny_model, 30)
    with (
        running_studio(tmp_path / "library") as (address, _),
        visiting(browser, address) as visitor,
    ):
        yield visitor


def test_thirty_pairs_are_rated_and_learned_from(rating_visitor: BrowserContext) -> None:
    page = visit(rating_visitor)
    _tool(page, "Listen")
    panel = page.get_by_role("region", name="Which is better?")
    answers = itertools.cycle(["A is better", "B is better", "A is better", "Equally good"])
    for rated, answer in zip(range(30), answers, strict=False):
        expect(panel).to_contain_text(f"{rated} rated", timeout=PATIENCE_MS)
        sounds = panel.locator("audio")
        expect(sounds).to_have_count(2, timeout=PATIENCE_MS)
        button = panel.get_by_role("button", name=answer)
        expect(button).to_be_disabled()
        # The pair before may still be there: what is played must be the new one.
        for _ in range(PATIENCE_MS // 100):
            sounds.evaluate_all("both => both.forEach(each => each.play().catch(() => 0))")
            page.wait_for_timeout(100)
            if button.is_enabled():
                break
        button.click()
    expect(panel).to_contain_text("30 rated", timeout=PATIENCE_MS)
    panel.get_by_label("Name of the new model").fill("mine")
    panel.get_by_role("button", name="Learn from my ratings").click()
    learned = panel.locator(".learned")
    expect(learned).to_contain_text("mine learned from 30 pairs", timeout=PATIENCE_MS)
    learned.get_by_role("button", name="Compose with it").click()
    expect(page.get_by_role("form", name="Compose")).to_be_visible()
    page.get_by_text("Chords, swing, scale, variations").click()
    chosen = page.get_by_role("combobox", name="Model", exact=True)
    expect(chosen).to_have_value(re.compile("mine$"))


def test_a_recording_is_remixed_and_corrected(visitor: BrowserContext, tmp_path: Path) -> None:
    take = tmp_path / "take.mp3"
    api.render(solo(bars=4, tempo_bpm=120), take)
    page = visit(visitor)
    page.get_by_label("Open a file").set_input_files(take)
    make = page.get_by_role("region", name="Remix")
    make.get_by_role("button", name="drums", exact=True).click()
    make.get_by_role("button", name="piano", exact=True).click()
    make.get_by_role("button", name="Remix", exact=True).click()
    chords, beats = (page.get_by_role("group", name=name) for name in ("Chords", "Beats"))
    expect(beats.get_by_role("button").first).to_be_visible(timeout=PATIENCE_MS)
    heard = _last(page, "remix")["result"]["heard"]
    assert chords.get_by_role("button").count() >= 1
    # A chord is typed anew, a beat moves by hundredths, and a bar begins elsewhere.
    chords.get_by_role("button").first.click()
    chords.get_by_role("textbox").fill("F#m7")
    chords.get_by_role("textbox").press("Enter")
    expect(chords.get_by_role("button").first).to_have_text("F#m7")
    third = beats.get_by_role("button").nth(2)
    third.press("Alt+ArrowRight")
    third.press("b")
    expect(page.get_by_role("button", name="As heard")).to_be_visible()
    make.get_by_role("button", name="Remix again").click()
    expect(make.get_by_role("button", name="Cancel")).to_be_visible(timeout=PATIENCE_MS)
    expect(make.get_by_role("button", name="Remix again")).to_be_visible(timeout=PATIENCE_MS)
    again = _last(page, "remix")
    assert again["request"]["parts"] == ["bass"]
    assert again["request"]["chords_at"][0][1] == "F#m7"
    moved = again["request"]["beats"][2]
    assert moved == pytest.approx(heard["beats"][2] + 0.01, abs=0.002)
    assert again["result"]["heard"]["downbeats"][0] == pytest.approx(moved, abs=2.5)
    expect(chords.get_by_role("button").first).to_have_text("F#m7")
    with page.expect_download() as saving:
        page.get_by_role("link", name="mix.mp3").click()
    saving.value.save_as(tmp_path / "mix.mp3")
    samples, _ = soundfile.read(tmp_path / "mix.mp3")
    assert np.abs(samples).max() > 0.05


def _last(page: Page, kind: str) -> dict[str, Any]:
    jobs: list[dict[str, Any]] = get(page, "/jobs")["jobs"]
    return next(job for job in jobs if job["kind"] == kind)


def test_what_is_cancelled_leaves_what_was_there(visitor: BrowserContext) -> None:
    page = visit(visitor)
    song = compose(page, Number_of_bars="4")
    page.get_by_label("Number of bars").fill("2000")
    page.get_by_role("button", name=re.compile("^Compose")).last.click()
    page.locator(".banner").get_by_role("button", name="Cancel").click(timeout=PATIENCE_MS)
    wait_until_written(page)
    assert _last(page, "compose")["state"] == "cancelled"
    expect(page.get_by_label("Title of the piece")).to_have_value(song["title"])
    assert compose(page, Number_of_bars="2")["versions"][0]["bars"] == 2


def test_a_killed_studio_goes_on_where_it_was(browser: Browser, tmp_path: Path) -> None:
    with running_studio(tmp_path) as (address, process):
        port = int(address.rpartition(":")[2])
        with visiting(browser, address) as visitor:
            page = visit(visitor)
            asked = {"kind": "compose", "bars": 40, "parts": ["piano"], "seed": 4}
            job = _post(page, "/jobs", **asked)["id"]
            while not get(page, f"/jobs/{job}")["progress"].get("done"):
                page.wait_for_timeout(20)
            process.send_signal(signal.SIGKILL)
            process.wait()
            with running_studio(tmp_path, port):
                # The page finds the studio again by itself, and shows what comes of the job.
                row = page.get_by_role("region", name="Jobs")
                expect(row.get_by_role("button", name="Cancel")).to_have_count(
                    0, timeout=PATIENCE_MS
                )
                done = get(page, f"/jobs/{job}")
                while done["state"] in ("queued", "running"):
                    page.wait_for_timeout(100)
                    done = get(page, f"/jobs/{job}")
                assert (done["state"], done["attempts"]) == ("done", 2)
                songs = page.get_by_role("region", name="Library").locator(".song")
                expect(songs).to_have_count(2, timeout=PATIENCE_MS)


def test_all_but_the_drums_are_locked_and_stay(visitor: BrowserContext) -> None:
    page = visit(visitor)
    song = compose(page, Number_of_bars="4")
    parts = page.locator(".strip").evaluate_all("all => all.map(e => e.ariaLabel)")
    for part in parts:
        if part.lower() != "drums":
            page.get_by_role("button", name=f"Lock {part}", exact=True).click()
    page.get_by_role("region", name="Go on with this piece").get_by_role(
        "button", name="Vary", exact=True
    ).click()
    expect(page.locator(".versions li")).to_have_count(2, timeout=PATIENCE_MS)
    wait_until_written(page)
    varied = next(each for each in get(page, "/songs")["songs"] if each["id"] == song["id"])
    old, new = (get(page, f"/pieces/{each['head']}")["piece"] for each in (song, varied))
    for before, after in zip(old["tracks"], new["tracks"], strict=True):
        same = [note[:3] for note in before["notes"]] == [note[:3] for note in after["notes"]]
        assert same == (not before["is_drum"])


def test_a_dropped_folder_is_learned_from(visitor: BrowserContext, tmp_path: Path) -> None:
    folder = tmp_path / "my music"
    folder.mkdir()
    for number, piece in enumerate(Composer.load().compose_many(3, bars=8, seed=5)):
        api.save(piece, folder / f"piece {number}.mid")
    (folder / "broken.mid").write_bytes(b"no music")
    (folder / "voice.mp3").write_bytes(b"a recording")
    page = visit(visitor)
    songs = len(get(page, "/songs")["songs"])
    _tool(page, "Learn")
    learn = page.get_by_role("region", name="Learn")
    learn.locator("input[type=file]").set_input_files(folder)
    expect(learn.get_by_text("3 pieces, 2 refused")).to_be_visible()
    learn.get_by_text("2 refused", exact=True).click()
    expect(learn.get_by_text("broken.mid: This is not a MIDI file")).to_be_visible()
    assert len(get(page, "/songs")["songs"]) == songs, "what is learned from stands in no list"
    learn.get_by_label("Begin with").select_option(label="nothing but this music")
    learn.get_by_label("Name of the model").fill("of-three")
    learn.get_by_label("Minutes").fill("0.1")
    learn.get_by_role("button", name="Train", exact=True).click()
    # The ingest report, the loss as it falls, and in the end samples and the model.
    expect(learn.get_by_text("3 of 3 files are used")).to_be_visible(timeout=PATIENCE_MS)
    expect(learn.get_by_role("img", name="Loss")).to_be_visible(timeout=PATIENCE_MS)
    expect(learn.get_by_label("A sample of the model")).to_be_visible(timeout=2 * PATIENCE_MS)
    learn.get_by_role("button", name="Compose with it").click(timeout=2 * PATIENCE_MS)
    page.get_by_text("Chords, swing, scale, variations").click()
    model = page.get_by_role("combobox", name="Model")
    assert "of-three" in str(model.evaluate("select => select.selectedOptions[0].text"))
