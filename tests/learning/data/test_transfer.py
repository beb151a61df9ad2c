"""Versions of data travel over real remotes; what is here is replaced whole or not at all."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from learning.data.conftest import S3

from edgeprofiler.core.errors import InvalidInput, Unavailable, UsageError
from edgeprofiler.learning.data import pull, push
from edgeprofiler.learning.data.content import content_of

pytest.importorskip("dvc")
pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Nine files in two levels, one with a name that is not ASCII."""
    here = tmp_path / "here"
    data = here / "data"
    (data / "sub").mkdir(parents=True)
    for number in range(8):
        (data / f"rows-{number}.csv").write_text(f"runtime_s\n{number}\n" * 50)
    (data / "sub" / "Größe.csv").write_text("x\n1\n")
    return data


def test_a_version_returns_from_a_folder_remote_as_it_was_pushed(folder: Path) -> None:
    remote = str(folder.parents[1] / "store")
    pushed = push(folder, remote=remote)
    pointer = folder.parent / "data.dvc"
    assert pushed.content.md5 in pointer.read_text()
    assert not [p for p in folder.parent.iterdir() if ".push" in p.name]
    first = content_of(folder)

    (folder / "rows-0.csv").write_text("another\n")
    push(folder, remote=remote)
    second = pointer.read_text()
    assert second != pushed.content.md5

    pointer.write_text(second.replace(content_of(folder).md5, first.md5))
    back = pull(pointer, remote=remote)
    assert back.changed
    assert content_of(folder) == first
    assert not pull(pointer, remote=remote).changed, "it is already there"
    assert sorted(p.name for p in folder.parent.iterdir()) == [".data.version", "data", "data.dvc"]


def test_how_far_it_is_is_told_by_files_and_ends_with_all_of_them(folder: Path) -> None:
    remote, told = str(folder.parents[1] / "store"), {}

    def tell(stage: str, done: float, total: float | None) -> None:
        told[stage] = (done, total)

    push(folder, remote=remote, progress=tell)
    assert told["files checked"] == (9, 9)
    shutil.rmtree(folder)
    pull(folder.parent / "data.dvc", remote=remote, progress=tell)
    assert told["files fetched"][0] <= told["files fetched"][1]
    assert "files sent" in told


def test_a_pointer_is_one_that_dvc_itself_pulls(folder: Path, tmp_path: Path) -> None:
    push(folder, remote=str(tmp_path / "store"))
    theirs = tmp_path / "theirs"
    (theirs / ".dvc").mkdir(parents=True)
    (theirs / ".dvc/config").write_text(
        "[core]\n    no_scm = true\n    remote = st\n['remote \"st\"']\n    url = ../../store\n"
    )
    shutil.copy(folder.parent / "data.dvc", theirs)
    subprocess.run([sys.executable, "-m", "dvc", "pull", "-q"], cwd=theirs, check=True)
    assert content_of(theirs / "data") == content_of(folder)


def test_a_single_file_is_a_version_too(folder: Path, tmp_path: Path) -> None:
    table = folder / "rows-1.csv"
    push(table, remote=str(tmp_path / "store"))
    other = tmp_path / "elsewhere.csv"
    pull(folder / "rows-1.csv.dvc", other, remote=str(tmp_path / "store"))
    assert other.read_bytes() == table.read_bytes()


def test_unsaved_changes_are_not_replaced(folder: Path, tmp_path: Path) -> None:
    remote = str(tmp_path / "store")
    push(folder, remote=remote)
    (folder / "mine.csv").write_text("mine\n")
    with pytest.raises(UsageError, match="never pushed"):
        pull(folder, remote=remote)
    assert (folder / "mine.csv").exists()
    pull(folder, remote=remote, force=True)
    assert not (folder / "mine.csv").exists()


def test_a_remote_that_lost_or_altered_a_file_changes_nothing(folder: Path, tmp_path: Path) -> None:
    remote = tmp_path / "store"
    push(folder, remote=str(remote))
    before = content_of(folder)
    target = tmp_path / "target"
    shutil.copytree(folder, target)
    (target / "rows-0.csv").write_text("old\n")
    old = content_of(target)
    stored = next(p for p in remote.rglob("*") if p.is_file() and len(p.name) == 30)
    stored.chmod(0o644)
    intact = stored.read_bytes()
    stored.write_bytes(b"altered")
    with pytest.raises(InvalidInput, match=rf"csv is damaged .*{stored.name}.*push .* repairs"):
        pull(folder.parent / "data.dvc", target, remote=str(remote), force=True)
    assert content_of(target) == old
    stored.write_bytes(intact)
    pull(folder.parent / "data.dvc", target, remote=str(remote), force=True)
    assert content_of(target) == before


