"""Stories of the studio's page, in the browser of the system: what visitors press, hear and get."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal

import mido
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from ritornello.music.piece import Piece, Track
from tests.studio.page_visits import (
    PATIENCE_MS,
    STORIES,
    browser,
    compose,
    get,
    shown_label,
    studio,
    visit,
    visitor,
    wait_until_written,
)

__all__ = ["browser", "studio", "visitor"]  # fixtures
pytestmark = STORIES


def test_the_first_press_of_play_is_heard(visitor: BrowserContext) -> None:
    page = visit(visitor)
    page.get_by_role("button", name="Play this piece").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=PATIENCE_MS)
    level, heard = page.locator("[data-level]"), re.compile(r"0\.[0-9]*[1-9]")
    expect(level).to_have_attribute("data-level", heard, timeout=PATIENCE_MS)
    loudest = 0.0
    for _ in range(30):
        loudest = max(loudest, float(level.get_attribute("data-level") or 0))
        page.wait_for_timeout(50)
    assert 0.02 < loudest <= 1
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_a_bar_is_practised_in_a_loop_and_muted(visitor: BrowserContext) -> None:
    page = visit(visitor)
    expect(page.locator(".version[aria-current=true]")).to_be_visible(timeout=PATIENCE_MS)
    beat = page.locator(".beat")
    usual = int(beat.inner_text())
    page.get_by_label("Tempo for practice").fill("1.5")
    assert int(beat.inner_text()) == round(1.5 * usual)
    page.get_by_role("application", name="Piano-roll").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("l")
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Click")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=PATIENCE_MS)
    places = set()
    for _ in range(60):
        places.add(page.locator(".place .wide").inner_text().split(" of ")[0])
        page.wait_for_timeout(50)
    assert places == {"bar 1"}, "the loop is one bar, heard more than once in three seconds"
    page.keyboard.press("c")
    for mute in page.get_by_role("button", name=re.compile("^Mute")).all():
        mute.click()
    level = page.locator("[data-level]")
    expect(level).to_have_attribute("data-level", "0.000", timeout=PATIENCE_MS)
    page.get_by_role("button", name=re.compile("^Solo")).first.click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Pause").click()


def test_bars_are_chosen_by_keys_filled_and_undone(visitor: BrowserContext) -> None:
    page = visit(visitor)
    song = compose(page, Number_of_bars="6")
    roll = page.get_by_role("application", name="Piano-roll")
    roll.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("[data-actions]")).to_contain_text("Bars 2–3")
    page.get_by_role("button", name="Fill").click()
    expect(page.locator(".versions li")).to_have_count(2, timeout=PATIENCE_MS)
    wait_until_written(page)
    expect(page.locator("[data-actions]")).to_contain_text("Bars 2–3")  # to be filled once more
    filled = next(each for each in get(page, "/songs")["songs"] if each["id"] == song["id"])
    assert filled["head"] != song["head"]
    old, new = (get(page, f"/pieces/{each['head']}")["piece"] for each in (song, filled))
    first, last = old["bar_lines"][1], old["bar_lines"][3]
    for before, after in zip(old["tracks"], new["tracks"], strict=True):
        outside = [note[:3] for note in before["notes"] if not first <= note[0] < last]
        assert [note[:3] for note in after["notes"] if not first <= note[0] < last] == outside
    expect(page.get_by_role("button", name="Undo")).to_be_enabled(timeout=PATIENCE_MS)
    page.keyboard.press("Control+z")
    expect(page.get_by_role("button", name="Redo")).to_be_enabled(timeout=PATIENCE_MS)
    undone = next(each for each in get(page, "/songs")["songs"] if each["id"] == song["id"])
    assert undone["head"] == song["head"]


def test_locked_parts_stay_and_the_other_is_written_again(visitor: BrowserContext) -> None:
    page = visit(visitor)
    song = compose(page, Number_of_bars="4")
    parts = page.locator(".strip").evaluate_all("all => all.map(e => e.ariaLabel)")
    for part in parts[1:]:
        page.get_by_role("button", name=f"Lock {part}", exact=True).click()
    page.get_by_role("application", name="Piano-roll").focus()
    page.keyboard.press("Home")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("[data-actions]")).to_contain_text(re.compile(rf"Bars 1–4.*{parts[0]}"))
    page.locator("[data-actions]").get_by_role("button", name="Vary").click()
    expect(page.locator(".versions li")).to_have_count(2, timeout=PATIENCE_MS)
    wait_until_written(page)
    varied = next(each for each in get(page, "/songs")["songs"] if each["id"] == song["id"])
    old, new = (get(page, f"/pieces/{each['head']}")["piece"] for each in (song, varied))
    for name, before, after in zip(parts, old["tracks"], new["tracks"], strict=True):
        same = [note[:3] for note in before["notes"]] == [note[:3] for note in after["notes"]]
        assert same == (name != parts[0])


def test_a_dropped_song_is_gone_on_with(visitor: BrowserContext, tmp_path: Path) -> None:
    page = visit(visitor)
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
        re.compile("^mine"), timeout=PATIENCE_MS
    )
    page.get_by_role("button", name="Write on").click()
    expect(page.locator(".versions li")).to_have_count(2, timeout=PATIENCE_MS)
    wait_until_written(page)
    song = next(each for each in get(page, "/songs")["songs"] if each["title"].startswith("mine"))
    piece = get(page, f"/pieces/{song['head']}")
    assert piece["bars"] == 4 + 16
    scale = piece["piece"]["resolution"] / 480
    kept = [[onset / scale, pitch] for onset, _, pitch, _ in piece["piece"]["tracks"][0]["notes"]]
    assert kept[:16] == [[onset, pitch] for onset, _, pitch, _ in tune]


def test_a_form_of_blocks_is_composed_as_it_stands(visitor: BrowserContext) -> None:
    page = visit(visitor)
    if not get(page, "/model")["has_form"]:
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
    song = compose(page)
    assert song["versions"][0]["bars"] == 8


def test_a_piece_gives_its_form_and_a_file_its_plan(visitor: BrowserContext) -> None:
    page = visit(visitor)
    page.get_by_text("Form", exact=True).click()
    page.get_by_role("button", name="As this piece").click()
    shown = get(page, "/songs")["songs"][0]["versions"][0]
    expect(page.locator(".blocks")).to_have_attribute("aria-label", f"Form: {shown['bars']} bars")
    bars = "".join(f"  {{ bar = {number} }},\n" for number in (1, 2, 3))
    plan = f'format = "ritornello-plan-1"\nplayers = ["piano"]\nbars = [\n{bars}]\n'
    page.get_by_label("Choose a plan").set_input_files(
        {"name": "mine.toml", "mimeType": "application/toml", "buffer": plan.encode()}
    )
    expect(page.get_by_text("As mine.toml says")).to_be_visible()
    song = compose(page)
    assert song["versions"][0]["bars"] == 3


def test_the_midi_that_is_saved_has_the_notes_that_are_shown(
    visitor: BrowserContext, tmp_path: Path
) -> None:
    page = visit(visitor)
    shown = get(page, f"/pieces/{get(page, '/songs')['songs'][0]['head']}")["piece"]
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


def test_what_stands_in_the_training_music_is_told_as_it_is(visitor: BrowserContext) -> None:
    page = visit(visitor)
    songs = get(page, "/songs")["songs"]
    first = next(song for song in songs if song["versions"][0]["label"] == "Ready to play")
    page.get_by_role("button", name=first["title"], exact=True).click()
    expect(page.get_by_label("Title of the piece")).to_have_value(first["title"])
    page.get_by_role("button", name="Is it original?").click()
    told = page.get_by_role("region", name="Export").get_by_role("status")
    expect(told).to_be_visible(timeout=PATIENCE_MS)
    found = get(page, f"/pieces/{first['head']}/originality")
    copies = found["texture"]["longest"] or found["texture"]["shares"]["8"]
    assert ("Two bars or more" in told.inner_text()) == bool(copies)
    longest = found["parts"]["longest"]
    known = f"{longest['part']}, bar" if longest else "No part has a passage"
    assert known in told.inner_text()


def test_a_name_with_script_in_it_is_shown_as_text(visitor: BrowserContext, tmp_path: Path) -> None:
    page = visit(visitor)
    name = "<img src=x onerror=alert(1)>"
    midi = tmp_path / "drop.mid"
    Piece(tracks=(Track(notes=[(0, 480, 60, 80), (480, 480, 62, 80)], name=name),)).save(midi)
    page.get_by_label("Open a file").set_input_files(
        {"name": f"{name}.mid", "mimeType": "audio/midi", "buffer": midi.read_bytes()}
    )
    expect(page.locator(".strip")).to_have_count(1, timeout=PATIENCE_MS)
    expect(page.get_by_label("Title of the piece")).to_have_value(re.compile("onerror"))
    assert page.locator("img[src=x]").count() == 0


def test_what_is_no_music_gets_a_message(visitor: BrowserContext) -> None:
    page = visit(visitor)
    page.get_by_label("Open a file").set_input_files(
        {"name": "letter.mid", "mimeType": "audio/midi", "buffer": b"Dear Sir or Madam"}
    )
    expect(page.get_by_role("alert")).to_contain_text("letter", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Close the message").click()
    page.get_by_text("Chords, swing, scale, variations").click()
    page.get_by_label("Chords, one a bar; they repeat").fill("Am Hx")
    page.get_by_role("button", name=re.compile("^Compose")).last.click()
    expect(page.get_by_role("alert")).to_contain_text("Hx", timeout=PATIENCE_MS)


def test_what_another_window_does_is_told_and_both_are_kept(visitor: BrowserContext) -> None:
    page, other = visit(visitor), visit(visitor)
    expect(page.locator(".version[aria-current=true]")).to_be_visible(timeout=PATIENCE_MS)
    mine = shown_label(page)
    other.get_by_role("application", name="Piano-roll").focus()
    other.keyboard.press("Shift+ArrowRight")
    other.get_by_role("button", name="Delete", exact=True).click()
    banner = page.get_by_role("alert").filter(has_text="Another window")
    expect(banner).to_be_visible(timeout=PATIENCE_MS)
    assert shown_label(page) == mine
    banner.get_by_role("button", name="Show it").click()
    expect(banner).to_have_count(0)
    assert shown_label(page) != mine


def test_without_audio_worklets_a_file_is_played(visitor: BrowserContext) -> None:
    visitor.add_init_script("delete window.AudioWorkletNode")
    page = visit(visitor)
    expect(page.get_by_label("The piece as sound")).to_be_visible()
    expect(page.get_by_text("no audio worklets")).to_be_visible()


def test_a_narrow_window_has_all_there_is_to_a_part(visitor: BrowserContext) -> None:
    page = visitor.new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/")
    expect(page.locator(".version[aria-current=true]")).to_have_count(1, timeout=PATIENCE_MS)
    page.get_by_role("button", name=re.compile("^More of")).first.click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Volume of").fill("0.5")
    sheet.get_by_role("combobox").select_option("tuba")
    expect(page.get_by_role("button", name="More of tuba")).to_be_visible(timeout=PATIENCE_MS)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_keeps_anybody_out(
    browser: Browser, studio: str, width: int, theme: Literal["light", "dark"]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core")
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=theme, base_url=studio
    )
    page = visit(context)
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
