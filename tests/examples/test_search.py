"""The example of a search under an energy budget runs, and holds its budget."""

import re
import subprocess
import sys

import pytest
from paths import EXAMPLES

EXAMPLE = EXAMPLES / "search_optuna.py"


@pytest.mark.slow
def test_a_search_finds_a_network_within_its_budget() -> None:
    pytest.importorskip("optuna")
    command = [sys.executable, str(EXAMPLE), "--budget-mj", "8", "--trials", "25"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    energy = re.search(r"([\d.]+) mJ, [\d.]+ ms", done.stdout)
    assert energy is not None
    assert float(energy[1]) <= 8
