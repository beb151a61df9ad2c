"""Profiles as JSON, `edgeprofiler.profile/2`."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_profile import example
from strategies import profiles

from edgeprofiler.core.errors import CannotWrite, InvalidInput
from edgeprofiler.core.network import OPS
from edgeprofiler.core.profile import (
    DeviceLabel,
    Profile,
    from_document,
    read_profile,
    schema,
    to_document,
    to_json,
    write_profile,
)

_SLOW = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@given(profile=profiles())
@settings(max_examples=120, **_SLOW)
def test_reading_what_was_written_gives_the_same_profile(profile: Profile) -> None:
    text = to_json(profile)
    assert from_document(json.loads(text)) == profile


@given(profile=profiles())
@settings(max_examples=60, **_SLOW)
def test_every_document_satisfies_the_schema(profile: Profile) -> None:
    jsonschema.Draft202012Validator(schema()).validate(json.loads(to_json(profile)))


def test_the_schema_is_one_and_knows_every_operation() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    layer = schema()["properties"]["layers"]["items"]["properties"]
    assert layer["op"]["enum"] == list(OPS)


def test_a_file_gives_the_profile_back(tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    write_profile(example(), path)
    assert read_profile(path) == example()


def test_unknown_costs_are_null_and_a_view_costs_nothing() -> None:
    layers = to_document(example())["layers"]
    assert [layer["runtime_s"] for layer in layers] == [5e-5, 0.0, None]
    assert [layer["energy_j"] for layer in layers] == [5e-4, 0.0, None]
    assert [layer["macs"] for layer in layers] == [6912, 0, None]
    assert layers[0]["runtime_s_low"] is None


def test_energies_of_layers_and_unattributed_lines_sum_to_the_total() -> None:
    document = to_document(example())
    parts = [*document["unattributed"], *document["layers"]]
    assert sum(part["energy_j"] or 0 for part in parts) == pytest.approx(
        document["totals"]["energy_j"], rel=1e-9
    )
    assert sum(part["runtime_s"] or 0 for part in parts) == pytest.approx(
        document["totals"]["end_to_end_s"], rel=1e-9
    )
    assert document["totals"]["energy_j_low"] == 5e-3
    assert document["coverage"]["uncovered"] == [2]


def test_another_version_is_named() -> None:
    with pytest.raises(InvalidInput, match="of version '3'; this reads 1 and 2"):
        from_document({**to_document(example()), "schema": "edgeprofiler.profile/3"}, "p.json")


def test_the_first_version_is_still_read() -> None:
    """It lacks TensorRT, what narrows intervals, the bound and what the host adds."""
    profile = replace(example(), device=DeviceLabel("b", "m", "trtexec", "p"), narrowed_by="",
                      bound="", host_fixed_s=math.nan)  # fmt: skip
    first = to_document(profile)
    first |= {"schema": "edgeprofiler.profile/1", "intervals": first.pop("interval")}
    del first["intervals"]["narrowed_by"]
    for name in ("bound", "host_fixed_s"):
        del first["totals"][name]
    del first["device"]["tensorrt"]
    del first["device"]["clocks"]
    del first["coverage"]["uncounted"]
    assert from_document(first, "p.json") == profile


@pytest.mark.parametrize("document", [{}, {"schema": "other"}, {"schema": None}, {"Layers": []}])
def test_what_is_no_profile_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=r"p\.json: is no profile"):
        from_document(document, "p.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("layers", 0, "groups", 0), r"layers\[0\]\.groups is 0, below 1"),
        (("layers", 0, "kind", "magic"), r"layers\[0\]\.kind is 'magic'; expected one of"),
        (("layers", 1, "runtime_s", "soon"), r"layers\[1\]\.runtime_s is 'soon', where a number"),
        (("layers", 1, "runtime_s", -1.0), r"layers\[1\]\.runtime_s is -1\.0, below 0"),
        (("layers", 1, "index", 7), r"layers\[1\]\.index is 7, expected 1"),
        (("layers", 2, "output_shapes", [[-1]]), r"output_shapes\[0\] has a negative dimension"),
        (("layers", 2, "covered", 1), r"layers\[2\]\.covered is 1, where true or false"),
        (("network", "batch", True), r"network\.batch is True, where an integer"),
        (("origin", "kind", "dreamt"), r"origin\.kind is 'dreamt'; expected one of: measured"),
        (("device", "clocks", {"gpu_hz": -1}), r"device\.clocks\.gpu_hz is -1\.0, below 0"),
        (("device", None), r"device is missing or null, where an object"),
        (("unattributed", 0, "name", "host_gap"), r"unattributed is not the two lines fixed and"),
        (("unattributed", {}), r"unattributed is \{\}, where a list"),
        (("warnings", "oh"), r"warnings is 'oh', where a list"),
        (("idle_power_w", 1e999), r"idle_power_w is not a finite number"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(change: Any, message: str) -> None:
    document: Any = to_document(example())
    *path, last, value = change
    place = document
    for key in path:
        place = place[key]
    place[last] = value
    with pytest.raises(InvalidInput, match=message):
        from_document(document, "p.json")


_ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 5), st.floats(), st.just(10**400),
    st.text(max_size=3), st.just("\ud800"), st.lists(st.integers(), max_size=2), st.just({}),
)  # fmt: skip


def test_a_profile_from_before_clocks_were_said_is_read() -> None:
    document: Any = to_document(example())
    del document["device"]["clocks"]
    jsonschema.validate(document, schema())
    assert from_document(document).device.clocks is None


@given(data=st.data())
@settings(max_examples=150, **_SLOW)
def test_broken_documents_are_read_or_refused(data: st.DataObject) -> None:
    document: Any = to_document(example())
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = document
        key = data.draw(st.sampled_from([*document]))
        while isinstance(place[key], (dict, list)) and place[key] and data.draw(st.booleans()):
            place = place[key]
            keys = [*place] if isinstance(place, dict) else [*range(len(place))]
            key = data.draw(st.sampled_from(keys))
        place[key] = data.draw(_ODD)
    try:
        profile = from_document(document, "p.json")
    except InvalidInput as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        to_json(profile).encode("utf-8")


def test_a_folder_that_is_missing_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite):
        write_profile(example(), tmp_path / "missing" / "p.json")


def test_every_name_that_other_programs_rely_on_is_there() -> None:
    """The names of `edgeprofiler.profile/2`, written out here so that none changes unseen."""
    document = to_document(example())
    names = {key: set(value) for key, value in document.items() if isinstance(value, dict)}
    assert set(document) >= {
        "schema", "network", "device", "origin", "totals", "unattributed", "coverage", "warnings",
        "layers",
    }  # fmt: skip
    assert names["network"] >= {"name", "source", "front_end", "batch", "precision"}
    assert names["device"] == {"name", "mode", "clocks", "runtime", "provenance", "tensorrt"}
    assert names["origin"] >= {"kind", "by", "version"}
    assert names["coverage"] == {
        "macs", "bytes", "time_lower_bound", "uncovered", "uncounted",
    }  # fmt: skip
    assert set(document["interval"]) == {"confidence", "kind", "narrowed_by", "totals"}
    totals = (
        "runtime_s", "end_to_end_s", "energy_j", "energy_above_idle_j", "power_w",
        "power_above_idle_w",
    )  # fmt: skip
    estimates = {f"{t}{end}" for t in totals for end in ("", "_low", "_high")}
    assert names["totals"] == estimates | {"bound", "host_fixed_s"}
    assert [part["name"] for part in document["unattributed"]] == ["fixed", "host_gap"]
    for part in document["unattributed"]:
        assert set(part) == {"name", "runtime_s", "power_w", "energy_j"}
    costs = {f"{c}{e}" for c in ("runtime_s", "power_w", "energy_j") for e in ("", "_low", "_high")}
    for layer in document["layers"]:
        assert set(layer) >= costs | {
            "index", "name", "kind", "op", "engine_type", "input_shapes", "output_shapes", "kernel",
            "stride", "padding_before", "padding_after", "dilation", "groups", "dtype", "macs",
            "flops", "weight_bytes", "bytes_moved", "fused_ops", "bound", "covered", "known_by",
        }  # fmt: skip
