"""Where versions are kept: what a user names as `--remote`, as DVC's configuration."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgeprofiler.core.errors import InvalidInput, Unavailable, UsageError
from edgeprofiler.core.text import first_line

DAGSHUB_HOST = "https://dagshub.com"
_SECTION = re.compile(r"""'?remote "([^"]+)"'?""")
_ADDRESS = re.compile(r"dagshub:([\w.-]+/[\w.-]+)")


@dataclass(frozen=True)
class Remote:
    """A DVC remote: its URL and its further options, by DVC's names."""

    url: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    """May hold secrets; not shown."""


def remote_for(text: str | None, near: Path, endpoint_url: str | None = None) -> Remote:
    """Return the remote that a user means.

    Args:
        text: a URL (`s3://bucket/path`, `ssh://host/path`), a folder (`./store`, `/mnt/store`),
            `dagshub:OWNER/REPO`, or the name of a remote of the DVC project around `near`; the
            project's default remote where `None`.
        near: where the data lie.
        endpoint_url: address of an S3 server that is not Amazon's.

    Raises:
        UsageError: there is no such remote.
    """
    found = _found(text, near)
    if endpoint_url is None:
        return found
    return Remote(found.url, {**found.options, "endpointurl": endpoint_url})


def dagshub_repository(address: str) -> str:
    """Return `OWNER/REPO` of `dagshub:OWNER/REPO`."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise UsageError(f"{address!r} is no repository; write dagshub:OWNER/REPO")
    return match.group(1)


def configuration(remote: Remote | None) -> str:
    """Return DVC's configuration for a private project that uses this remote only."""
    lines = ["[core]", "    no_scm = true", "    analytics = false", "    check_update = false"]
    if remote is not None:
        lines += ["    remote = store", "['remote \"store\"']", f"    url = {_value(remote.url)}"]
        options = {**remote.options, "verify": "true"}
        lines += [f"    {name} = {_value(text)}" for name, text in sorted(options.items())]
    return "\n".join(lines) + "\n"


def _found(text: str | None, near: Path) -> Remote:
    if text is not None:
        if text.startswith("dagshub:"):
            return _dagshub(dagshub_repository(text))
        if "://" in text:
            return Remote(text)
        if text.startswith(("/", ".", "~")):
            return Remote(str(Path(text).expanduser().resolve()))
    remotes, default = _project(near)
    name = text or default
    if name is None:
        raise UsageError(
            "no remote: name one with `remote` (s3://BUCKET/PATH, ssh://HOST/PATH, ./FOLDER, "
            "dagshub:OWNER/REPO), or set a default in a DVC project"
        )
    if name not in remotes:
        known = f"it has {', '.join(sorted(remotes))}" if remotes else "none is configured here"
        raise UsageError(f"no DVC remote named {name!r} ({known}); write ./{name} for a folder")
    return remotes[name]


def _dagshub(repository: str) -> Remote:
    token = os.environ.get("DAGSHUB_USER_TOKEN", "")
    host = os.environ.get("DAGSHUB_CLIENT_HOST", DAGSHUB_HOST).rstrip("/")
    url = f"{host}/{repository}.dvc"
    if not token:
        return Remote(url)
    user = os.environ.get("DAGSHUB_USERNAME", repository.split("/")[0])
    return Remote(url, {"auth": "basic", "user": user, "password": token})


def _project(near: Path) -> tuple[dict[str, Remote], str | None]:
    """Return the remotes of the DVC project around a path, and the name of the default one."""
    place = near.resolve()
    root = next(
        (p / ".dvc" for p in (place, *place.parents) if (p / ".dvc/config").is_file()), None
    )
    if root is None:
        return {}, None
    remotes: dict[str, Remote] = {}
    default = None
    merged = configparser.RawConfigParser(strict=False)
    try:
        for name in ("config", "config.local"):
            merged.read(root / name, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        raise InvalidInput(
            root / "config", f"is no DVC configuration ({first_line(error)})"
        ) from None
    for section in merged.sections():
        match = _SECTION.fullmatch(section)
        if match and "url" in merged[section]:
            options = dict(merged[section])
            remotes[match.group(1)] = Remote(_absolute(options.pop("url"), root), options)
        elif section == "core":
            default = merged[section].get("remote")
    return remotes, default


def _absolute(url: str, root: Path) -> str:
    # DVC writes folders relative to its configuration.
    return url if "://" in url or url.startswith("/") else str((root / url).resolve())


def _value(text: str) -> str:
    if any(not character.isprintable() for character in text):
        raise InvalidInput("remote", "has a control character in it")
    if '"' in text and "'" in text:
        raise Unavailable(
            "a remote's option has both kinds of quotes", "set it in DVC's own config"
        )
    quote = "'" if '"' in text else '"'
    return f"{quote}{text}{quote}"
