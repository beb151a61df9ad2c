"""What the web app is allowed to do, decided when it starts and never by a request."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from edgeprofiler.core import limits


@dataclass(frozen=True)
class Settings:
    """Where the app listens, what it may read, and how much of everything."""

    host: str = "127.0.0.1"
    port: int = 8321
    allowed_hosts: tuple[str, ...] = ()
    """Further names that a browser may call this server by, without port."""
    recordings: Path | None = None
    """A folder whose direct sub-folders are recordings to show; `None` shows none."""
    predictors: tuple[str, ...] = ()
    """Trained predictors that can be chosen by their names: folders, or `models:/NAME@ALIAS`."""
    max_upload_bytes: int = 600 * limits.MIB
    """Of one file; VGG-19 with its weights has 548 MiB."""
    max_uploads: int = 16
    """Files kept at once; the oldest is forgotten for a new one."""
    max_uploads_bytes: int = 1200 * limits.MIB
    """Of all files kept."""
    max_body_bytes: int = 64 * 1024
    """Of any request that is no upload."""
    upload_seconds: float = 300.0
    """Longest time that sending a file may take."""
    stall_seconds: float = 30.0
    """Longest time that a client may send nothing of a request, or take nothing of an answer."""
    read_seconds: float = 20.0
    """Longest time that a worker may take to read a file."""
    advise_seconds: float = 120.0
    """Longest time that a worker may take to find advice or to judge a recording."""
    worker_memory_bytes: int = 1024 * limits.MIB
    """Address space that a worker may take beyond what it starts with."""
    workers: int = 2
    """Jobs that run at once."""
    max_waiting: int = 32
    """Requests that wait for a worker; more are refused."""


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
