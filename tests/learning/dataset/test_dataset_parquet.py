"""A Parquet file is read within bounds, whatever it unpacks to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgeprofiler.core import children, limits
from edgeprofiler.core.errors import InvalidInput, Unavailable
from edgeprofiler.learning.dataset import parquet
from edgeprofiler.learning.dataset.parquet import read_parquet

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def written(folder: Path, columns: dict[str, Any], **options: Any) -> Path:
    path = folder / "data.parquet"
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_columns_come_as_they_were_written_and_unknown_ones_by_name(tmp_path: Path) -> None:
    columns = {
        "network": ["a", None, "b"],
        "mode": pa.array(["x", "x", "y"]).dictionary_encode(),
        "layer": [0, 2**62, None],
        "runtime_s": [0.1, None, float("inf")],
        "simulated": [True, False, None],
        "known_by": pa.nulls(3),
        "mine": [[1], [2], [3]],
    }
    assert read_parquet(written(tmp_path, columns)) == {
        "network": ["a", None, "b"],
        "mode": ["x", "x", "y"],
        "layer": [0, 2**62, None],
        "runtime_s": [0.1, None, float("inf")],
        "simulated": [1, 0, None],
        "known_by": [None] * 3,
        "mine": [None] * 3,
    }


def test_a_small_file_of_too_many_cells_is_refused_by_its_footer(tmp_path: Path) -> None:
    rows = limits.DATASET_CELLS + 1
    path = written(tmp_path, {"batch": pa.repeat(1, rows)})
    assert path.stat().st_size < 200_000
    with pytest.raises(InvalidInput, match="more than 8,388,608 cells"):
        read_parquet(path)


def bounded(monkeypatch: pytest.MonkeyPatch, memory: int, answer: int) -> None:
    monkeypatch.setattr(parquet, "_BOUNDS", children.Bounds(memory, 60.0, answer))


def test_a_page_that_unpacks_to_more_than_the_bound_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long text takes little on disk, and the footer of one row looks harmless."""
    path = written(tmp_path, {"network": ["x" * 10**8]}, compression="zstd", write_statistics=False)
    assert path.stat().st_size < 10**5
    bounded(monkeypatch, 2**26, 2**30)
    with pytest.raises(InvalidInput, match=r"data\.parquet"):
        read_parquet(path)


def test_columns_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path, {f"c{i}": [1] for i in range(limits.DATASET_COLUMNS + 1)})
    with pytest.raises(InvalidInput, match="1001 columns, more than 1000"):
        read_parquet(path)


def test_a_column_of_lists_is_no_column_of_numbers(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="column 'layer' holds list"):
        read_parquet(written(tmp_path, {"layer": [[1]]}))


def test_a_file_that_is_cut_off_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, {"layer": list(range(1000))})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InvalidInput, match="no Parquet file"):
        read_parquet(path)


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, {"layer": [1]})
    (tmp_path / "pyarrow.py").write_text("raise ModuleNotFoundError('no', name='pyarrow')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(Unavailable, match="use a CSV file"):
        read_parquet(path)


def test_what_the_process_answers_is_held_to_the_bound_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, {"layer": [1]})
    bounded(monkeypatch, 2**30, 10)
    with pytest.raises(InvalidInput, match="cannot be read within 1024 MiB"):
        read_parquet(path)
