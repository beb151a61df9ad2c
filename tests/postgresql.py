"""A PostgreSQL server of the test's own, where one is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USER = "postgres"
"""Debian's package makes it; the server refuses to run as root."""


@contextmanager
def postgresql() -> Iterator[str]:
    """Start a server on the loopback interface and yield the URL of a database on it."""
    programs = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    found = shutil.which("initdb", path=os.pathsep.join(map(str, programs)) or None)
    if found is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    become = {}
    folder = Path(tempfile.mkdtemp(prefix="edgeprofiler-postgresql-"))
    if os.geteuid() == 0:
        try:
            owner = pwd.getpwnam(USER)
        except KeyError:
            pytest.skip(f"there is no user {USER!r}, and PostgreSQL does not run as root")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        become = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program: str, *options: str) -> None:
        command = [str(Path(found).with_name(program)), *options]
        done = subprocess.run(
            command, cwd=folder, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, **become,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout

    data, log = str(folder / "data"), str(folder / "log")
    try:
        run(
            "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "-N", "--no-instructions"
        )
        how = f"-F -h 127.0.0.1 -p {port} -k {folder}"
        run("pg_ctl", "-D", data, "-l", log, "-w", "-s", "-o", how, "start")
        try:
            yield f"postgresql://{USER}@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-w", "-s", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)
