"""What is decided before anything is transferred: pointers, remotes, what may be replaced."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from edgeprofiler.core.errors import (
    CannotWrite,
    EdgeProfilerError,
    InvalidInput,
    Unavailable,
    UsageError,
)
from edgeprofiler.learning.data import pull, push, swap, transfer
from edgeprofiler.learning.data.content import content_of
from edgeprofiler.learning.data.pointer import parse_pointer
from edgeprofiler.learning.data.remote import Remote, configuration, remote_for


def _folder(path: Path, text: str = "x") -> Path:
    path.mkdir(parents=True)
    (path / "a").write_text(text)
    return path


def test_the_fingerprint_depends_on_names_and_bytes_alone(tmp_path: Path) -> None:
    one, two = _folder(tmp_path / "one"), _folder(tmp_path / "two")
    (one / "empty").mkdir()
    assert content_of(one) == content_of(two)
    (two / "a").write_text("y")
    assert content_of(one) != content_of(two)


def test_links_and_empty_folders_are_no_data(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="no files"):
        content_of(tmp_path / "empty")
    folder = _folder(tmp_path / "folder")
    (folder / "link").symlink_to(folder / "a")
    with pytest.raises(InvalidInput, match="plain file"):
        content_of(folder)
    (tmp_path / "to").symlink_to(folder)
    with pytest.raises(InvalidInput, match="symbolic link"):
        content_of(tmp_path / "to")
    with pytest.raises(InvalidInput, match="no such"):
        content_of(tmp_path / "missing")


def test_a_replacement_cut_off_between_its_renames_is_undone(tmp_path: Path) -> None:
    target = _folder(tmp_path / "data", "old")
    target.rename(tmp_path / ".data.old")
    swap.recover(target)
    assert (target / "a").read_text() == "old"
    _folder(tmp_path / ".data.old", "older")
    swap.recover(target)
    assert (target / "a").read_text() == "old"
    assert not (tmp_path / ".data.old").exists()


def test_a_replacement_that_fails_leaves_the_old_data(tmp_path: Path) -> None:
    target = _folder(tmp_path / "data", "old")
    with pytest.raises(CannotWrite):
        swap.replace(target, tmp_path / "missing")
    assert (target / "a").read_text() == "old"


def test_two_transfers_of_one_folder_do_not_meet(tmp_path: Path) -> None:
    target = tmp_path / "data"
    with (
        swap.staging(target, "pull"),
        pytest.raises(Unavailable, match="another process"),
        swap.staging(target, "pull"),
    ):
        pass
    with pytest.raises(CannotWrite), swap.staging(tmp_path / "no" / "data", "pull"):
        pass


@pytest.mark.parametrize(
    ("resumes", "error", "stays"),
    [
        (True, Unavailable("no net", "wait"), True),
        (False, Unavailable("no net", "wait"), False),
        (True, UsageError("no such path"), False),
    ],
)
def test_only_what_a_transfer_can_go_on_with_stays(
    tmp_path: Path, resumes: bool, error: Exception, stays: bool
) -> None:
    def break_off() -> None:
        with swap.staging(tmp_path / "data", "pull", resumes=resumes) as stage:
            (stage / "part").touch()
            raise error

    with pytest.raises(type(error)):
        break_off()
    assert (tmp_path / ".data.pull").exists() == stays


def test_remotes_are_urls_folders_or_names_of_the_project(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text(
        "[core]\n    remote = st\n['remote \"st\"']\n    url = ../store\n"
        "['remote \"cloud\"']\n    url = s3://b/p\n    region = eu-west-1\n"
    )
    (tmp_path / ".dvc/config.local").write_text("['remote \"cloud\"']\n    secret = 100%\n")
    inside = tmp_path / "sub"
    inside.mkdir()
    assert remote_for(None, inside) == Remote(str(tmp_path / "store"))
    cloud = remote_for("cloud", inside, "http://here")
    assert cloud.options == {
        "region": "eu-west-1", "secret": "100%", "endpointurl": "http://here",
    }  # fmt: skip
    assert "100%" not in repr(cloud)
    assert remote_for("s3://x/y", inside).url == "s3://x/y"
    assert Path(remote_for("./store", inside).url).is_absolute()
    with pytest.raises(UsageError, match="cloud, st"):
        remote_for("nope", inside)
    (tmp_path / ".dvc/config").write_text("url = 1\n")
    with pytest.raises(InvalidInput, match="no DVC configuration"):
        remote_for(None, inside)


def test_without_any_remote_the_ways_to_name_one_are_listed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`remote`"):
        remote_for(None, tmp_path)
    with pytest.raises(UsageError, match=r"\./store for a folder"):
        remote_for("store", tmp_path)
    with pytest.raises(UsageError, match="dagshub:OWNER/REPO"):
        remote_for("dagshub:owner", tmp_path)


def test_dagshubs_remote_needs_no_token_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSHUB_USER_TOKEN", raising=False)
    monkeypatch.delenv("DAGSHUB_CLIENT_HOST", raising=False)
    assert remote_for("dagshub:o/r", Path()) == Remote("https://dagshub.com/o/r.dvc")


def test_a_remotes_options_cannot_add_lines_to_the_configuration() -> None:
    with pytest.raises(InvalidInput):
        configuration(Remote("s3://x\n[core]"))
    with pytest.raises(Unavailable):
        configuration(Remote("""a"b'c"""))
    assert "url = 'a\"b'" in configuration(Remote('a"b'))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("outs: []", "no output"),
        ("outs:\n- path: ../x\n  md5: " + "0" * 32, "does not lie beside"),
        ("outs:\n- path: x\n  md5: /etc/passwd", "no MD5"),
        ("outs:\n- path: .\n", "does not lie beside"),
        ("a: [", "no DVC pointer"),
        ("!!python/object/apply:os.system ['true']", "no DVC pointer"),
        ("just text", "no DVC pointer"),
    ],
)
def test_what_is_no_pointer_is_refused(text: str, problem: str) -> None:
    pytest.importorskip("ruamel.yaml")
    with pytest.raises(InvalidInput, match=problem):
        parse_pointer(text, "x.dvc")


