"""Who sees whom in the three architectures of remix2023."""

from __future__ import annotations

import pytest
import torch

from ritornello.errors import ConfigError
from ritornello.papers.remix2023 import unit_lstm
from ritornello.papers.remix2023.model import (
    ARCHITECTURES,
    ParallelHeads,
    SampleBiLSTM,
    StemConfig,
    build,
    bytes_kept,
)

CONFIG = StemConfig()
SOUND = torch.randn(2, 60, 1, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_sample_of_every_part_is_answered_within_full_scale(architecture: str) -> None:
    answer = build(architecture, CONFIG)(SOUND)  # type: ignore[arg-type]
    assert answer.shape == (2, 60, 1 if architecture == "split" else 4)
    assert answer.abs().max() <= 1


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@torch.no_grad()
def test_an_answer_depends_on_what_comes_before_and_after(architecture: str) -> None:
    network = build(architecture, CONFIG).eval()  # type: ignore[arg-type]
    other = SOUND.clone()
    other[:, 30] += 1
    changed = (network(other) - network(SOUND)).abs().sum((0, 2))
    assert changed[29] > 0
    assert changed[31] > 0


def test_the_lstm_has_one_unit_and_a_step_for_each_sample() -> None:
    lstm = build("split", CONFIG).lstm
    assert (lstm.hidden_size, lstm.bidirectional) == (1, True)  # type: ignore[union-attr]
    steps = []
    lstm.register_forward_hook(lambda module, inputs, output: steps.append(inputs[0].shape[1]))  # type: ignore[union-attr]
    lstm(torch.zeros(1, 60, CONFIG.features))  # type: ignore[operator]
    assert steps == [60]


@torch.no_grad()
def test_combined_heads_are_split_networks_that_do_not_see_each_other() -> None:
    combined = ParallelHeads(CONFIG).eval()
    whole = combined(SOUND)
    for part, head in enumerate(combined.heads):
        alone = build("split", CONFIG).eval()
        alone.load_state_dict(head.state_dict())
        torch.testing.assert_close(alone(SOUND)[..., 0], whole[..., part])


def test_in_one2one_the_parts_of_a_sample_are_neighbouring_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unit_lstm, "_load", lambda: None)  # torch's module can be looked into
    network = SampleBiLSTM(CONFIG, 4).eval()
    seen: list[torch.Tensor] = []
    network.lstm.register_forward_hook(lambda module, inputs, output: seen.append(output[0]))
    answer = network(SOUND)
    assert seen[0].shape == (2, 240, 2)
    torch.testing.assert_close(answer[:, 7], seen[0][:, 28:32].mean(-1))


def test_combined_keeps_about_four_times_the_memory_of_one_split_network() -> None:
    sound = torch.zeros(2, 2000, 1)
    one = bytes_kept(build("split", CONFIG), sound)
    four = bytes_kept(build("combined", CONFIG), sound)
    assert 3.5 < four / one < 4.5


def test_an_unknown_architecture_is_refused() -> None:
    with pytest.raises(ConfigError, match="'one2five'"):
        build("one2five", CONFIG)  # type: ignore[arg-type]
