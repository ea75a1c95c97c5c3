"""Ways of tuning: nothing changes before a step, and only what a way names changes after some."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from experiments.learning.tuning_ways import WAYS, plain_weights, prepare  # noqa: E402
from ritornello.corpus.store import Corpus, Entry, write_store  # noqa: E402
from ritornello.generation.composer import Composer  # noqa: E402
from ritornello.note_model.network import NoteModel, NoteModelConfig  # noqa: E402
from ritornello.training.config import TrainConfig  # noqa: E402
from ritornello.training.note_objective import NoteObjective  # noqa: E402
from ritornello.training.optimisation import adamw, constant  # noqa: E402
from ritornello.training.run_length import Length  # noqa: E402
from ritornello.training.trainer import Trainer  # noqa: E402

_ROW = 5


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder: Path = tmp_path_factory.mktemp("music") / "corpus"
    piece = Composer.load("default").compose(bars=4, parts="piano", seed=0)
    write_store([(piece, Entry("a", "mine")), (piece, Entry("b", "mine", "valid"))], folder)
    return Corpus.open(folder)


@pytest.mark.parametrize("way", WAYS)
def test_a_way_changes_what_it_names_alone(way: str, music: Corpus) -> None:
    torch.manual_seed(0)
    network = NoteModel(NoteModelConfig(layers=1, width=16, head_width=16, dropout=0.0))
    before = {name: each.clone() for name, each in network.state_dict().items()}
    config = TrainConfig(steps=3, batch=2, chunk=16, products="float32")
    objective = NoteObjective(network, music, config)
    numbers = prepare(objective, way, _ROW)
    started = objective.initial[0][0].detach().clone()
    rate = constant(0.01)
    Trainer(objective, adamw(network, weight_decay=0.1), rate, Length(steps=3)).run()
    after = plain_weights(network)
    assert after.keys() == before.keys()
    changed = {name for name, each in after.items() if not torch.equal(each, before[name])}
    table = after["embed.table.weight"] != before["embed.table.weight"]
    rows = set(table.any(dim=1).nonzero().flatten().tolist())
    if way in ("rehearsed", "all weights"):
        assert len(rows) > 1
        assert len(changed) > 5
        return
    assert rows <= {_ROW}
    assert numbers < sum(each.numel() for each in before.values()) / 2
    matrices = {name for name in changed if name != "embed.table.weight"}
    assert bool(matrices) == (way == "adapters")
    assert (way == "start") == (not torch.equal(objective.initial[0][0].detach(), started))


@pytest.mark.parametrize("way", WAYS)
def test_a_prepared_network_says_the_same_before_it_learns(way: str, music: Corpus) -> None:
    torch.manual_seed(0)
    network = NoteModel(NoteModelConfig(layers=1, width=16, head_width=16))
    before = {name: each.clone() for name, each in network.state_dict().items()}
    prepare(NoteObjective(network, music, TrainConfig(steps=1, batch=2)), way, _ROW)
    for name, each in plain_weights(network).items():
        torch.testing.assert_close(each, before[name])
