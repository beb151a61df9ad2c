"""Runs and registered models in MLflow; a model is the plain folder of files, no pickle."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeprofiler.core import files
from edgeprofiler.core.errors import CannotWrite, InvalidInput, Unavailable, UsageError
from edgeprofiler.core.extras import require
from edgeprofiler.core.text import first_line
from edgeprofiler.learning.stores.facts import RunFacts, facts_of
from edgeprofiler.learning.stores.folder import FolderStore
from edgeprofiler.learning.stores.kept import DEFAULT, Kept, kind_of, pack_kept, tags_of
from edgeprofiler.learning.stores.waiting import STARTING_S, wait_until_up

DEFAULT_URI = "sqlite:///mlflow.db"
EXPERIMENT = "edgeprofiler"

_NAME = re.compile(r"[\w][\w. -]{0,199}")
_ADDRESS = re.compile(r"(?:models:/)?([^/@:]+)(?:@([\w.-]+)|/(\d+))?")
_DAGSHUB = re.compile(r"dagshub:([\w.-]+)/([\w.-]+)")


@dataclass(frozen=True)
class Version:
    """A version of a registered model."""

    name: str
    version: int
    aliases: tuple[str, ...]
    created_ms: int
    run: str
    tags: Mapping[str, str]

    @property
    def address(self) -> str:
        """What `--predictor` or `--device` takes."""
        return f"models:/{self.name}/{self.version}"

    @property
    def kind(self) -> str:
        """What it is: `predictor` or `board`."""
        return self.tags.get("kind", DEFAULT)


class MlflowStore:
    """Predictors and boards in MLflow; the address is `models:/NAME@ALIAS` or `models:/NAME/3`.

    Args:
        tracking_uri: a database, folder or server; `dagshub:OWNER/REPO` with a token in
            DAGSHUB_USER_TOKEN. By default MLFLOW_TRACKING_URI, else `mlflow.db` in this folder.
        wait_s: how long a server that is starting is waited for.
    """

    name = "mlflow"

    def __init__(self, tracking_uri: str | None = None, wait_s: float = STARTING_S) -> None:
        uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
        self.uri = _anchored(_dagshub(uri))
        self._wait_s = wait_s
        self._opened: Any = None

    def get(self, address: str) -> Kept:
        """Return what is registered, checked against its checksums.

        Raises:
            InvalidInput: there is none, or it was altered or cut off.
            Unavailable: MLflow is missing or its server cannot be reached.
        """
        version = self.version(address)
        with self._errors(address), tempfile.TemporaryDirectory() as folder:
            from mlflow import artifacts

            source = self._client.get_model_version_download_uri(version.name, str(version.version))
            local = artifacts.download_artifacts(
                artifact_uri=source, dst_path=folder, tracking_uri=self.uri
            )
            return FolderStore(local).get(".")

    def put(self, kept: Kept, address: str) -> str:
        """Log a thing as a run, register it, and return the address of the new version.

        Raises:
            UsageError: `address` is no name.
            CannotWrite: it cannot be kept there.
        """
        name, alias, number = _parse(address)
        if alias or number:
            raise UsageError(f"{address}: a new version takes the model's name alone")
        run = self.log(facts_of(kept), name, kept=kept)
        return self.register(run, name, kept).address

    def log(
        self,
        facts: RunFacts,
        title: str,
        *,
        kept: Kept | None = None,
        pictures: Mapping[str, Any] | None = None,
        history: Mapping[str, Sequence[float]] | None = None,
    ) -> str:
        """Log one run and return its identifier.

        Args:
            kept: what goes with the run as files.
            pictures: matplotlib figures by file name.
            history: metrics that have a value a step.
        """
        with self._errors(title):
            client = self._client
            run = client.create_run(self._experiment(), run_name=title, tags=dict(facts.tags))
            identifier = str(run.info.run_id)
            try:
                self._fill(identifier, facts, kept, pictures or {}, history or {})
            except BaseException:
                client.set_terminated(identifier, "FAILED")
                raise
            client.set_terminated(identifier)
            return identifier

    def register(self, run: str, name: str, kept: Kept) -> Version:
        """Register what a run logged as a new version of a model."""
        with self._errors(name):
            from mlflow.exceptions import MlflowException

            client = self._client
            with contextlib.suppress(MlflowException):  # it is there already
                client.create_registered_model(name)
            source = f"{client.get_run(run).info.artifact_uri}/{kind_of(kept).name}"
            made = client.create_model_version(name, source, run_id=run, tags=dict(tags_of(kept)))
            return _version(made)

    def version(self, address: str) -> Version:
        """Return the version that an address names; the newest for a name alone.

        Raises:
            InvalidInput: there is none.
        """
        name, alias, number = _parse(address)
        with self._errors(address):
            if alias:
                return _version(self._client.get_model_version_by_alias(name, alias))
            if number:
                return _version(self._client.get_model_version(name, number))
        found = self.versions(name)
        if not found:
            raise InvalidInput(address, "no such model", "see `edgeprofiler models list`")
        return found[0]

    def versions(self, name: str | None = None) -> list[Version]:
        """Return all versions, or those of one model, the newest first."""
        with self._errors(name or self.uri):
            client = self._client
            chosen = f"name = '{name}'" if name is not None else None
            aliases: dict[tuple[str, str], list[str]] = {}
            models = _pages(client.search_registered_models, filter_string=chosen)
            for model in models:
                for alias, number in model.aliases.items():
                    aliases.setdefault((model.name, str(number)), []).append(alias)
            found = []
            for model in models:
                own = _pages(client.search_model_versions, filter_string=f"name = '{model.name}'")
                for item in own:
                    item.aliases = aliases.get((item.name, str(item.version)), [])
                    found.append(_version(item))
        return sorted(found, key=lambda v: (v.name, -v.version))

    def run_facts(self, run: str) -> RunFacts:
        """Return what was logged with a run."""
        with self._errors(run):
            data = self._client.get_run(run).data
            return RunFacts(dict(data.params), dict(data.metrics), dict(data.tags))

    def list(self) -> Sequence[str]:
        """Return the addresses of all versions."""
        return [version.address for version in self.versions()]

    def set_alias(self, address: str, alias: str) -> Version:
        """Give a version an alias, which any other version of the model then loses."""
        if not re.fullmatch(r"[\w.-]+", alias) or re.fullmatch(r"v?\d+", alias):
            raise UsageError(f"{alias!r} is no alias; use letters, digits, - and _, as: champion")
        version = self.version(address)
        with self._errors(address):
            self._client.set_registered_model_alias(version.name, alias, str(version.version))
        return self.version(version.address)

    @property
    def _client(self) -> Any:
        if self._opened is None:
            # It would report to its makers, and retry a dead server for minutes.
            os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
            os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
            os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
            with require("mlflow"):
                from mlflow import MlflowClient
            for name in ("alembic", "mlflow"):
                logging.getLogger(name).setLevel(logging.WARNING)
            if not wait_until_up(self.uri, self._wait_s):
                raise Unavailable(
                    f"MLflow at {self.uri} does not answer, after {self._wait_s:.0f} s of waiting",
                    "start its server, or check `tracking_uri`",
                )
            self._opened = MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
        return self._opened

    def _experiment(self) -> str:
        found = self._client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return str(found.experiment_id)
        # A database has no place for files; they come beside it, as for `mlflow ui`.
        local = self.uri.startswith("sqlite:")
        place = Path("mlruns").absolute().as_uri() if local else None
        return str(self._client.create_experiment(EXPERIMENT, artifact_location=place))

    def _fill(
        self,
        run: str,
        facts: RunFacts,
        kept: Kept | None,
        pictures: Mapping[str, Any],
        history: Mapping[str, Sequence[float]],
    ) -> None:
        from mlflow.entities import Metric, Param

        client = self._client
        params = [Param(name, text[:6000]) for name, text in facts.params.items()]
        metrics = [Metric(name, value, 0, 0) for name, value in facts.metrics.items()]
        for name, values in history.items():
            metrics += [Metric(name, value, 0, step) for step, value in enumerate(values)]
        for start in range(0, max(len(params), 1), 100):
            client.log_batch(run, params=params[start : start + 100])
        for start in range(0, len(metrics), 1000):
            client.log_batch(run, metrics=metrics[start : start + 1000])
        for name, figure in pictures.items():
            client.log_figure(run, figure, name)
        if kept is not None:
            with tempfile.TemporaryDirectory() as place:
                for name, data in pack_kept(kept).items():
                    files.write_bytes(Path(place, name), data)
                client.log_artifacts(run, place, kind_of(kept).name)

    @contextlib.contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        _ = self._client
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except MlflowException as error:
            said = first_line(error, 160)
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
                raise InvalidInput(what, said, "see `edgeprofiler models list`") from None
            if error.error_code == "INVALID_PARAMETER_VALUE":
                problem = f"MLflow refuses it ({said})"
                raise InvalidInput(what, problem, "see `edgeprofiler models list`") from None
            raise Unavailable(f"MLflow at {self.uri}: {said}", "check `tracking_uri`") from None
        except (SQLAlchemyError, ConnectionError) as error:
            said = first_line(error)
            raise Unavailable(f"MLflow at {self.uri}: {said}", "check `tracking_uri`") from None
        except OSError as error:
            raise CannotWrite.because(what, error, "cannot be kept") from None


def _parse(address: str) -> tuple[str, str, str]:
    match = _ADDRESS.fullmatch(address)
    if match is None or not _NAME.fullmatch(match.group(1)):
        raise UsageError(f"{address!r} is no model; write NAME, NAME@ALIAS or NAME/VERSION")
    return match.group(1), match.group(2) or "", match.group(3) or ""


def _version(found: Any) -> Version:
    return Version(
        name=str(found.name),
        version=int(found.version),
        aliases=tuple(sorted(found.aliases)),
        created_ms=int(found.creation_timestamp),
        run=str(found.run_id or ""),
        tags=dict(found.tags),
    )


def _pages(search: Any, **arguments: Any) -> list[Any]:
    found: list[Any] = []
    token = None
    while True:
        page = search(**arguments, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def _anchored(uri: str) -> str:
    """Return a local database's address with its whole path.

    MLflow keeps connections by address for as long as the process lives: a relative one would go
    on meaning the folder that was current when it was first used.
    """
    scheme = "sqlite:///"
    path = uri.removeprefix(scheme)
    if path == uri or path.startswith("/"):
        return uri
    return f"{scheme}{Path(path).absolute()}"


def _dagshub(uri: str) -> str:
    if not uri.startswith("dagshub:"):
        return uri
    match = _DAGSHUB.fullmatch(uri)
    if match is None:
        raise UsageError(f"{uri!r} is no repository; write dagshub:OWNER/REPO")
    token = os.environ.get("DAGSHUB_USER_TOKEN")
    if token:  # MLflow takes credentials from the environment only
        os.environ.setdefault("MLFLOW_TRACKING_USERNAME", token)
        os.environ.setdefault("MLFLOW_TRACKING_PASSWORD", token)
    host = os.environ.get("DAGSHUB_CLIENT_HOST", "https://dagshub.com").rstrip("/")
    return f"{host}/{match.group(1)}/{match.group(2)}.mlflow"
