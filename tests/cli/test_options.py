"""An option is honoured or refused, never ignored: every option, every kind of source."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import typer
from learning_data import BOARD, dataset
from paths import TINY_ONNX

import edgeprofiler
from edgeprofiler.cli.app import build_app
from edgeprofiler.core.errors import CannotWrite
from edgeprofiler.prediction.question import FILED, OPTIONS

MODEL, OTHER = "zoo:squeezenet1_1", "zoo:alexnet"
SOURCES = ("zoo", "onnx", "graph", "engine", "profile")
CONV = [
    {"op": "Conv", "name": "c", "inputs": [0], "input_shapes": [[1, 3, 64, 64]], "outputs": [1],
     "output_shapes": [[1, 8, 64, 64]], "weight_shapes": [[8, 3, 3, 3]],
     "kernel_shape": [3, 3], "pads": [1, 1, 1, 1]},
]  # fmt: skip
ASKED = {
    "device": "jetson-nano", "runtime": "torch-tensorrt", "precision": "int8", "batch": "3",
    "resolution": "128", "shapes": "1x3x128x128", "front_end": "nothing", "rate": "10/s",
    "confidence": "0.5", "predictor": "trained", "trips": "5", "tensorrt": "8.0",
    "cuda_graph": "", "idle_power_w": "2.5",
}  # fmt: skip
"""A value of each field that is not what holds without it; a front end that reads nothing
and runs of loops that no source has must be refused, and so are known to be asked."""
CALLS: dict[str, tuple[str, ...]] = {
    "predict": ("{}", "--json", "-"),
    "inspect": ("{}", "--lowered", "--json", "-"),
    "compare": ("{}", "{other}", "--json", "-"),
    "sweep": ("{}", "--json", "-"),
    "advise": ("{}", "--only", "precision", "--json", "-"),
    "check": ("{}", "--budget", "budget.toml", "--json", "-"),
    "impact": ("{}", "--json", "-"),
    "report": ("{}", "--md", "-"),
}
SAVED_TOO = ("compare", "check", "impact", "report")


def commands() -> dict[str, Any]:
    """Every command by its words, with its options by name."""

    def walk(command: Any, words: str) -> Iterator[tuple[str, Any]]:
        inner = getattr(command, "commands", {})
        if not inner or words == "devices":
            yield words, command
        for name, below in inner.items():
            yield from walk(below, f"{words} {name}".strip())

    return {
        words: {
            p.name: next(o for o in p.opts if o.startswith("--"))
            for p in command.params
            if any(o.startswith("--") for o in p.opts) and p.name != "help"
        }
        for words, command in walk(typer.main.get_command(build_app()), "")
    }


COMMANDS = commands()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a source of each kind, a budget and a trained predictor."""
    folder = tmp_path_factory.mktemp("options")
    (folder / "tiny.onnx").write_bytes(TINY_ONNX.read_bytes())
    (folder / "graph.json").write_text(json.dumps({"network": "mine", "nodes": CONV}))
    (folder / "budget.toml").write_text("[limits]\nenergy_mj = 1000\nlatency_ms = 1000\n")
    from edgeprofiler.reading.engine import engine_document

    for name, model in (("engine", MODEL), ("engine2", OTHER)):
        document = engine_document(edgeprofiler.read(model))
        (folder / f"{name}.json").write_text(json.dumps(document))
    for name, model in (("profile", MODEL), ("profile2", OTHER)):
        edgeprofiler.write_profile(edgeprofiler.predict(model), folder / f"{name}.json")
    with suppress(edgeprofiler.Unavailable):
        edgeprofiler.train(dataset(), output=folder / "trained", options={"trees": 4})
    return folder