@pytest.mark.parametrize("which", ["a file", "the listing"])
def test_a_push_repairs_what_is_damaged_on_the_remote(
    which: str, folder: Path, tmp_path: Path
) -> None:
    remote, pointer = tmp_path / "store", folder.parent / "data.dvc"
    push(folder, remote=str(remote))
    length = 30 if which == "a file" else 34
    stored = next(p for p in remote.rglob("*") if p.is_file() and len(p.name) == length)
    intact = stored.read_bytes()
    stored.chmod(0o644)
    stored.write_bytes(b"altered")
    stored.chmod(0o444)  # DVC itself trusts what is read-only
    with pytest.raises(InvalidInput, match=r"is damaged"):
        pull(pointer, tmp_path / "other", remote=str(remote))
    assert not (tmp_path / "other").exists()
    (folder / "rows-0.csv").write_text("a version that shares most files\n")
    repaired = push(folder, remote=str(remote)).repaired
    if which == "a file":
        assert repaired == (f"{_name_of(intact, folder)} is damaged ({stored})",)
    else:
        (folder / "rows-0.csv").write_text("runtime_s\n0\n" * 50)
        assert "its list of files" in push(folder, remote=str(remote)).repaired[0]
    assert stored.read_bytes() == intact
    assert push(folder, remote=str(remote)).repaired == ()
    pull(pointer, tmp_path / "other", remote=str(remote))
    assert content_of(tmp_path / "other") == content_of(folder)


def _name_of(content: bytes, folder: Path) -> str:
    found = next(p for p in folder.rglob("*") if p.is_file() and p.read_bytes() == content)
    return found.relative_to(folder).as_posix()


def test_s3_pull_that_breaks_off_leaves_the_old_data_and_goes_on(
    folder: Path, tmp_path: Path, s3: S3
) -> None:
    remote = f"s3://{s3.bucket}/store"
    push(folder, remote=remote, endpoint_url=s3.url)
    wanted = content_of(folder)
    target = tmp_path / "there" / "data"
    target.mkdir(parents=True)
    (target / "old.csv").write_text("old\n")
    pointer = folder.parent / "data.dvc"

    s3.allowed["GET"] = 4
    with pytest.raises(Unavailable, match="go on where it stopped"):
        pull(pointer, target, remote=remote, endpoint_url=s3.url, force=True)
    assert [p.name for p in target.iterdir()] == ["old.csv"], "the old data are in place"

    s3.allowed.clear()
    s3.requests.clear()
    pull(pointer, target, remote=remote, endpoint_url=s3.url, force=True)
    assert content_of(target) == wanted
    fetched = [r for r in s3.requests if r.startswith("GET")]
    assert len(fetched) == 9 - 4, f"what had arrived is not fetched again: {fetched}"
    assert sorted(p.name for p in target.parent.iterdir()) == [".data.version", "data"]


def test_s3_push_that_breaks_off_writes_no_pointer_and_sends_the_rest_later(
    folder: Path, s3: S3
) -> None:
    remote = f"s3://{s3.bucket}/store"
    s3.allowed["PUT"] = 4
    with pytest.raises(Unavailable):
        push(folder, remote=remote, endpoint_url=s3.url)
    assert not (folder.parent / "data.dvc").exists()
    assert [p.name for p in folder.parent.iterdir()] == ["data"]
    s3.allowed.clear()
    s3.requests.clear()
    push(folder, remote=remote, endpoint_url=s3.url)
    sent = [r for r in s3.requests if r.startswith("PUT")]
    assert len(sent) == 9 - 4, "what had arrived is not sent again"
    assert (folder.parent / "data.dvc").exists()


def test_a_path_of_another_projects_git_repository_at_a_revision(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    project = folder.parent
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.setenv(name, "Someone")
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "someone@example.org")

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=project, check=True, capture_output=True)

    (project / ".dvc").mkdir()
    (project / ".dvc/config").write_text(
        "[core]\n    remote = st\n['remote \"st\"']\n    url = ../../store\n"
    )
    (project / ".gitignore").write_text("/data\n.data.*\n/.dvc/tmp\n/.dvc/cache\n")
    git("init", "-q")
    push(folder)
    first = content_of(folder)
    git("add", ".")
    git("commit", "-qm", "one")
    git("tag", "v1")
    (folder / "rows-0.csv").write_text("changed\n")
    push(folder, remote="st")
    git("commit", "-qam", "two")

    old = tmp_path / "old"
    pull(str(project), old, path="data", revision="v1")
    assert content_of(old) == first
    pull(folder.parent / "data.dvc", tmp_path / "tagged", revision="v1")
    assert content_of(tmp_path / "tagged") == first
    with pytest.raises(InvalidInput, match="nope"):
        pull(folder.parent / "data.dvc", tmp_path / "no", revision="nope")
    with pytest.raises(InvalidInput, match="does not hold"):
        pull(str(project), tmp_path / "no", path="nothing")
    assert not (tmp_path / "no").exists()
