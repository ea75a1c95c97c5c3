"""The report of a run shows what its journal says, whatever state the journal is in."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ritornello.errors import InputError
from ritornello.note_model import checkpoint
from ritornello.note_model.encoding.notes import FIELDS
from ritornello.note_model.network import NoteModel, NoteModelConfig
from ritornello.pages.charts import Curve, Shape, line_chart, smoothed, strip
from ritornello.training import run_samples as report_samples
from ritornello.training.config import TrainConfig
from ritornello.training.history import read_history
from ritornello.training.journal import METRICS_FILE
from ritornello.training.loop import train
from ritornello.training.run_report import REPORT_FILE, write_report
from tests.examples import MemoryCorpus, band

_VOID = {"meta", "br", "hr", "img", "input", "link"}
_HOSTILE = "<script>alert('\"&</script>"


class Page(HTMLParser):
    """The texts by id, the table rows, the tags and the links; every tag must be closed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.open: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self.ids: dict[str, str] = {}
        self.rows: list[list[str]] = []
        self.links: list[str] = []
        self.feed(self.source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self.tags.append(tag)
        self.links += [found[name] for name in ("src", "href", "data") if name in found]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in _VOID:
            self.open.append((tag, found.get("id") or ""))

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for tag, name in self.open:
            self.ids[name] = self.ids.get(name, "") + data
            if tag in ("td", "th"):
                self.rows[-1][-1] += data

    def row(self, name: str) -> list[str]:
        return next(row[1:] for row in self.rows if row[0] == name)


def step_line(step: int, nats: float = 5.0, **others: Any) -> dict[str, Any]:
    return {
        "kind": "step", "step": step, "seconds": step * 1.5, "notes": step * 1000,
        "nats_per_note": nats, "learning_rate": 0.001, "gradient_norm": 0.7,
        "notes_per_second": 666.7, "fields": dict.fromkeys(FIELDS, nats / 5), **others,
    }  # fmt: skip


def validation_line(step: int, nats: float, **collections: float) -> dict[str, Any]:
    fields = dict.fromkeys(FIELDS, nats / 5)
    return {
        "kind": "validation", "step": step, "nats_per_note": nats, "fields": fields,
        "collections": collections, "notes": 4321,
    }  # fmt: skip


def histogram_line(step: int, name: str = "heads.2.out.weight") -> dict[str, Any]:
    shape = {"low": -0.5, "high": 0.25, "counts": [1, 5, 20, 5, 1]}
    return {
        "kind": "histograms", "step": step,
        "parameters": {name: {"weight": shape, "gradient": shape}},
    }  # fmt: skip


def journal(folder: Path, *lines: dict[str, Any], end: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / METRICS_FILE).write_text(text + end, encoding="utf-8")
    return folder


def read(folder: Path) -> Page:
    return Page(write_report(folder))


# --- the whole run -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that training left."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    config = TrainConfig(
        steps=10, layers=1, width=16, head_width=16, batch=4, chunk=32, validate_every=4, threads=1
    )
    train(
        MemoryCorpus([band(seed) for seed in range(8)]), folder, config, provenance={"name": "Ours"}
    )
    return folder


def test_training_leaves_a_report_whose_figures_are_those_of_the_journal(run: Path) -> None:
    page = Page(run / REPORT_FILE)
    lines = [json.loads(line) for line in (run / METRICS_FILE).read_text().splitlines()]
    scored = [line for line in lines if line["kind"] == "validation"]
    steps = [line for line in lines if line["kind"] == "step"]
    assert len(scored) == 3
    best = min(scored, key=lambda line: line["nats_per_note"])
    assert page.ids["best"] == f"{best['nats_per_note']:.3f}"
    assert page.ids["last"] == f"{scored[-1]['nats_per_note']:.3f}"
    assert page.ids["notes"] == f"{steps[-1]['notes']:,}"
    assert page.ids["minutes"] == f"{steps[-1]['seconds'] / 60:.1f} min"
    assert page.ids["speed"] == f"{steps[-1]['notes'] / steps[-1]['seconds']:,.0f}"
    for name in FIELDS:
        found = page.row(name)
        assert found[:2] == [f"{line['fields'][name]:.3f}" for line in (best, scored[-1])]
    assert page.row("band")[0] == f"{best['collections']['band']:.3f}"
    for line in scored:
        assert page.row(str(line["step"]))[1] == f"{line['nats_per_note']:.3f}"


