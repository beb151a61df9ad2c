"""The harness that fuzzes must itself be right: the same inputs again, and no failure unseen."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from paths import SCRIPTS

from edgeprofiler.core.errors import InvalidInput

sys.path.insert(0, str(SCRIPTS))
from fuzzing import run as harness
from fuzzing.kinds import Files, Kind
from fuzzing.nasty import JSON
from fuzzing.run import Found, made, run, tell

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bounds memory as Linux does")


def _kind(attempt: Callable[[Path], None], seed: bytes = b'{"a": [1, 2.5, "x"]}') -> Kind:
    def mutate(rng: random.Random, files: Files, other: Files) -> Files:
        return {"x.json": JSON(rng, files["x.json"], other["x.json"])}

    return Kind(({"x.json": seed},), mutate, attempt)


def _run(kind: Kind, tmp_path: Path, inputs: int = 60, corpus: Path | None = None) -> Found:
    return run(
        {"thing": kind}, range(inputs), seed=0, jobs=1, folder=tmp_path,
        corpus=[corpus] if corpus else [],
    )  # fmt: skip


def _read(path: Path) -> None:
    data = path.read_bytes()
    if data[:1] != b"{":
        raise InvalidInput(path, "is no object")


def _answers_wrongly(path: Path) -> None:
    if b'"a"' not in path.read_bytes():
        raise ZeroDivisionError("planted")


def _takes_memory(path: Path) -> None:
    if b'"a"' not in path.read_bytes():
        bytearray(2 << 30)


def _spins(path: Path) -> None:
    if b"spin" in path.read_bytes():
        until = time.process_time() + 20
        while time.process_time() < until:
            pass


def test_a_seed_and_a_number_give_the_same_input() -> None:
    kind = _kind(_read)
    first = [made(kind, 7, "thing", number)[0] for number in range(50)]
    assert first == [made(kind, 7, "thing", number)[0] for number in range(50)]
    assert first != [made(kind, 8, "thing", number)[0] for number in range(50)]
    assert len({files["x.json"] for files in first}) > 25


def test_a_refusal_is_no_failure(tmp_path: Path) -> None:
    found = _run(_kind(_read), tmp_path)
    assert found.tried["thing"] == 60
    assert 0 < found.refused["thing"] < 60
    assert tell(found, None) == 0


@pytest.mark.parametrize(
    ("planted", "words"), [(_answers_wrongly, "ZeroDivisionError"), (_takes_memory, "MemoryError")]
)
def test_a_planted_failure_is_found_and_its_smallest_input_kept(
    planted: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    found = _run(_kind(planted), tmp_path)
    (key,) = found.failures
    assert words in key
    _, number, files = found.failures[key]
    assert made(_kind(planted), 0, "thing", number)[0] == files
    assert tell(found, tmp_path / "kept") == 1
    assert (tmp_path / "kept/thing/000/x.json").read_bytes() == files["x.json"]


def test_what_takes_too_long_is_a_failure_and_the_rest_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness, "PROCESSOR_S", 0.2)
    corpus = tmp_path / "corpus" / "thing"
    for name, text in (("0", "{}"), ("1", '{"spin": 1}'), ("2", "{}")):
        (corpus / name).mkdir(parents=True)
        (corpus / name / "x.json").write_text(text)
    found = _run(_kind(_spins), tmp_path / "work", inputs=5, corpus=corpus.parent)
    assert list(found.failures) == ["thing: more than 0.2 s of processor"]
    assert found.tried["thing"] == 8


def test_a_failure_that_was_kept_is_tried_again(tmp_path: Path) -> None:
    kept = tmp_path / "kept/thing/000"
    kept.mkdir(parents=True)
    (kept / "x.json").write_text("[]")
    found = _run(_kind(_answers_wrongly), tmp_path / "work", inputs=0, corpus=tmp_path / "kept")
    assert found.tried["thing"] == 1
    ((_, number, files),) = found.failures.values()
    assert number < 0
    assert files == {"x.json": b"[]"}


def test_weights_that_lie_in_a_file_are_not_read_to_be_changed() -> None:
    onnx = pytest.importorskip("onnx")
    from fuzzing import models

    tensor = onnx.TensorProto(name="w", data_type=onnx.TensorProto.INT64, dims=[1])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="x")
    model = onnx.load_from_string(models.seeds()[0])
    model.graph.ClearField("initializer")
    model.graph.initializer.append(tensor)
    for seed in range(200):
        assert models.mutation(random.Random(seed), model.SerializeToString(), b"")
