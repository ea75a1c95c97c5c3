"""Stories of the studio's page, in the browser of the system: what visitors press, hear and get."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import mido
import pytest

pytest.importorskip("playwright.sync_api", reason="the browser needs Playwright")
pytest.importorskip("fastapi", reason="the studio needs the extra studio")

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

import ritornello
from ritornello.music.piece import Piece, Track

_BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(_BROWSER is None, reason="no Chromium is installed: stories are not tried"),
]
_PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a studio with a library of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    library = tmp_path_factory.mktemp("library")
    command = [sys.executable, "-m", "ritornello", "studio", "--no-browser"]
    command += ["--port", str(port), "--library", str(library)]
    source = str(Path(ritornello.__file__).parents[1])
    running = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": source})
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{address}/api/about", timeout=5).close()
            break
        except OSError:
            time.sleep(0.1)
    yield address
    running.terminate()
    running.wait(30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as tools:
        opened = tools.chromium.launch(executable_path=_BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def visitor(browser: Browser, studio: str) -> Iterator[BrowserContext]:
    """A browser that has not been here; afterwards: no script failed, no request went out."""
    wrong: list[str] = []
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, base_url=studio, accept_downloads=True
    )
    context.set_default_timeout(_PATIENCE_MS)
    own = (studio, "blob:", "data:")
    context.on("request", lambda each: None if each.url.startswith(own) else wrong.append(each.url))
    context.on("weberror", lambda each: wrong.append(str(each.error)))
    context.on("dialog", lambda each: wrong.append(f"dialog: {each.message}"))
    context.on(
        "console",
        lambda each: wrong.append(each.text) if "Content Security Policy" in each.text else None,
    )
    yield context
    context.close()
    assert not wrong


def _visit(context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto("/")
    expect(page.locator("canvas.lanes")).to_be_visible(timeout=_PATIENCE_MS)
    return page


def _get(page: Page, path: str) -> Any:
    return page.request.get(f"/api{path}").json()


def _compose(page: Page, **asked: str) -> dict[str, Any]:
    """The song that is shown after pressing Compose."""
    before = len(_get(page, "/songs")["songs"])
    if "Number_of_bars" in asked:
        page.get_by_text("Bars", exact=True).first.click()
    for label, value in asked.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(value)
    page.get_by_role("button", name=re.compile("^Compose")).last.click()
    expect(page.get_by_role("button", name="Cancel").first).to_be_visible(timeout=_PATIENCE_MS)
    _wait_until_written(page)
    # Until the piece is shown, keys go to the one before.
    expect(page.get_by_label("Title of the piece")).to_be_visible(timeout=_PATIENCE_MS)
    songs: list[dict[str, Any]] = _get(page, "/songs")["songs"]
    assert len(songs) == before + 1
    return songs[0]


def _wait_until_written(page: Page) -> None:
    expect(page.locator(".banner progress")).to_have_count(0, timeout=_PATIENCE_MS)


def _shown_label(page: Page) -> str:
    return page.locator(".version[aria-current=true]").inner_text(timeout=_PATIENCE_MS)


def test_the_first_press_of_play_is_heard(visitor: BrowserContext) -> None:
    page = _visit(visitor)
    page.get_by_role("button", name="Play this piece").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=_PATIENCE_MS)
    level, heard = page.locator("[data-level]"), re.compile(r"0\.[0-9]*[1-9]")
    expect(level).to_have_attribute("data-level", heard, timeout=_PATIENCE_MS)
    loudest = 0.0
    for _ in range(30):
        loudest = max(loudest, float(level.get_attribute("data-level") or 0))
        page.wait_for_timeout(50)
    assert 0.02 < loudest <= 1
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_bars_are_chosen_by_keys_filled_and_undone(visitor: BrowserContext) -> None:
    page = _visit(visitor)
    song = _compose(page, Number_of_bars="6")
    roll = page.get_by_role("application", name="Piano-roll")
    roll.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("[data-actions]")).to_contain_text("Bars 2–3")
    page.get_by_role("button", name="Fill").click()
    expect(page.locator(".versions li")).to_have_count(2, timeout=_PATIENCE_MS)
    _wait_until_written(page)
    filled = next(each for each in _get(page, "/songs")["songs"] if each["id"] == song["id"])
    assert filled["head"] != song["head"]
    old, new = (_get(page, f"/pieces/{each['head']}")["piece"] for each in (song, filled))
    first, last = old["bar_lines"][1], old["bar_lines"][3]
    for before, after in zip(old["tracks"], new["tracks"], strict=True):
        outside = [note[:3] for note in before["notes"] if not first <= note[0] < last]
        assert [note[:3] for note in after["notes"] if not first <= note[0] < last] == outside
    expect(page.get_by_role("button", name="Undo")).to_be_enabled(timeout=_PATIENCE_MS)
    page.keyboard.press("Control+z")
    expect(page.get_by_role("button", name="Redo")).to_be_enabled(timeout=_PATIENCE_MS)
    undone = next(each for each in _get(page, "/songs")["songs"] if each["id"] == song["id"])
    assert undone["head"] == song["head"]


def test_locked_parts_stay_and_the_other_is_written_again(visitor: BrowserContext) -> None:
    page = _visit(visitor)
    song = _compose(page, Number_of_bars="4")
    parts = page.locator(".strip").evaluate_all("all => all.map(e => e.ariaLabel)")
    for part in parts[1:]:
        page.get_by_role("button", name=f"Lock {part}", exact=True).click()
    page.get_by_role("application", name="Piano-roll").focus()
    page.keyboard.press("Home")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("[data-actions]")).to_contain_text(re.compile(rf"Bars 1–4.*{parts[0]}"))
    page.get_by_role("button", name="Vary").click()
    expect(page.locator(".versions li")).to_have_count(2, timeout=_PATIENCE_MS)
    _wait_until_written(page)
    varied = next(each for each in _get(page, "/songs")["songs"] if each["id"] == song["id"])
    old, new = (_get(page, f"/pieces/{each['head']}")["piece"] for each in (song, varied))
    for name, before, after in zip(parts, old["tracks"], new["tracks"], strict=True):
        same = [note[:3] for note in before["notes"]] == [note[:3] for note in after["notes"]]
        assert same == (name != parts[0])


def test_a_dropped_song_is_gone_on_with(visitor: BrowserContext, tmp_path: Path) -> None:
    page = _visit(visitor)
    midi = tmp_path / "mine.mid"
    tune = [(480 * beat, 480, 60 + 2 * (beat % 5), 80) for beat in range(16)]
    Piece(tracks=(Track(notes=tune, program=73),)).save(midi)
    # A drop of the mouse itself cannot be acted out: the event is made as the browser makes it.
    page.evaluate(
        """([name, bytes]) => {
            const carried = new DataTransfer()
            carried.items.add(new File([new Uint8Array(bytes)], name))
            const drop = new DragEvent('drop', { dataTransfer: carried, bubbles: true })
            document.body.dispatchEvent(drop)
        }""",
        ["mine.mid", list(midi.read_bytes())],
    )
    expect(page.get_by_label("Title of the piece")).to_have_value(
        re.compile("^mine"), timeout=_PATIENCE_MS
    )
    page.get_by_role("button", name="Write on").click()
    expect(page.locator(".versions li")).to_have_count(2, timeout=_PATIENCE_MS)
    _wait_until_written(page)
    song = next(each for each in _get(page, "/songs")["songs"] if each["title"].startswith("mine"))
    piece = _get(page, f"/pieces/{song['head']}")
    assert piece["bars"] == 4 + 16
    scale = piece["piece"]["resolution"] / 480
    kept = [[onset / scale, pitch] for onset, _, pitch, _ in piece["piece"]["tracks"][0]["notes"]]
    assert kept[:16] == [[onset, pitch] for onset, _, pitch, _ in tune]


def test_a_form_of_blocks_is_composed_as_it_stands(visitor: BrowserContext) -> None:
    page = _visit(visitor)
    if not _get(page, "/model")["has_form"]:
        expect(page.get_by_text("Form", exact=True)).to_have_count(0)
        pytest.skip("this version composes without a form")
    page.get_by_text("Form", exact=True).click()
    page.get_by_role("button", name="AABA").click()
    for _ in range(3):
        page.locator(".block").first.focus()
        page.keyboard.press("Delete")
    block = page.locator(".block").first
    block.focus()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("d")
    song = _compose(page)
    assert song["versions"][0]["bars"] == 8


def test_the_midi_that_is_saved_has_the_notes_that_are_shown(
    visitor: BrowserContext, tmp_path: Path
) -> None:
    page = _visit(visitor)
    shown = _get(page, f"/pieces/{_get(page, '/songs')['songs'][0]['head']}")["piece"]
    with page.expect_download() as saving:
        page.get_by_role("link", name="MIDI", exact=True).click()
    path = tmp_path / "saved.mid"
    saving.value.save_as(path)
    struck = sum(
        message.type == "note_on" and message.velocity > 0
        for track in mido.MidiFile(path).tracks
        for message in track
    )
    assert struck == sum(len(track["notes"]) for track in shown["tracks"])


def test_a_name_with_script_in_it_is_shown_as_text(visitor: BrowserContext, tmp_path: Path) -> None:
    page = _visit(visitor)
    name = "<img src=x onerror=alert(1)>"
    midi = tmp_path / "drop.mid"
    Piece(tracks=(Track(notes=[(0, 480, 60, 80), (480, 480, 62, 80)], name=name),)).save(midi)
    page.get_by_label("Open a file").set_input_files(
        {"name": f"{name}.mid", "mimeType": "audio/midi", "buffer": midi.read_bytes()}
    )
    expect(page.locator(".strip")).to_have_count(1, timeout=_PATIENCE_MS)
    expect(page.get_by_label("Title of the piece")).to_have_value(re.compile("onerror"))
    assert page.locator("img[src=x]").count() == 0


def test_what_is_no_music_gets_a_message(visitor: BrowserContext) -> None:
    page = _visit(visitor)
    page.get_by_label("Open a file").set_input_files(
        {"name": "letter.mid", "mimeType": "audio/midi", "buffer": b"Dear Sir or Madam"}
    )
    expect(page.get_by_role("alert")).to_contain_text("letter", timeout=_PATIENCE_MS)
    page.get_by_role("button", name="Close the message").click()
    page.get_by_text("Chords, variations, seed").click()
    page.get_by_label("Chords, one a bar; they repeat").fill("Am Hx")
    page.get_by_role("button", name=re.compile("^Compose")).last.click()
    expect(page.get_by_role("alert")).to_contain_text("Hx", timeout=_PATIENCE_MS)


def test_what_another_window_does_is_told_and_both_are_kept(visitor: BrowserContext) -> None:
    page, other = _visit(visitor), _visit(visitor)
    expect(page.locator(".version[aria-current=true]")).to_be_visible(timeout=_PATIENCE_MS)
    mine = _shown_label(page)
    other.get_by_role("application", name="Piano-roll").focus()
    other.keyboard.press("Shift+ArrowRight")
    other.get_by_role("button", name="Delete", exact=True).click()
    banner = page.get_by_role("alert").filter(has_text="Another window")
    expect(banner).to_be_visible(timeout=_PATIENCE_MS)
    assert _shown_label(page) == mine
    banner.get_by_role("button", name="Show it").click()
    expect(banner).to_have_count(0)
    assert _shown_label(page) != mine


def test_without_audio_worklets_a_file_is_played(visitor: BrowserContext) -> None:
    visitor.add_init_script("delete window.AudioWorkletNode")
    page = _visit(visitor)
    expect(page.get_by_label("The piece as sound")).to_be_visible()
    expect(page.get_by_text("no audio worklets")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_keeps_anybody_out(
    browser: Browser, studio: str, width: int, theme: Literal["light", "dark"]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core")
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=theme, base_url=studio
    )
    page = _visit(context)
    found = {"first": axe.Axe().run(page).response["violations"]}
    if width < 640:
        page.get_by_role("button", name="Make", exact=True).click()
    for tool in ("Compose", "Remix", "Learn", "Listen"):
        page.locator(".tools").get_by_role("button", name=tool).click()
        page.wait_for_timeout(200)
        found[tool] = axe.Axe().run(page).response["violations"]
    for view in ("Score", "Sound"):
        page.locator("header").get_by_role("button", name=view, exact=True).click()
        page.wait_for_timeout(200)
        found[view] = axe.Axe().run(page).response["violations"]
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    context.close()
    assert not {name: json.dumps(each)[:600] for name, each in found.items() if each}
    assert wide <= 0
