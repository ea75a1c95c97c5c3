"""Plans carried out: in company as alone, and how often music is in minor."""

from __future__ import annotations

from pathlib import Path

from ritornello.generation.edit import verbs
from ritornello.generation.edit.perform import perform
from ritornello.generation.rules import Rules
from ritornello.note_model import checkpoint
from ritornello.note_model.engine import open_engine
from tests.examples import band


def test_each_plan_is_carried_out_as_if_it_were_alone(tiny_model: Path) -> None:
    engine = open_engine(checkpoint.load(checkpoint.find(tiny_model)))
    rules = Rules(ending=False)
    plans = [
        verbs.continue_job(band(1), 2, rules=rules),
        verbs.fill_job(band(2), 1, 1, rules=rules),
    ]
    together = perform(engine, plans, [5, 6])
    assert together[0] == perform(engine, plans[:1], [5])[0]
    assert together[1] == perform(engine, plans[1:], [6])[0]
    assert together[0].piece.note_count > band(1).note_count
