"""DVC, called as a program in a private project, so that nobody's own project is touched."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edgeprofiler.core.errors import InvalidInput, Unavailable
from edgeprofiler.core.extras import require
from edgeprofiler.core.progress import Progress, silent
from edgeprofiler.learning.data import verifying
from edgeprofiler.learning.data.remote import Remote, configuration
from edgeprofiler.learning.data.verifying import Flaw

_BAR = re.compile(r"\|([A-Z][a-z]+)[^|]*?\s(\d+)/(\d+) \[")
"""What DVC writes to a terminal while it works: `|Pushing to s3   218/300 [00:12<00:05, ...`."""
_STAGES = {"Pushing": "files sent", "Fetching": "files fetched", "Checking": "files checked"}
_ANY_BAR = re.compile(r"\[\d\d:\d\d")

_NEEDS = re.compile(r"requires '(dvc-\w+)'|dvc\[(\w+)\]")


def check_installed() -> None:
    """Raise `Unavailable` where DVC is not installed."""
    with require("data"):
        if find_spec("dvc") is None:  # to import it takes a second
            raise ModuleNotFoundError(name="dvc")


class PrivateProject:
    """A DVC project of its own in a folder; what it has fetched stays until the folder goes.

    Args:
        remote: where its data are kept; of the project that is imported from where `None`.
        progress: is told how many files were sent, fetched and checked.
    """

    def __init__(self, root: Path, remote: Remote | None, progress: Progress = silent) -> None:
        check_installed()
        self._progress = progress
        self.root = root
        self._has_remote = remote is not None
        folder = root / ".dvc"
        folder.mkdir(exist_ok=True)
        config = folder / "config"
        config.touch(mode=0o600)  # it may hold a token
        config.write_text(configuration(remote), encoding="utf-8")

    def add(self, name: str) -> Path:
        """Take a file or folder of the project into its cache and return its pointer."""
        self._run("add", "--", name)
        return self.root / f"{name}.dvc"

    def push(self, pointer: str, where: str) -> None:
        """Copy what a pointer names to the remote; what is there already is not sent again."""
        self._run("push", "--", pointer, where=where)

    def pull(self, pointer: str, where: str) -> None:
        """Fetch what a pointer names and check it out; what is in the cache is not fetched."""
        self._run("pull", "--force", "--", pointer, where=where)

    def import_from(self, repository: str, path: str, revision: str | None, name: str) -> str:
        """Write a pointer to a path in another project's git repository; nothing is fetched."""
        rev = () if revision is None else ("--rev", revision)
        self._run(
            "import", "--no-download", "--force", *rev, "-o", name, "--", repository, path,
            where=repository,
        )  # fmt: skip
        return f"{name}.dvc"

    def flaws(self, md5: str, where: str, *, repair: bool = False) -> list[Flaw]:
        """Return what the remote lacks of a version, or holds damaged.

        Args:
            md5: fingerprint of the version, as its pointer has it.
            where: what messages call the remote.
            repair: whether to replace damaged objects by what was added here.
        """
        if not self._has_remote:
            return []
        report = self.root / verifying.REPORT
        report.unlink(missing_ok=True)
        options = ["--repair"] if repair else []
        done = self._program(verifying.__name__, md5, *options)
        if done.returncode or not report.is_file():
            raise _explain("verify", done.said, where)
        found: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))
        return [Flaw(**fields) for fields in found]

    def forget(self, pointer: Path) -> None:
        """Drop what was fetched: it is not what its pointer says."""
        shutil.rmtree(self.root / ".dvc" / "cache", ignore_errors=True)
        pointer.unlink(missing_ok=True)

    def _run(self, *arguments: str, where: str = "") -> None:
        done = self._program("dvc", *arguments)
        if done.returncode:
            raise _explain(arguments[0], done.said, where)

    def _program(self, module: str, *arguments: str) -> _Ended:
        """Run a module of Python in the project, and tell how far it is by the bars it draws."""
        settings = {"DVC_NO_ANALYTICS": "1", "NO_COLOR": "1", "DVC_IGNORE_ISATTY": "1"}
        said = []
        with subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=self.root,
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        ) as running:
            try:
                for line in running.stderr or ():  # a bar's carriage return ends a line too
                    bar = _BAR.search(line)
                    if bar is not None and bar[1] in _STAGES:
                        self._progress(_STAGES[bar[1]], int(bar[2]), int(bar[3]))
                    if not _ANY_BAR.search(line):
                        said.append(line)
            except BaseException:
                running.kill()
                raise
        return _Ended(running.returncode, "".join(said))


@dataclass(frozen=True)
class _Ended:
    """How a program ended."""

    returncode: int
    said: str
    """What it wrote to standard error, bars left out."""


def _explain(command: str, said: str, where: str) -> Unavailable | InvalidInput:
    missing = _NEEDS.search(said)
    if missing:
        extra = (missing.group(1) or missing.group(2)).removeprefix("dvc-")
        return Unavailable(
            f"DVC cannot reach {where} without one more package", f"pip install 'dvc[{extra}]'"
        )
    errors = [
        line.removeprefix("ERROR: ").removeprefix("unexpected error - ")
        for line in said.splitlines()
        if line.startswith("ERROR: ")
    ]
    reason = errors[0] if errors else (said.strip().splitlines() or ["it said nothing"])[-1]
    if "Checkout failed" in reason:  # nothing failed on the way, but something was not there
        return InvalidInput(
            where, "does not hold this version or path", "push it, or name another remote or `path`"
        )
    if any(
        words in reason
        for words in ("is corrupted", "unable to find DVC", "does not exist", "unknown Git rev")
    ):
        return InvalidInput(where, reason)
    return Unavailable(
        f"`dvc {command}` failed: {reason}",
        "the data here are as they were; run the same command again to go on where it stopped",
    )