def test_it_names_the_run_and_its_settings_and_every_layer(run: Path) -> None:
    page = Page(run / REPORT_FILE)
    assert "<h1>Training of Ours</h1>" in page.source
    assert page.row("width") == ["16"]
    planned, kept = (line[1] for line in page.rows if line[0] == "steps")
    assert planned == "10"
    assert kept == page.source.split("nats per note, step ")[1].split("<")[0]  # of the best
    lines = (run / METRICS_FILE).read_text().splitlines()
    shapes = next(json.loads(line) for line in lines if '"histograms"' in line)["parameters"]
    for name in shapes:
        assert f"<h3>{name}</h3>" in page.source
    assert page.source.count('class="strip"') == 2 * len(shapes)


def test_it_needs_nothing_from_elsewhere(run: Path) -> None:
    page = Page(run / REPORT_FILE)
    assert page.links == []
    assert not re.search(r"https?://|url\(|@import", page.source)


def test_every_drawing_is_well_formed(run: Path) -> None:
    source = (run / REPORT_FILE).read_text()
    # An inner drawing has its place in an outer one, so the outermost are found by balance.
    assert source.count("<svg") == source.count("</svg>") > 20
    for figure in re.findall(r'<svg class="chart".*?</svg></svg>', source):
        ElementTree.fromstring(figure)
        assert "nan" not in figure.replace("nats per note", "")


# --- broken, short and hostile journals --------------------------------------------------------


def test_a_run_of_one_step(tmp_path: Path) -> None:
    page = read(journal(tmp_path, step_line(1, nats=22.5)))
    assert page.ids["training"] == "22.500"
    assert "best" not in page.ids
    assert page.row("pitch") == ["4.500"]


def test_nothing_was_validated(tmp_path: Path) -> None:
    empty = {"kind": "validation", "step": 2}  # what a run without validation music writes
    page = read(journal(tmp_path, step_line(1), step_line(2), empty))
    assert "best" not in page.ids
    assert "Nothing was validated" in page.source
    assert "could not be read" not in page.source


def test_a_line_cut_short_is_told_and_the_rest_counts(tmp_path: Path) -> None:
    folder = journal(tmp_path, step_line(1), step_line(2, 4.0), end='{"kind": "step", "st')
    page = read(folder)
    assert page.ids["notes"] == "2,000"
    assert "1 line of the journal could not be read" in page.source


def test_a_step_told_twice_counts_once_as_told_last(tmp_path: Path) -> None:
    lines = (step_line(1, 9.0), step_line(2, 8.0), step_line(2, 7.0), step_line(3, 6.0))
    history = read_history(journal(tmp_path, *lines))
    assert history.steps.tolist() == [1, 2, 3]
    assert history.figures["nats_per_note"].tolist() == [9.0, 7.0, 6.0]


def test_a_loss_that_is_no_number_is_told(tmp_path: Path) -> None:
    lines = (step_line(1), step_line(2, float("nan")), step_line(3, float("inf")), step_line(4))
    page = read(journal(tmp_path, *lines))
    assert "2 steps have no finite loss" in page.source
    assert page.ids["training"] == "5.000"