def test_options_that_do_not_fit_the_source_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`path`"):
        pull("dagshub:o/r")
    with pytest.raises(UsageError, match="`remote` does not apply"):
        pull("dagshub:o/r", path="x", remote="y")
    with pytest.raises(UsageError, match="`endpoint_url` does not apply"):
        pull("https://example.org/r.git", path="x", endpoint_url="y")
    with pytest.raises(UsageError, match="`path` does not apply"):
        pull("data.dvc", path="x")
    with pytest.raises(UsageError, match="`path`"):
        pull("https://example.org/r.git", path="../x")
    with pytest.raises(InvalidInput, match="no source"):
        pull(tmp_path / "nothing")


def test_without_dvc_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("edgeprofiler.learning.data.dvc.find_spec", lambda name: None)
    with pytest.raises(Unavailable, match=r"edgeprofiler\[data\]"):
        push(_folder(tmp_path / "data"), remote="./x")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    pytest.importorskip("dvc")
    if os.geteuid() == 0 or shutil.which("dvc") is None:
        pytest.skip("everything can be written by root")
    folder = _folder(tmp_path / "up" / "data")
    folder.parent.chmod(0o500)
    with pytest.raises(EdgeProfilerError):
        push(folder, remote=str(tmp_path / "store"))


def test_a_pull_starts_anew_where_a_killed_one_left_what_is_cut_off(tmp_path: Path) -> None:
    left = tmp_path / ".data.pull" / "cache"
    left.mkdir(parents=True)

    def fetch(stage: Path) -> Path:
        if (stage / "cache").exists():
            raise InvalidInput("remote", "does not hold this version or path")
        (stage / "arrived").mkdir()
        (stage / "arrived" / "a.csv").write_text("1")
        return stage / "arrived"

    assert transfer._put(tmp_path / "data", fetch, "remote", False).changed
    assert (tmp_path / "data" / "a.csv").read_text() == "1"
    assert not left.exists()
