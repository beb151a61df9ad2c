"""An artifact comes back exactly as it was written, or not at all."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgeprofiler.core.errors import CannotWrite, InvalidInput
from edgeprofiler.learning.stores.folder import FolderStore
from edgeprofiler.learning.stores.protocol import Store
from edgeprofiler.prediction.predictors.artifact import ARRAYS, HEADER, Artifact, pack, unpack

ARTIFACT = Artifact(
    {"recipe": {"name": "hybrid"}},
    {"b": np.arange(4.0), "a": np.array([[1, 2]], dtype=np.int32)},
    {"own.skops": b"bytes"},
)


def test_a_folder_store_is_a_store() -> None:
    assert isinstance(FolderStore(), Store)


def test_what_is_put_is_what_is_got(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put(ARTIFACT, "p")
    again = store.get("p")
    assert again.header["recipe"] == {"name": "hybrid"}
    assert again.extra == {"own.skops": b"bytes"}
    assert {n: v.tolist() for n, v in again.arrays.items()} == {"b": [0, 1, 2, 3], "a": [[1, 2]]}
    assert store.list() == ["p"]


def test_equal_artifacts_give_equal_bytes() -> None:
    other = Artifact(ARTIFACT.header, dict(reversed(ARTIFACT.arrays.items())), ARTIFACT.extra)
    assert pack(ARTIFACT) == pack(other)


def test_putting_again_leaves_no_stale_estimators(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put(ARTIFACT, "p")
    store.put(Artifact(ARTIFACT.header, ARTIFACT.arrays), "p")
    assert not list((tmp_path / "p").glob("*.skops"))


@pytest.mark.parametrize("name", [HEADER, ARRAYS, "own.skops"])
def test_an_altered_byte_is_noticed(tmp_path: Path, name: str) -> None:
    FolderStore(tmp_path).put(ARTIFACT, "p")
    path = tmp_path / "p" / name
    data = bytearray(path.read_bytes())
    place = data.index(b"hybrid") if name == HEADER else len(data) // 2
    data[place] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(InvalidInput):
        FolderStore(tmp_path).get("p")


@pytest.mark.parametrize("name", [HEADER, ARRAYS, "own.skops"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.98])
def test_a_file_that_was_cut_off_is_noticed(tmp_path: Path, name: str, share: float) -> None:
    FolderStore(tmp_path).put(ARTIFACT, "p")
    path = tmp_path / "p" / name
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InvalidInput):
        FolderStore(tmp_path).get("p")


@pytest.mark.parametrize("name", [HEADER, ARRAYS, "own.skops"])
def test_a_missing_file_is_noticed(tmp_path: Path, name: str) -> None:
    FolderStore(tmp_path).put(ARTIFACT, "p")
    (tmp_path / "p" / name).unlink()
    with pytest.raises(InvalidInput):
        FolderStore(tmp_path).get("p")


def resigned(header: dict[str, object], files: dict[str, bytes]) -> dict[str, bytes]:
    """The same files under a header whose checksums fit, as a forger would write it."""
    packed = pack(Artifact({k: v for k, v in header.items() if k != "sha256"}, {}, {}))
    fresh = json.loads(packed[HEADER])
    from edgeprofiler.core import files as file_tools
    from edgeprofiler.prediction.predictors import artifact as module

    fresh["files"] = {n: file_tools.sha256_of(d) for n, d in files.items()}
    fresh["sha256"] = module._fingerprint(fresh)
    return {HEADER: json.dumps(fresh).encode(), **files}


def test_arrays_that_would_need_pickle_are_refused() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        inner = io.BytesIO()
        np.save(inner, np.array([{"a": 1}], dtype=object), allow_pickle=True)
        archive.writestr("a.npy", inner.getvalue())
    with pytest.raises(InvalidInput, match="where numbers are expected"):
        unpack(resigned({}, {ARRAYS: data.getvalue()}).__getitem__, "p")


def test_names_that_lead_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    FolderStore(tmp_path).put(ARTIFACT, "p")
    path = tmp_path / "p" / HEADER
    header = json.loads(path.read_text())
    header["files"]["../secret"] = "0"
    path.write_text(json.dumps(header))
    with pytest.raises(InvalidInput, match="no plain name"):
        FolderStore(tmp_path).get("p")


def test_another_schema_is_refused() -> None:
    packed = pack(ARTIFACT)
    header = json.loads(packed[HEADER])
    header["schema"] = "edgeprofiler.predictor/9"
    with pytest.raises(InvalidInput, match="schema"):
        unpack({**packed, HEADER: json.dumps(header).encode()}.__getitem__, "p")


def test_a_folder_of_other_files_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "thesis.txt").write_text("mine")
    with pytest.raises(CannotWrite, match="other files"):
        FolderStore(tmp_path).put(ARTIFACT, "p")


def test_no_folder_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no folder"):
        FolderStore(tmp_path).get("nothing")
    with pytest.raises(InvalidInput, match=r"predictor\.json"):
        FolderStore(tmp_path.parent).get(tmp_path.name)