@pytest.mark.parametrize("content", [None, "", '{"kind": "step", "st', "[1]\nnull\n"])
def test_without_a_step_there_is_an_error_and_no_report(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / METRICS_FILE).write_text(content)
    with pytest.raises(InputError) as caught:
        write_report(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert caught.value.next_step
    assert not (tmp_path / REPORT_FILE).exists()


def test_a_missing_folder_is_an_error_and_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no record of a training run"):
        write_report(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_model_of_another_kind_costs_only_its_settings(tmp_path: Path) -> None:
    (tmp_path / checkpoint.MODEL_FILE).write_bytes(b"\x00" * 64)
    page = read(journal(tmp_path, step_line(1)))
    assert "<h2>Settings</h2>" not in page.source


def test_names_are_text_wherever_they_come_from(tmp_path: Path) -> None:
    folder = journal(
        tmp_path / "x<b>",
        step_line(1),
        validation_line(1, 4.0, **{_HOSTILE: 4.0}),
        histogram_line(1, _HOSTILE),
    )
    network = NoteModel(NoteModelConfig(layers=1, width=8, head_width=8, collections=1))
    model = checkpoint.Checkpoint(
        {name: tensor.numpy() for name, tensor in network.state_dict().items()},
        network.settings(),
        collections=(_HOSTILE,),
        provenance={"name": _HOSTILE, _HOSTILE: {_HOSTILE: [_HOSTILE]}},
    )
    checkpoint.save(model, folder / checkpoint.MODEL_FILE)
    (folder / "samples").mkdir()
    (folder / "samples" / "<b>&.mp3").write_bytes(b"sound")
    page = read(folder)
    assert "script" not in page.tags
    assert "<h3>&lt;b&gt;&amp;</h3>" in page.source  # a sample
    assert page.row(_HOSTILE)  # a collection of this name
    assert page.source.count("&lt;script&gt;") >= 5


def test_an_earlier_report_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    journal(tmp_path, step_line(1))
    first = write_report(tmp_path).read_text()
    journal(tmp_path, step_line(1), step_line(2, 3.0))
    assert write_report(tmp_path).read_text() != first
    assert {path.name for path in tmp_path.iterdir()} == {METRICS_FILE, REPORT_FILE}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
_WHOLE = [step_line(3), validation_line(3, 4.0, hymns=4.0), histogram_line(3)]
_BENT = st.builds(
    lambda line, key, value: {**line, key: value},
    st.sampled_from(_WHOLE),
    st.sampled_from(sorted({key for line in _WHOLE for key in line} - {"kind"})),
    _JSON | st.sampled_from([10**400, -1e308, 1e-320, "\ud800"]),
)
_BINS = st.builds(
    lambda low, high, counts: {
        "kind": "histograms", "step": 4,
        "parameters": {"p": {"weight": {"low": low, "high": high, "counts": counts}}},
    },
    st.floats(), st.floats(), _JSON | st.lists(st.integers(), max_size=5),
)  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_BENT | _BINS | _JSON, max_size=4))
def test_no_journal_breaks_the_report(tmp_path: Path, lines: list[Any]) -> None:
    read(journal(tmp_path, step_line(1), *lines))


# --- samples -----------------------------------------------------------------------------------


def samples(folder: Path, **sizes: int) -> Path:
    journal(folder, step_line(1))
    (folder / "samples").mkdir()
    for name, size in sizes.items():
        (folder / "samples" / f"{name.replace('_', '-')}.mp3").write_bytes(name.encode() * size)
    return folder


def test_samples_are_inside_the_page_newest_first(tmp_path: Path) -> None:
    folder = samples(tmp_path, step_000004=9, final=9, step_000010=9)
    (folder / "samples" / "final.mid").write_bytes(b"MThd")
    page = read(folder)
    sounds = [link for link in page.links if link.startswith("data:audio/mpeg;base64,")]
    decoded = [base64.b64decode(link.partition(",")[2]).decode() for link in sounds]
    assert decoded == ["final" * 9, "step_000010" * 9, "step_000004" * 9]
    assert "data:audio/midi;base64,TVRoZA==" in page.links
    assert page.source.index("<h3>Step 10</h3>") < page.source.index("<h3>Step 4</h3>")


def test_too_much_sound_is_thinned_out_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_samples, "_MOST_SAMPLE_BYTES", 5_000)
    page = read(samples(tmp_path, **{f"step_{number:06d}": 100 for number in range(9)}))
    kept = re.findall(r"<h3>Step (\d)</h3>", page.source)
    assert kept == ["8", "4", "0"]
    assert "6 more are in the folder samples" in page.source