@pytest.fixture
def ask(cli: Callable[..., Any], place: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Return a function that runs a command on a kind of source with more words."""
    monkeypatch.chdir(place)
    files = {
        "zoo": MODEL, "relu6": "zoo:mobilenet_v2", "silu": "zoo:efficientnet_b0",
        "onnx": "tiny.onnx", "graph": "graph.json", "engine": "engine.json",
        "profile": "profile.json",
    }  # fmt: skip
    others = {"engine": "engine2.json", "profile": "profile2.json"}

    def run(command: str, source: str, *more: str) -> Any:
        words = (w.format(files[source], other=others.get(source, OTHER)) for w in CALLS[command])
        return cli(command, *words, *more)

    return run


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("command", CALLS)
def test_what_is_asked_changes_the_answer_or_is_refused(
    ask: Callable, place: Path, command: str, source: str
) -> None:
    plain = ask(command, source)
    assert plain.code == 0 or source in ("profile", "engine"), plain.err
    for field in (name for name in FILED if name in COMMANDS[command]):
        if field == "predictor" and not (place / "trained").exists():
            continue
        option, here, more = COMMANDS[command][field], source, ()
        if command == "inspect" and field in ("device", "runtime") and source != "engine":
            if source in ("onnx", "graph"):
                continue  # nothing in them depends on the board, or on what builds
            here, more = "relu6", ("--precision", "fp32")  # whose layers do
        if field == "tensorrt":
            if source in ("onnx", "graph"):
                continue  # no version builds these otherwise
            here = "silu" if source == "zoo" else source
        before = plain if here == source else ask(command, here, *more)
        asked = ask(command, here, *more, option, *ASKED[field].split())
        refused = asked.code in (2, 3, 5)
        assert refused or asked.code == 0, asked.err
        assert refused or asked.out != before.out, f"{option} is ignored"
        if refused:
            assert len([x for x in asked.err.splitlines() if not x.startswith("device:")]) == 1


@pytest.mark.parametrize("command", SAVED_TOO)
@pytest.mark.parametrize("field", [name for name in FILED if name != "rate"])
def test_nothing_is_asked_of_a_saved_profile(ask: Callable, command: str, field: str) -> None:
    """`impact saved.json --confidence 0.5` printed the saved 90 % interval."""
    option = COMMANDS[command][field]
    asked = ask(command, "profile", option, *ASKED[field].split())
    assert asked.code == 2
    assert f"is a saved profile, which stays as it is: {option} belong" in asked.err


@pytest.mark.parametrize("command", CALLS)
def test_a_built_engine_has_its_version_of_tensorrt(ask: Callable, command: str) -> None:
    """`predict engine.json --tensorrt 8.6` wrote the version beside layers of another one."""
    asked = ask(command, "engine", "--tensorrt", "8.6")
    assert asked.code in (2, 3, 5)
    assert not asked.out
    assert "built" in asked.err


@pytest.mark.parametrize("command", CALLS)
def test_a_precision_is_one_in_any_case(ask: Callable, command: str) -> None:
    assert ask(command, "zoo", "--precision", "INT8").out == (
        ask(command, "zoo", "--precision", "int8").out
    )


def test_commands_share_the_options_of_a_question() -> None:
    """Same names and same help wherever they stand."""
    root = typer.main.get_command(build_app())
    for name in OPTIONS:
        helps = set()
        for command in CALLS:
            found = next((p for p in root.commands[command].params if p.name == name), None)
            if found is not None:
                helps.add((tuple(found.opts), found.help.partition(" Several:")[0], found.metavar))
        assert len(helps) == 1, name


HONOURED: dict[str, tuple[tuple[str, ...], ...]] = {
    "predict": (("zoo:lenet",), ("--quiet",)),
    "inspect": (("zoo:lenet",), ("--lowered",)),
    "validate": (("-m", "measured.csv"), ("--leave-one-out",), ("--leave-out", "family"),
                 ("--quiet",), ("--device", "jetson-nano"), ("--confidence", "0.5")),
    "compare": (("zoo:lenet", OTHER), ("--layers", "2")),
    "sweep": (
        ("zoo:lenet", "--batch", "1:9"), ("--rows", "2"), ("--clocks", "gpu=306:612:102MHz"),
        ("--where", "batch >= 4"),
    ),
    "advise": (("zoo:lenet", "--json", "-"), ("--budget-mj", "0.5"), ("--budget-percent", "90"),
               ("--max-latency-ms", "0.2"), ("--max-power-w", "6"),
               ("--min-fps", "9000"), ("--only", "prune"), ("--without", "batch"),
               ("--layer", "fc1"), ("--align", "3")),
    "check": (("zoo:lenet", "--budget", "tight.toml"), ("--strict",), ("--sure",),
              ("--baseline", "lenet.json"), ("--budget", "budget.toml")),
    "impact": (("zoo:lenet",), ("--duty", "12h/day"), ("--battery", "50Wh"),
               ("--fleet", "9"), ("--intensity", "220 g/kWh"), ("--price", "0.3 EUR/kWh")),
    "attribute": (("recordings/lenet",), ("--quiet",), ("--method", "window")),
    "benchmark": (("engine.json", "--trtexec-profile", "times.json"), ("--layers", "1")),
    "dataset describe": (("data",), ("--min-samples", "99")),
}  # fmt: skip
"""Words of a command, and options of which each changes what it prints."""

REFUSED: dict[str, tuple[tuple[str, ...], ...]] = {
    "inspect": (("zoo:lenet", "--device", "jetson-nano"), ("zoo:lenet", "--runtime", "cpp"),
                ("zoo:lenet", "--precision", "int8"), ("engine.json", "--runtime", "cpp")),
    "validate": (("-m", "measured.csv", "--leave-out", "family", "--leave-one-out"),
                 ("-m", "measured.csv", "--plot", "x.txt")),
    "advise": (("zoo:lenet", "--only", "batch", "--align", "4"),
               ("zoo:lenet", "--without", "prune", "--layer", "fc1"),
               ("zoo:lenet", "--mask", "m.json"),
               ("zoo:lenet", "--budget-percent", "90", "--rows", "3")),
    "impact": (("zoo:lenet", "--rate", "1e9/s"),),
    "report": (("zoo:lenet", "--plot", "kinds"),
               ("zoo:lenet", "--md", "-", "--recording", "recordings/lenet"),
               ("zoo:lenet", OTHER, "--recording", "recordings/lenet"),
               ("zoo:lenet", OTHER, "--png", "x.png"), ("zoo:lenet", "--svg", "x.png")),
    "collect": (("zoo:lenet", "--sensor", "none", "--runner", "sim", "--period", "0.1"),
                ("zoo:lenet", "--sensor", "none", "--runner-option", "seed=3"),
                ("zoo:lenet", "--sensor", "none", "--sensor-option", "seed=3", "--runner", "sim"),
                ("tiny.onnx", "--sensor", "none", "--runner", "trtexec", "--device", BOARD)),
    "attribute": (("recordings/lenet", "--model", "x"),
                  ("recordings/lenet", "--jobs", "0"),
                  ("recordings/lenet", "recordings/lenet", "--cluster", "here"),
                  ("recordings/lenet", "--method", "x")),
    "qa": (("recordings/lenet", "--model", "x"), ("recordings/lenet", "--plot", "x.txt")),
    "monitor": (("--sensor-option", "a=1", "--", "true"), ("--period", "99", "--", "true")),
    "benchmark": (*(("engine.json", "--trtexec-profile", "p.json", *more) for more in (
                      ("--runs", "3"), ("--backends", "torch"), ("--threads", "2"),
                      ("--batch", "2"), ("--precision", "int8"), ("--resolution", "64"),
                      ("--shape", "1x3x64x64"))),
                  ("zoo:lenet", "--trtexec-times", "x.json"),
                  ("zoo:lenet", "--backends", "trtexec", "--threads", "2"),
                  ("zoo:lenet", "--plot", "x.txt")),
    "train": (("data", "-o", "p", "--name", "x"), ("data", "-o", "p", "--track", "--alias", "x")),
    "calibrate": (("-o", "b.toml", "-m", "measured.csv", "--suggest", "0"),),
    "devices": (("--json", "x.json", "show", BOARD),),
    "data pull": (("data.dvc", "--path", "x"), (".", "--remote", "x", "--path", "y"),
                  (".", "--endpoint-url", "http://x", "--path", "y")),
}  # fmt: skip
"""Words of a command that mean nothing together."""


@pytest.fixture
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the sources, with what the tables above name besides."""
    monkeypatch.chdir(place)
    if not (place / "tight.toml").exists():
        profile = edgeprofiler.predict("zoo:lenet")
        energy = profile.totals.energy_j
        limit = 1e3 * (energy.low + energy.value) / 2
        (place / "tight.toml").write_text(f"[limits]\nenergy_mj = {limit}\n")
        edgeprofiler.write_profile(profile, place / "lenet.json")
        (place / "data.dvc").write_text("outs:\n- md5: a\n  path: data\n")
        (place / ".git").mkdir()
        layers = json.loads((place / "engine.json").read_text())["Layers"]
        times = [{"name": x["Name"], "averageMs": 0.1 + i} for i, x in enumerate(layers)]
        (place / "times.json").write_text(json.dumps([{"count": 10}, *times]))
        networks = ("resnet18", "resnet50", "vgg16", "squeezenet1_1", "mnasnet1_0")
        rows = [
            f'{BOARD},15w,"JetPack 6.0, TensorRT",{n},zoo:{n},1,224x224,fp16,{3 + i}'
            for i, n in enumerate(networks)
        ]
        head = "device,mode,software,network,model,batch,input,precision,runtime_ms"
        (place / "measured.csv").write_text("\n".join([head, *rows]) + "\n")
        from edgeprofiler.measurement.recording import save_recording
        from edgeprofiler.measurement.simulator import simulate

        recording, _ = simulate(edgeprofiler.read("zoo:lenet"), runs=40)
        (place / "recordings").mkdir()
        save_recording(recording, place / "recordings" / "lenet")
        from edgeprofiler.learning.dataset.storage import save_dataset

        with suppress(edgeprofiler.Unavailable):
            save_dataset(dataset(), place / "data")
    return place


@pytest.mark.parametrize(
    ("command", "option"), [(c, o) for c, (_, *options) in HONOURED.items() for o in options]
)
def test_an_option_of_a_commands_own_changes_what_is_printed(
    cli: Callable[..., Any], here: Path, command: str, option: tuple[str, ...]
) -> None:
    if command == "dataset describe" and not (here / "data").exists():
        pytest.skip("pyarrow is not installed")
    words = (*command.split(), *HONOURED[command][0])
    plain, asked = cli(*words), cli(*words, *option)
    assert plain.code in (0, 1), plain.err
    assert asked.code in (0, 1, 5), asked.err
    assert (asked.out, asked.code) != (plain.out, plain.code)


@pytest.mark.parametrize(("command", "words"), [(c, w) for c, ws in REFUSED.items() for w in ws])
def test_an_option_that_means_nothing_is_refused_before_the_work(
    cli: Callable[..., Any], here: Path, command: str, words: tuple[str, ...]
) -> None:
    if command == "train":
        pytest.importorskip("sklearn")
    ran = cli(*command.split(), *words)
    assert ran.code == 2, ran.err
    said = [line for line in ran.err.splitlines() if line.startswith("error: ")]
    assert len(said) == 1


WORKERS: dict[str, tuple[str, object]] = {
    "--jobs": ("3", edgeprofiler.Workers(3)),
    "--cluster": ("tcp://h:1", edgeprofiler.Workers(None, "tcp://h:1")),
}
REACHED: dict[str, tuple[str, tuple[str, ...], dict[str, tuple[str, object]]]] = {
    "collect": ("edgeprofiler.measurement.collect.journey.prepare", ("zoo:lenet",), {
        "--sensor": ("sim", "sim"), "--runner": ("sim", "sim"), "--runs": ("7", 7),
        "--idle": ("3", 3.0), "--warmup": ("4", 4), "--output": ("out", Path("out")),
        "--dither": ("0.5", 0.5), "--period": ("0.2", 0.2), "--isolate": ("", True),
        "--resume": ("", True), "--seed": ("5", 5), "--device": (BOARD, BOARD),
        "--sensor-option": ("a=1", {"a": 1}), "--runner-option": ("b=2", {"b": 2}),
        "--precision": ("FP32", "fp32"), "--batch": ("2", 2), "--resolution": ("64", 64),
        "--shape": ("x=1x2", {"x": (1, 2)}),
    }),
    "benchmark": ("edgeprofiler.measurement.benchmark.benchmark", ("zoo:lenet",), {
        "--backends": ("torch,sim", ["torch", "sim"]), "--runs": ("7", 7), "--threads": ("2", 2),
        "--precision": ("FP32", "fp32"), "--batch": ("2", 2), "--resolution": ("64", 64),
        "--shape": ("1x2", {"": (1, 2)}),
    }),
    "calibrate": ("edgeprofiler.calibrate", ("-o", "b.toml", "-m", "measured.csv"), {
        "--device": (BOARD, BOARD), "--runtime": ("CPP", "cpp"),
        "--measured": ("other.csv", Path("other.csv")), "--name": ("mine", "mine"),
    }),
    "validate": ("edgeprofiler.validate", ("-m", "measured.csv"), {
        "--measured": ("m.csv", Path("m.csv")), **WORKERS,
    }),
    "dataset build": ("edgeprofiler.build_dataset", ("x", "-o", "d"), {
        "--device": ("jetson-tx2", "jetson-tx2"), "--output": ("e", Path("e")), **WORKERS,
        "--mode": ("15w", "15w"), "--runtime": ("cpp", "cpp"), "--precision": ("fp32", "fp32"),
    }),
    **{command: (f"edgeprofiler.{command}", words, {
        "--recipe": ("neuralpower", "neuralpower"), "--config": ("c.toml", Path("c.toml")),
        "--option": ("trees=3", {"trees": 3}), "--test-networks": ("a, b", ["a", "b"]),
        "--device": ("jetson-tx2", "jetson-tx2"), "--seed": ("3", 3), "--min-samples": ("4", 4),
        **more,
    }) for command, words, more in (
        ("train", ("data", "-o", "p"), {"--output": ("q", Path("q"))}),
        ("evaluate", ("data",), {"--plots": ("f", True), **WORKERS}),
        ("tune", ("data",), {
            "--trials": ("3", 3), "--trial-limit": ("2", 2.0), "--time-limit": ("9", 9.0),
            "--space": ("a=1:2", ["a=1:2"]), "--storage": ("sqlite:///x", "sqlite:///x"),
            "--study": ("s", "s"),
        }),
    )},
    "sweep": ("edgeprofiler.sweep", ("zoo:lenet",), {
        "--variants": ("v.jsonl", Path("v.jsonl")), "--best": ("5", 5),
        "--output": ("rows", Path("rows")), **WORKERS,
    }),
    "impact": ("edgeprofiler.impact", ("zoo:lenet",), {"--off-power": ("2", 2.0)}),
}  # fmt: skip
"""A journey of minutes, words of its command, and what its options become."""


@pytest.mark.parametrize(
    ("command", "option"), [(c, o) for c, (_, _, options) in REACHED.items() for o in options]
)
def test_an_option_reaches_the_journey(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, command: str, option: str
) -> None:
    journey, words, options = REACHED[command]
    seen: dict[str, Any] = {}

    def watch(*positional: Any, **named: Any) -> None:
        seen.update(named, positional=positional)
        raise edgeprofiler.UsageError("seen")

    monkeypatch.setattr(journey, watch)
    text, value = options[option]
    ran = cli(*command.split(), *words, option, *([text] if text else []))
    assert ran.err.splitlines()[-1] == "error: seen"
    assert value in [*seen.values(), *seen["positional"]]


ELSEWHERE = {
    "serve": "views/web/test_run.py", "doctor": "cli/test_json_alone.py",
    **dict.fromkeys(
        ("models list", "models show", "models pull", "models push", "models alias"),
        "learning/stores/test_mlflow.py",
    ),
    "data push": "cli/test_data_command.py",
    "data pull": "cli/test_data_command.py", "devices show": "cli/test_json_alone.py",
    "monitor": "cli/test_monitor_command.py", "contribute": "cli/test_contribute_command.py",
}  # fmt: skip
"""Commands whose options are looked at where the command is."""
FILES = {"json", "csv", "output", "plot", "parquet", "mask", "junit", "markdown", "save", "png",
         "svg", "md", "reference_csv", "plots", "track", "latex", "trace"}  # fmt: skip
"""Options that name what is written; the tests of each command look at it."""


def test_a_picture_of_no_format_is_refused_before_the_work(cli: Any, tmp_path: Path) -> None:
    ran = cli("sweep", "zoo:lenet", "--output", tmp_path / "rows", "--plot", tmp_path / "x.gif")
    assert ran.code == 2
    assert not (tmp_path / "rows").exists()


def test_a_file_that_cannot_be_written_is_refused_before_the_work(cli: Any, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    missing = tmp_path / "missing" / "x.json"
    ran = cli("sweep", "zoo:lenet", "--output", tmp_path / "rows", "--json", missing)
    assert ran.code == CannotWrite.exit_code
    assert "missing" in ran.err
    assert not (tmp_path / "rows").exists()


def test_no_option_is_forgotten() -> None:
    known: dict[str, set[str]] = {}
    for command, (_, *options) in HONOURED.items():
        known.setdefault(command, set()).update(w for o in options for w in o)
    for command, calls in REFUSED.items():
        known.setdefault(command, set()).update(w for call in calls for w in call)
    for command, (_, _, reached) in REACHED.items():
        known.setdefault(command, set()).update(reached)
    missing = [
        f"{command} {flag}"
        for command, options in COMMANDS.items()
        for name, flag in options.items()
        if command not in ELSEWHERE and name not in FILES
        and not (command in CALLS and name in OPTIONS)
        and flag not in known.get(command, set())
    ]  # fmt: skip
    assert not missing
    assert set(ELSEWHERE) <= set(COMMANDS)
    assert all((Path(__file__).parents[1] / path).exists() for path in ELSEWHERE.values())
