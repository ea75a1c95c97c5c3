"""A command leaves processors to others: threads that wait in loops made it ten times slower."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_PRODUCT = """
import ritornello.cli, numpy, os
numpy.ones((600, 600)) @ numpy.ones((600, 600))
print(len(os.listdir("/proc/self/task")), os.environ["OPENBLAS_NUM_THREADS"])
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="Linux alone lists threads so.")
@pytest.mark.parametrize(("asked", "expected"), [(None, "1 1"), ("1", "1 1"), ("2", "2 2")])
def test_products_of_a_command_have_one_thread_unless_somebody_says_otherwise(
    asked: str | None, expected: str
) -> None:
    own = {name: value for name, value in os.environ.items() if "NUM_THREADS" not in name}
    own |= {} if asked is None else {"OPENBLAS_NUM_THREADS": asked}
    told = subprocess.run(
        [sys.executable, "-c", _PRODUCT], env=own, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == expected


def test_threads_of_learning_sleep_while_they_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    learning = pytest.importorskip("ritornello.training.learning")
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    learning.require_torch()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    learning.require_torch()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
