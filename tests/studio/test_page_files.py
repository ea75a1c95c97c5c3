"""What the studio's page is made of: how much of it there is, and how it is handed out."""

from __future__ import annotations

import gzip
from pathlib import Path

import ritornello
from tests.studio.conftest import Client

_ASSETS = Path(ritornello.__file__).parent / "studio" / "assets"


def test_the_page_weighs_less_than_300_kilobytes() -> None:
    sent = sum(len(gzip.compress(path.read_bytes())) for path in _ASSETS.iterdir())
    assert 50_000 < sent < 300_000


def test_the_page_is_compressed_and_asked_for_anew(client: Client) -> None:
    path = "/synth-processor.js"
    page, script = client.get("/"), client.get(path, headers={"Accept-Encoding": "gzip"})
    assert "<title>ritornello studio</title>" in page.text
    assert page.headers["cache-control"] == script.headers["cache-control"] == "no-cache"
    assert script.headers["content-encoding"] == "gzip"
    again = client.get(path, headers={"If-None-Match": script.headers["etag"]})
    assert again.status_code == 304


def test_nothing_on_the_page_is_written_where_a_policy_forbids_it() -> None:
    page = (_ASSETS / "index.html").read_text("utf-8")
    assert "<script" in page
    assert all("src=" in tag.split(">")[0] for tag in page.split("<script")[1:])
    assert "http" not in page


def test_every_program_has_one_in_the_soundfont_that_stands_for_it(client: Client) -> None:
    stands = client.get("/api/about").json()["sounds_as"]
    assert len(stands) == 128
    assert all(stands[each] == each for each in set(stands))
    assert stands[40] == 48  # a violin sounds as strings