# --- charts ------------------------------------------------------------------------------------


def drawn(chart: str, look: str) -> np.ndarray:
    """The points of a curve [points, 2] as a reader takes them off the axes."""
    root = ElementTree.fromstring(chart)
    scales = []
    for axis in ("x", "y"):
        texts = [found for found in root.iter("text") if found.get("class") == axis]
        places = [float(found.get(axis) or "nan") for found in texts]
        values = [float((found.text or "").replace(",", "")) for found in texts]
        scales.append(np.polyfit(places, values, 1))
    path = next(found for found in root.iter("path") if found.get("class") == look)
    points = np.array(re.findall(r"[ML](\S+?) (-?[\d.]+)", path.get("d") or ""), float)
    points[:, 1] += 4  # a label's foot is a little below its line
    return np.stack([np.polyval(scale, points[:, axis]) for axis, scale in enumerate(scales)], 1)


@given(st.lists(st.floats(0.5, 30), min_size=3, max_size=60), st.floats(0.1, 40))
@settings(max_examples=60)
def test_a_curve_can_be_read_off_its_axes(values: list[float], spacing: float) -> None:
    x, y = np.arange(1, len(values) + 1) * spacing, np.array(values)
    chart = line_chart([Curve(x, y, "smooth")], x_name="minutes", y_name="nats", whole=True)
    points = drawn(chart, "smooth")
    np.testing.assert_allclose(points[:, 0], x, atol=0.01 * x.max())
    np.testing.assert_allclose(points[:, 1], y, atol=0.01 * y.max())


def test_a_long_curve_keeps_its_peaks_and_little_else() -> None:
    y = np.full(100_000, 5.0)
    y[[12_345, 77_777]] = 9.0, 2.0
    chart = line_chart(
        [Curve(np.arange(len(y)), y, "smooth")], x_name="steps", y_name="nats", whole=True
    )
    points = drawn(chart, "smooth")
    assert len(points) < 500
    for step, value in ((12_345, 9.0), (77_777, 2.0)):
        near = points[np.abs(points[:, 1] - value) < 0.1]
        assert len(near) == 1
        assert near[0, 0] == pytest.approx(step, abs=500)


def test_the_steep_beginning_leaves_the_rest_its_room() -> None:
    x = np.arange(1, 1001)
    y = 4 + 18 * np.exp(-x / 20.0) + 0.3 * np.sin(x / 50)
    chart = ElementTree.fromstring(
        line_chart([Curve(x, y, "smooth")], x_name="steps", y_name="nats")
    )
    labels = [float(mark.text or "nan") for mark in chart.iter("text") if mark.get("class") == "y"]
    assert 3.5 < min(labels) < max(labels) < 5


def test_the_moving_average_has_no_bias_and_bridges_gaps() -> None:
    np.testing.assert_allclose(smoothed(np.full(9, 3.0)), 3.0)
    np.testing.assert_allclose(smoothed(np.array([np.nan, 2.0, np.nan])), [np.nan, 2.0, 2.0])


def test_a_strip_shows_where_the_values_lie() -> None:
    values = np.random.default_rng(0).normal(0, 0.1, 20_000)
    counts, edges = np.histogram(values, 40)
    picture, reach = strip([Shape(1, edges[0], edges[-1], counts)])
    assert reach == pytest.approx(np.quantile(np.abs(values), 0.99), rel=0.05)
    middle = {}
    for path in ElementTree.fromstring(picture):
        rows = [(int(y), int(h)) for y, h in re.findall(r"M0 (\d+)h1v(\d+)", path.get("d") or "")]
        middle[path.get("class")] = [y + h / 2 for y, h in rows]
    assert middle["h8"] == [13.5]  # darkest at zero, half-way up
    assert min(middle["h2"]) < 5 < 22 < max(middle["h2"])  # and pale at both flanks


def test_a_matrix_of_one_value_has_a_strip() -> None:
    picture, reach = strip([Shape(1, 0.0, 0.0, np.zeros(40))])
    assert reach > 0
    assert "h8" in picture
