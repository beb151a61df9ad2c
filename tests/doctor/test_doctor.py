"""Every plug-in tried, every extra looked for."""

from __future__ import annotations

import json
from importlib import metadata

import pytest

from edgeprofiler.core import plugins
from edgeprofiler.core.errors import InvalidInput, Unavailable
from edgeprofiler.core.extras import Extra
from edgeprofiler.doctor import diagnose, doctor, to_json


class Good:
    def probe(self) -> None: ...

    def describe(self) -> dict[str, str]:
        return {"runtime": "good 1.0"}


class Missing(Good):
    def probe(self) -> None:
        raise Unavailable("no GPU", "buy one")


class Wrong(Good):
    def probe(self) -> None:
        raise InvalidInput("file", "is broken")


class Crashing(Good):
    def probe(self) -> None:
        raise ZeroDivisionError("a stranger's mistake")


class NeedsPath(Good):
    def __init__(self, path: str) -> None: ...


@pytest.mark.parametrize(
    ("made", "works", "text"),
    [
        (Good, True, "good 1.0"),
        (NeedsPath, True, "needs path"),
        (Missing, False, "no GPU"),
        (Wrong, False, "file: is broken"),
        (Crashing, False, "ZeroDivisionError: a stranger's mistake"),
    ],
)
def test_each_plug_in_works_or_says_why_not(monkeypatch, made: type, works: bool, text: str):
    """A plug-in that crashes is reported; the others are tried all the same."""
    monkeypatch.setattr(plugins, "load", lambda kind, name: made)
    found = doctor.check("runners", "x")
    assert found.works is works
    assert text in found.detail + found.reason
    if made is Missing:
        assert found.remedy == "buy one"


def test_a_plug_in_that_cannot_be_imported_is_reported(monkeypatch):
    def fails(kind: str, name: str) -> None:
        raise Unavailable("cannot be loaded", "install it")

    monkeypatch.setattr(plugins, "load", fails)
    assert doctor.check("stores", "x").remedy == "install it"


def test_plug_ins_that_only_load_need_no_probe(monkeypatch):
    monkeypatch.setattr(plugins, "load", lambda kind, name: len)
    assert doctor.check("recipes", "x").works
    monkeypatch.setattr(plugins, "load", lambda kind, name: object)
    assert doctor.check("frontends", "x").works
    monkeypatch.setattr(plugins, "load", lambda kind, name: Missing)
    assert doctor.check("stores", "x").reason == "no GPU"


def test_every_plug_in_and_every_extra_of_this_installation_is_told():
    diagnosis = diagnose()
    for kind in doctor.KINDS:
        assert {c.name for c in diagnosis.of(kind)} == set(plugins.available(kind))
    declared = set(metadata.metadata("edgeprofiler").get_all("Provides-Extra") or ())
    assert {c.name for c in diagnosis.of("extras")} == declared
    assert all(c.reason for c in diagnosis.checks if not c.works)
    document = json.loads(to_json(diagnosis))
    assert document["schema"] == "edgeprofiler.doctor/1"
    assert len(document["checks"]) == len(diagnosis.checks)


def test_a_plug_in_that_loads_without_its_packages_does_not_work(monkeypatch):
    """`plot` and `mlflow` import what they need when they draw or store."""
    monkeypatch.setattr(doctor, "extras", lambda: (Extra("plot", (), ("matplotlib",)),))
    found = doctor.check("renderers", "plot")
    assert not found.works
    assert found.reason == "missing: matplotlib"
    assert found.remedy == "pip install 'edgeprofiler[plot]'"
