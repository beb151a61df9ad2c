"""Any number of processes search one study: in a database, or a journal in a shared folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from learning.training.tuning_data import measured_like
from postgresql import postgresql

from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import Unavailable
from edgeprofiler.learning.dataset.storage import save_dataset
from edgeprofiler.learning.training.options import TrainingOptions
from edgeprofiler.learning.training.search_space import OneOf
from edgeprofiler.learning.training.tuning import Limits, tune

pytest.importorskip("optuna")
pytest.importorskip("sklearn")
pytestmark = pytest.mark.slow

TRIALS = 6


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    save_dataset(measured_like("lenet", "alexnet", "squeezenet1_0", "vgg11"), folder)
    return folder


def search_twice(data: Path, storage: str, out: Path) -> list[dict]:
    """Run two searches at once and return what each says of the study."""
    tell = out / "{}.json"
    running = [
        subprocess.Popen(
            [
                sys.executable, "-m", "edgeprofiler", "tune", str(data), "--storage", storage,
                "--trials", str(TRIALS), "--option", "trees=5", "--space", "alpha=0.1:100:log",
                "--trial-limit", "200", "--device", "jetson-orin-nano",
                "--json", str(tell).format(number),
            ],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for number in range(2)
    ]  # fmt: skip
    said = [process.communicate(timeout=300)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], "\n".join(said)
    assert all("trial " in text for text in said), "both took part"
    return [json.loads(Path(str(tell).format(number)).read_text()) for number in range(2)]


def check_shared(found: list[dict]) -> None:
    one, other = found
    assert one["study"] == other["study"]
    # Both may begin the last trial at the same moment; neither begins another one then.
    assert TRIALS <= len(one["trials"]) <= TRIALS + 1
    assert one["trials"][:TRIALS] == other["trials"][:TRIALS]
    tried = {json.dumps(trial["options"]) for trial in one["trials"]}
    assert len(tried) >= TRIALS - 1, "they do not repeat each other"


def test_two_processes_share_a_study_in_a_database(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with postgresql() as url:
        check_shared(search_twice(data, url, tmp_path))


def test_two_processes_share_a_study_in_a_journal(data: Path, tmp_path: Path) -> None:
    check_shared(search_twice(data, f"journal:{tmp_path / 'study.log'}", tmp_path))


def test_a_database_that_does_not_answer_is_told_without_its_password() -> None:
    pytest.importorskip("psycopg")
    rows = measured_like("lenet", "alexnet", "squeezenet1_0")
    with pytest.raises(Unavailable, match=r"postgresql://me:\*\*\*@127.0.0.1:9/x: ") as caught:
        tune(
            rows, load_device("jetson-orin-nano"), TrainingOptions(min_rows=5),
            limits=Limits(trials=1), space={"alpha": OneOf(0.1, 100.0, log=True)},
            storage="postgresql://me:secret@127.0.0.1:9/x",
        )  # fmt: skip
    assert "secret" not in str(caught.value)
