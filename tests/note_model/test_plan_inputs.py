"""A model that is made to hear plans says what it said before, whatever it is told of one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ritornello.note_model.checkpoint import Checkpoint, load, save
from ritornello.note_model.encoding.bar_plan import PLAN_CONTEXT, PLAN_MEMORY, BarPlan
from ritornello.note_model.encoding.batch import stack
from ritornello.note_model.encoding.context import CONTEXT
from ritornello.note_model.encoding.sequences import sequences
from ritornello.note_model.encoding.tables import HEAD_INPUTS, table_sizes
from ritornello.note_model.engine.reference import Engine
from ritornello.note_model.library import find_model
from ritornello.note_model.likelihood import score
from ritornello.note_model.plan_inputs import add_plan_inputs
from ritornello.plan.analysis import analyse
from tests.examples import band


def without_plans() -> Checkpoint:
    """The bundled model's weights but those that read plans, as a model that is told none."""
    model = load(find_model())
    if not model.network.get("plan", False):
        return model
    weights = {name: weight for name, weight in model.weights.items() if name != "plays.weight"}
    sizes = table_sizes()
    places = {"embed.table.weight": (sum(CONTEXT.values()), sum(PLAN_CONTEXT.values()))}
    for head, names in enumerate(HEAD_INPUTS):
        if "memory" in names:
            before = sum(sum(sizes[name]) for name in names[: names.index("memory") + 1])
            places[f"heads.{head}.lookup.table.weight"] = before, sum(PLAN_MEMORY.values())
    for name, (place, count) in places.items():
        weights[name] = np.delete(weights[name], slice(place, place + count), axis=0)
    network = {name: value for name, value in model.network.items() if name != "plan"}
    return replace(model, weights=weights, network=network)


def test_a_model_begins_as_it_is(tmp_path: Path) -> None:
    model = without_plans()
    widened = add_plan_inputs(model)
    save(widened, tmp_path / "planned.safetensors")  # and what is written can be read
    planned = Engine(load(tmp_path / "planned.safetensors"))
    plain = Engine(model)
    assert planned.plan
    assert not plain.plan
    for task in ("compose", "arrange"):
        piece = band(3)
        told = BarPlan.of(analyse(piece), ("returns", "sections", "density", "loudness", "feel"))
        rows = sequences(piece, 0, plain.collections, task=task)
        planned_rows = sequences(piece, 0, plain.collections, task=task, told=told)
        np.testing.assert_allclose(score(planned, [planned_rows]), score(plain, [rows]), atol=1e-5)


def test_a_model_that_hears_plans_stays_as_it_is() -> None:
    widened = add_plan_inputs(without_plans())
    assert add_plan_inputs(widened) is widened


def test_no_plan_is_a_plan_of_which_nothing_is_told() -> None:
    engine = Engine(add_plan_inputs(without_plans()))
    piece = band(3)
    bare = sequences(piece, 0, engine.collections)
    open_plan = sequences(piece, 0, engine.collections, told=BarPlan.of(analyse(piece), ()))
    np.testing.assert_allclose(score(engine, [bare]), score(engine, [open_plan]), atol=1e-5)


def test_the_gradient_reaches_the_new_inputs() -> None:
    torch = pytest.importorskip("torch", reason="training needs torch")
    from ritornello.note_model.network import NoteModel, NoteModelConfig, to_tensors

    model = add_plan_inputs(without_plans())
    network = NoteModel(NoteModelConfig(**model.network))
    network.load_state_dict({k: torch.as_tensor(w) for k, w in model.weights.items()})
    rows = sequences(band(3), 0, model.network["collections"], told=BarPlan.of(analyse(band(3))))
    nats, _ = network(to_tensors(stack([rows])), network.initial_state(1))
    nats.sum().backward()
    gradients = {
        name: each.grad for name, each in network.named_parameters() if each.grad is not None
    }
    assert gradients["plays.weight"].abs().max() > 0
    new = slice(sum(CONTEXT.values()), sum(CONTEXT.values()) + sum(PLAN_CONTEXT.values()))
    assert gradients["embed.table.weight"][new].abs().max() > 0
