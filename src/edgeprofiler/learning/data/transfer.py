"""Push a folder as a version; pull a version into a folder, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edgeprofiler.core import files
from edgeprofiler.core.errors import CannotWrite, InvalidInput, UsageError
from edgeprofiler.core.progress import Progress, silent
from edgeprofiler.learning.data import swap
from edgeprofiler.learning.data.content import Content, content_of
from edgeprofiler.learning.data.dagshub import Repository
from edgeprofiler.learning.data.dvc import PrivateProject, check_installed
from edgeprofiler.learning.data.pointer import Pointer, read_pointer
from edgeprofiler.learning.data.remote import Remote, dagshub_repository, remote_for
from edgeprofiler.learning.data.verifying import LISTING, Flaw


@dataclass(frozen=True)
class Moved:
    """What was pushed or pulled."""

    path: Path
    content: Content
    changed: bool
    """Whether anything here is other than before."""
    repaired: tuple[str, ...] = ()
    """What was damaged on the remote, and is whole again by this push."""


def push(
    path: Path,
    *,
    remote: str | None = None,
    endpoint_url: str | None = None,
    progress: Progress = silent,
) -> Moved:
    """Keep a file or folder as a version: copy it to a remote and write its pointer beside it.

    The pointer is `NAME.dvc`, as DVC writes it; it is the small file to commit. What the remote
    has of this version already is read back, and replaced where it is damaged.

    Args:
        path: file or folder.
        remote: see `remote.remote_for`.
        endpoint_url: address of an S3 server that is not Amazon's.
        progress: is told how many files were checked and sent.

    Raises:
        InvalidInput: the folder is empty, or holds links.
        UsageError: there is no such remote.
        Unavailable: DVC is missing, or the remote cannot be reached; no pointer is written.
    """
    check_installed()
    path = Path(path).absolute()
    content = content_of(path)
    chosen = remote_for(remote, path.parent, endpoint_url)
    with swap.staging(path, "push", resumes=False) as stage:
        pointer, flaws = _sent(path, content, chosen, stage, progress)
    beside = path.parent / f"{path.name}.dvc"
    changed = not beside.is_file() or files.read_text(beside) != pointer.text
    files.write_text(beside, pointer.text)
    swap.remember(path, content.md5, chosen.url)
    repaired = tuple(str(flaw) for flaw in flaws if flaw.repaired)
    return Moved(path, content, changed, repaired)


def _sent(
    path: Path, content: Content, chosen: Remote, stage: Path, progress: Progress
) -> tuple[Pointer, list[Flaw]]:
    """Copy a version to a remote by way of a copy in a folder beside it."""
    copy = stage / "copy"
    shutil.rmtree(copy, ignore_errors=True)  # of a push that was killed
    try:
        copy.mkdir()
        if path.is_dir():
            shutil.copytree(path, copy / path.name)
        else:
            shutil.copyfile(path, copy / path.name)
        project = PrivateProject(copy, chosen, progress)
        written = project.add(path.name)
        pointer = read_pointer(written)
        if pointer.md5 != content.md5:
            raise InvalidInput(path, "was changed while it was pushed", "push it again")
        flaws = project.flaws(pointer.md5, chosen.url, repair=True)
        project.push(written.name, chosen.url)
    except OSError as error:
        raise CannotWrite.because(path, error, "cannot be copied beside itself") from None
    return pointer, flaws


def pull(
    source: str | Path,
    target: Path | None = None,
    *,
    remote: str | None = None,
    path: str | None = None,
    revision: str | None = None,
    endpoint_url: str | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> Moved:
    """Make `target` hold a version; until all of it has arrived and was checked, it stays as it is.

    A pull that failed half-way goes on where it stopped.

    Args:
        source: a pointer (`data.dvc`, or `data` beside it), `dagshub:OWNER/REPO`, or a git
            repository with a DVC project (a URL or a folder).
        target: where the data come; by default the name that the source gives them.
        remote: where the data of a pointer are kept; see `remote.remote_for`.
        path: which file or folder of a repository.
        revision: branch, tag or commit of the pointer or repository.
        endpoint_url: address of an S3 server that is not Amazon's.
        force: replace data here that were never pushed.
        progress: is told how many files have arrived.

    Raises:
        InvalidInput: no such source, path or revision, or what arrived is not what was kept.
        UsageError: options do not fit the source, or `target` holds unsaved changes.
        Unavailable: a library is missing, or the remote cannot be reached.
    """
    text = str(source)
    if text.startswith("dagshub:"):
        _refuse("a repository on DagsHub", remote=remote, endpoint_url=endpoint_url)
        return _pull_dagshub(
            dagshub_repository(text), target, _path(path), revision, force, progress
        )
    pointed = _pointer_file(text)
    if pointed is not None:
        _refuse("a pointer", path=path)
        return _pull_pointer(pointed, target, remote, revision, endpoint_url, force, progress)
    if "://" in text or text.startswith("git@") or _is_repository(Path(text)):
        _refuse("a repository", remote=remote, endpoint_url=endpoint_url)
        return _pull_repository(text, target, _path(path), revision, force, progress)
    raise InvalidInput(
        text, "is no source of data", "name a pointer (data.dvc), dagshub:OWNER/REPO or a git URL"
    )


def _pull_pointer(
    file: Path,
    target: Path | None,
    remote: str | None,
    revision: str | None,
    endpoint_url: str | None,
    force: bool,
    progress: Progress,
) -> Moved:
    check_installed()
    pointer = read_pointer(file, revision)
    place = (target or file.parent / pointer.name).absolute()
    swap.recover(place)
    if pointer.md5 and place.exists() and not _is_empty(place):
        content = content_of(place)
        if content.md5 == pointer.md5:
            swap.remember(place, content.md5, str(file))
            return Moved(place, content, changed=False)
    chosen = remote_for(remote, file.parent, endpoint_url)

    def fetch(stage: Path) -> Path:
        return _check_out(PrivateProject(stage, chosen, progress), pointer, chosen.url)

    return _put(place, fetch, chosen.url, force)


def _pull_repository(
    address: str,
    target: Path | None,
    path: str,
    revision: str | None,
    force: bool,
    progress: Progress,
) -> Moved:
    check_installed()
    if (revision or "").startswith("-"):
        raise UsageError(f"{revision!r} is no git revision")
    place = (target or Path(PurePosixPath(path).name)).absolute()
    where = str(Path(address).resolve()) if Path(address).exists() else address

    def fetch(stage: Path) -> Path:
        project = PrivateProject(stage, None, progress)
        written = project.import_from(where, path, revision, place.name)
        return _check_out(project, read_pointer(stage / written), where)

    return _put(place, fetch, where, force)


def _pull_dagshub(
    repository: str,
    target: Path | None,
    path: str,
    revision: str | None,
    force: bool,
    progress: Progress,
) -> Moved:
    place = (target or Path(PurePosixPath(path).name)).absolute()
    opened = Repository(repository, revision)

    def fetch(stage: Path) -> Path:
        (stage / "files").mkdir(exist_ok=True)
        return opened.fetch(path, stage / "files", progress)

    return _put(place, fetch, f"dagshub:{repository}", force)


def _check_out(project: PrivateProject, pointer: Pointer, where: str) -> Path:
    written = project.root / f"{pointer.name}.dvc"
    files.write_text(written, pointer.text)
    try:
        project.pull(written.name, where)
    except InvalidInput as error:
        flaws = project.flaws(pointer.md5, where) if pointer.md5 else []
        if not flaws or (flaws[0].missing and flaws[0].name == LISTING):
            raise  # the version was never there
        raise _damaged(where, flaws) from error
    arrived = project.root / pointer.name
    if pointer.md5 and content_of(arrived).md5 != pointer.md5:
        project.forget(written)
        raise InvalidInput(where, "gave data that are not what was pushed", "pull again")
    return arrived


def _damaged(where: str, flaws: list[Flaw]) -> InvalidInput:
    more = f", and {len(flaws) - 1} more" if len(flaws) > 1 else ""
    todo = "push the version again from where it is whole: that repairs it"
    return InvalidInput(where, f"{flaws[0]}{more}", todo)


def _put(place: Path, fetch: Callable[[Path], Path], source: str, force: bool) -> Moved:
    """Replace what is at `place` by what `fetch` brings into a folder beside it."""
    swap.recover(place)
    if not force:
        swap.refuse_unsaved(place)
    with swap.staging(place, "pull") as stage:
        left = swap.holds(stage)
        try:
            arrived = fetch(stage)
        except InvalidInput:
            if not left:
                raise
            swap.empty(stage)  # what a killed pull left may be cut off itself
            arrived = fetch(stage)
        content = content_of(arrived)
        same = place.exists() and not _is_empty(place) and content_of(place).md5 == content.md5
        if not same:
            swap.replace(place, arrived)
        swap.remember(place, content.md5, source)
        return Moved(place, content, changed=not same)


def _pointer_file(text: str) -> Path | None:
    if "://" in text:
        return None
    if text.endswith(".dvc") and not Path(text).is_dir():
        return Path(text)
    beside = Path(text.rstrip("/") + ".dvc")
    return beside if beside.is_file() else None


def _is_repository(path: Path) -> bool:
    return (path / ".git").exists() or (path / ".dvc").is_dir()


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _path(path: str | None) -> str:
    cleaned = (path or "").strip("/")
    if not cleaned or ".." in PurePosixPath(cleaned).parts:
        raise UsageError("say which file or folder of the repository with `path`")
    return cleaned


def _refuse(what: str, **given: str | None) -> None:
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"`{name}` does not apply to {what}")
