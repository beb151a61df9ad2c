"""DagsHub through its own client and through its DVC remote, against a server that runs here."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from learning.data.conftest import DagsHub

from edgeprofiler.core.errors import InvalidInput, Unavailable
from edgeprofiler.learning.data import pull, push
from edgeprofiler.learning.data.content import content_of

pytestmark = pytest.mark.slow


@pytest.fixture
def client(hub: DagsHub) -> DagsHub:
    """The server, with a client that was told its address."""
    pytest.importorskip("dagshub")
    for name in [n for n in sys.modules if n.split(".")[0] == "dagshub"]:
        del sys.modules[name]  # it reads host and token once, at import
    importlib.import_module("dagshub")
    hub.files = {
        "training_data/pooling.csv": ("dvc", b"power\n1\n"),
        "training_data/dense.csv": ("dvc", b"power\n2\n"),
        "training_data/sub/readme.md": ("git", b"what it is\n"),
        "other/x.csv": ("git", b"x"),
    }
    return hub


def test_a_folder_of_a_repository_arrives_with_its_sub_folders(
    client: DagsHub, tmp_path: Path
) -> None:
    target = tmp_path / "data"
    done = pull("dagshub:owner/repo", target, path="training_data", revision="main")
    assert done.content.files == 3
    assert (target / "pooling.csv").read_bytes() == b"power\n1\n"
    assert (target / "sub/readme.md").read_bytes() == b"what it is\n"
    assert not pull("dagshub:owner/repo", target, path="training_data").changed


def test_a_single_file_of_a_repository(client: DagsHub, tmp_path: Path) -> None:
    target = tmp_path / "p.csv"
    pull("dagshub:owner/repo", target, path="training_data/pooling.csv")
    assert target.read_bytes() == b"power\n1\n"


def test_a_server_that_fails_half_way_leaves_the_old_data_and_is_gone_on_with(
    client: DagsHub, tmp_path: Path
) -> None:
    target = tmp_path / "data"
    target.mkdir()
    (target / "old.csv").write_text("old")
    client.fails_after = 2
    with pytest.raises(Unavailable, match="go on where it stopped"):
        pull("dagshub:owner/repo", target, path="training_data", force=True)
    assert [p.name for p in target.iterdir()] == ["old.csv"]
    client.fails_after, before = None, list(client.raw)
    pull("dagshub:owner/repo", target, path="training_data", force=True)
    assert len(client.raw) == 3, "each file was downloaded once"
    assert len(before) == 2
    assert content_of(target).files == 3


def test_a_file_that_arrives_altered_is_refused(client: DagsHub, tmp_path: Path) -> None:
    client.altered = {"training_data/pooling.csv"}
    with pytest.raises(InvalidInput, match="arrived altered"):
        pull("dagshub:owner/repo", tmp_path / "data", path="training_data")
    assert not (tmp_path / "data").exists()


def test_a_path_that_is_not_there_is_named(client: DagsHub, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="has no 'nothing' at main"):
        pull("dagshub:owner/repo", tmp_path / "data", path="nothing", revision="main")


def test_a_wrong_token_is_said(
    client: DagsHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.token = "another"
    with pytest.raises(Unavailable, match="DAGSHUB_USER_TOKEN"):
        pull("dagshub:owner/repo", tmp_path / "data", path="training_data")


def test_dagshubs_dvc_remote_takes_and_gives_a_version(hub: DagsHub, tmp_path: Path) -> None:
    pytest.importorskip("dvc")
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.csv").write_text("a\n")
    push(data, remote="dagshub:owner/repo")
    assert len(hub.objects) == 2
    assert hub.token not in (tmp_path / "data.dvc").read_text()
    other = tmp_path / "other"
    pull(tmp_path / "data.dvc", other, remote="dagshub:owner/repo")
    assert content_of(other) == content_of(data)
