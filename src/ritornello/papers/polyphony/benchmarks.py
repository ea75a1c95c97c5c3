"""The benchmarks of frame likelihood: their sets, what others published, what is aimed at.

Figures by others are as their authors print them; those under a contested likelihood are named so.
The protocol is the usual one: frames 1 to T-1 are read, 2 to T are scored, teacher forced, the
state anew for each piece, the best weights by validation, the test split scored once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ritornello.json_values import JsonObject

_PROTOCOL = (
    "test split, teacher forced; the first frame of a piece is not scored; state anew for each "
    "piece; all nats over all scored {unit}; weights chosen on validation"
)


@dataclass(frozen=True)
class BenchmarkSet:
    """A benchmark.

    Attributes:
        file: in the folder of benchmark sets. voices: 1 for frames that are sets.
        unit: what the nats are divided by.
        lags: distances in frames at which music comes back, an input of our model.
        minutes: processor time of one run. network, training: settings that differ from the
            defaults of `FrameModelConfig` and `FrameTraining`.
        best_known: the best credible exact figure. target: what is aimed at.
    """

    title: str
    file: str
    unit: str
    lags: tuple[int, ...]
    minutes: float
    best_known: float
    target: float
    published: dict[str, float]
    voices: int = 1
    network: JsonObject = field(default_factory=dict)
    training: JsonObject = field(default_factory=dict)

    @property
    def protocol(self) -> str:
        return _PROTOCOL.format(unit=self.unit.split()[-1] + "s")


def _published_figures(*values: float | None) -> dict[str, float]:
    names = (
        "LSTM, independent outputs",
        "GRU, independent outputs",
        "TCN (Bai et al. 2018)",
        "RNN-NADE (Boulanger-Lewandowski et al. 2012)",
        "TP-LSTM-NADE (Johnson 2017)",
        "DBN-LSTM (Vohra et al. 2015), contested",
    )
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


BENCHMARKS = {
    "jsb": BenchmarkSet(
        title="Bach chorales",
        file="jsb_chorales.json.gz",
        unit="nats per frame",
        lags=(4, 8, 16),
        minutes=10,
        best_known=5.05,
        target=4.30,
        published=_published_figures(8.45, 8.43, 8.10, 5.56, 5.05, 3.47),
    ),
    "nottingham": BenchmarkSet(
        title="Nottingham folk tunes",
        file="nottingham.json.gz",
        unit="nats per frame",
        lags=(6, 8, 12, 16, 32, 64),
        minutes=5,
        network={"channels": 24, "dropout": 0.1},
        training={"shift_share": 0.5},
        best_known=1.55,
        target=1.25,
        published=_published_figures(3.29, 3.46, 3.07, 2.31, 1.55, 1.32),
    ),
    "musedata": BenchmarkSet(
        title="MuseData",
        file="musedata.json.gz",
        unit="nats per frame",
        lags=(4, 6, 8, 12, 16, 32),
        minutes=20,
        network={"width": 192, "head_width": 192, "dropout": 0.1},
        best_known=3.90,
        target=3.40,
        published=_published_figures(6.23, 5.99, None, 5.60, 3.90, 3.91),
    ),
    "piano-midi": BenchmarkSet(
        title="Piano-midi.de",
        file="piano_midi_de.json.gz",
        unit="nats per frame",
        lags=(4, 6, 8, 12, 16, 32),
        minutes=5,
        network={"dropout": 0.2},
        training={"weight_decay": 0.2},
        best_known=4.90,
        target=4.40,
        published=_published_figures(9.03, 8.82, None, 7.05, 4.90, 4.63),
    ),
    "jsb16": BenchmarkSet(
        title="Bach chorales in four parts, sixteenths",
        file="jsb_chorales_16th_satb.json.gz",
        unit="nats per note",
        lags=(4, 8, 16, 32, 64),
        minutes=12,
        network={"head_width": 256, "channels": 24, "dropout": 0.6, "told_shift": False},
        training={"shift_share": 11 / 12, "average": 0.999},
        best_known=0.335,
        target=0.28,
        published={
            "Coconet in the order of time (Huang et al. 2017)": 0.436,
            "Transformer": 0.417,
            "Music Transformer (Huang et al. 2018), validation": 0.335,
            "TonicNet (Peracha 2019), bound without the true chords": 0.396,
        },
        voices=4,
    ),
}
