"""Who may not ask: other pages, foreign names, other machines without the token; and bad files."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ritornello.studio.http_api import create_app
from ritornello.studio.open_studio import Studio
from ritornello.studio.request_guard import Access
from tests.examples import band
from tests.studio.conftest import PORT, Client

TOKEN = "a-token-of-some-length"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": f"evil.example:{PORT}"},  # DNS rebinding: a foreign name that points here
        {"Host": "127.0.0.1:1"},
        {"Host": ""},
        {"Host": f"127.0.0.1:{PORT}@evil.example"},
        {"Host": f"192.168.1.5:{PORT}"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://localhost:{PORT}"},  # not the name that was asked for
        {"Origin": f"https://127.0.0.1:{PORT}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_foreign_requests_are_refused(client: Client, method: str, headers: dict[str, str]) -> None:
    answer = client.request(method, "/api/songs", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"]["what"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": f"localhost:{PORT}"},
        {"Origin": f"http://127.0.0.1:{PORT}", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_our_own_page_and_programs_may_ask(client: Client, headers: dict[str, str]) -> None:
    assert client.get("/api/songs", headers=headers).status_code == 200


def test_a_link_on_another_page_may_open_the_studio(client: Client) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/", headers=headers).status_code == 200
    assert client.get("/api/songs", headers=headers).status_code == 403


def test_no_answer_may_be_framed_or_run_scripts_of_others(client: Client) -> None:
    for path in ("/", "/api/songs", "/api/nothing"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
        assert client.get(path).headers["x-content-type-options"] == "nosniff"


def test_other_machines_need_the_token(studio: Studio) -> None:
    app = create_app(studio, Access(PORT, token=TOKEN, names=("box.local",)))
    page = Client(app, base_url=f"http://192.168.1.5:{PORT}", follow_redirects=False)
    assert page.get("/api/songs").status_code == 403
    assert page.get("/?token=wrong").status_code == 403
    assert page.get("/api/songs", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    entered = page.get("/", params={"token": TOKEN})
    assert entered.status_code == 303
    assert "HttpOnly" in entered.headers["set-cookie"]
    assert page.get("/api/songs").status_code == 200  # with the cookie
    assert page.get("/api/songs", headers={"Host": f"evil.example:{PORT}"}).status_code == 403


def test_large_bodies_are_refused_before_they_are_read(client: Client) -> None:
    answer = client.post(
        "/api/uploads?name=a.mid", content=b"x", headers={"content-length": str(500 * 2**20)}
    )
    assert answer.status_code == 413
    assert "too large" in answer.json()["error"]["what"]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("a.exe", 415),
        ("a", 415),
        ("", 415),
        ("../../etc/passwd", 415),
        ("x" * 5000 + ".mid", 422),
        ("a.mid", 415),
        ("a.wav", 415),
        ("a.mxl", 415),
    ],
)
def test_what_is_no_music_is_refused_in_words(client: Client, name: str, status: int) -> None:
    answer = client.upload(name, b"MZ no music at all \x00\xff" * 20)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["what"]
    assert client.upload("empty.mid", b"").status_code == 415


@pytest.mark.parametrize(
    "name",
    [
        "../../../up.mid",
        "..\\up.mid",
        "/etc/up.mid",
        "<script>alert(1)</script>.mid",
        "a\x00\n.mid",
    ],
)
def test_a_name_is_shown_and_never_followed(
    client: Client, studio: Studio, tmp_path: Path, name: str
) -> None:
    data = band().save(tmp_path / "band.mid").read_bytes()
    before = set(studio.library.folder.parent.rglob("*"))
    version = client.upload(name, data).json()["piece"]
    assert "/" not in version["label"].replace("</", "")
    assert "\n" not in version["label"]
    new = set(studio.library.folder.parent.rglob("*")) - before
    assert all(studio.library.folder in path.parents for path in new)
    assert not [*studio.library.uploads_folder.iterdir()]


def test_files_of_jobs_cannot_be_left_by_a_path(client: Client, song: dict[str, str]) -> None:
    for path in ("../../studio.db", "..%2f..%2fstudio.db", "/etc/passwd", "%2e%2e/studio.db"):
        assert client.get(f"/api/jobs/{song['job']}/files/{path}").status_code == 404


def test_damaged_files_do_no_harm(client: Client, studio: Studio, tmp_path: Path) -> None:
    """A few of the thousand that `experiments/studio` sends."""
    random_ = random.Random(0)
    good = {
        ending: band().save(tmp_path / f"band.{ending}").read_bytes()
        for ending in ("mid", "musicxml", "mxl", "abc", "npz")
    }
    for number in range(40):
        ending = random_.choice([*good])
        data = bytearray(good[ending])
        for _ in range(random_.randint(1, 30)):
            data[random_.randrange(len(data))] = random_.randrange(256)
        answer = client.upload(f"{number}.{ending}", bytes(data[: random_.randint(1, len(data))]))
        assert answer.status_code in (201, 415), answer.text
    assert not [*studio.library.uploads_folder.iterdir()]
    assert client.get("/api/about").status_code == 200
