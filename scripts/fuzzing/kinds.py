"""Every kind of file: what small ones look like, how they are changed, what is done with them."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measured_profiles import as_measured

import edgeprofiler
from edgeprofiler.core.profile.document import to_json
from fuzzing import attempts, binary, models
from fuzzing.attempts import Attempt
from fuzzing.commands import command
from fuzzing.nasty import CSV, JSON, NUMBERS, TEXTS, TOML, Mutation, mixed, raw

Files = Mapping[str, bytes]
_SHOWN = ("predict @", "inspect @", "advise @", "impact @ --battery 10Wh", "report @ -o @.html")


@dataclass(frozen=True)
class Kind:
    """One kind of file, or folder of files."""

    seeds: tuple[Files, ...]
    mutate: Callable[[random.Random, Files, Files], Files]
    attempt: Attempt
    """What is done with most inputs, on the file of the only name, else on the folder."""
    commands: tuple[Attempt, ...] = ()
    """What is done with some of them: whole commands."""
    share: float = 1.0
    """How often the kind takes its turn, by what its attempts cost and can find."""


def kinds(folder: Path) -> dict[str, Kind]:
    """Return the kinds, their seeds made in a folder."""
    predictor, estimator, rows = _trained(folder)
    recording, reference = _recorded(folder)
    model_commands = tuple(map(command, _SHOWN))
    shown = tuple(map(command, ("impact @", "report @ -o @.html --md @.md", "compare @ zoo:lenet")))
    return {
        "onnx": _files(
            "model.onnx", models.seeds(), mixed((0.85, models.mutation), (0.15, raw)),
            attempts.model, model_commands, share=3,
        ),
        "graph": _files("graph.json", [_graph()], JSON, attempts.model, model_commands, share=2),
        "engine": _files("engine.json", _engines(), JSON, attempts.model, model_commands, share=2),
        "profile": _files("profile.json", [_profile()], JSON, attempts.profile, shown, share=2),
        "device": _files(
            "board.toml", _boards(), TOML, attempts.device,
            (command("devices"), command("predict zoo:lenet -d @"), command("devices show @")),
        ),
        "budget": _files(
            "budget.toml", [_BUDGET], TOML, attempts.budget,
            (command("check zoo:lenet --budget @ --junit @.xml --markdown @.md"),),
        ),
        "recipe": _files("recipe.toml", [_RECIPE], TOML, attempts.recipe, share=0.5),
        "measured": _files(
            "measured.csv", [_MEASURED], CSV, attempts.measured, (command("validate -m @"),)
        ),
        "dataset": _files(
            "layers.csv", [_csv(rows)], CSV, attempts.dataset, (command("dataset describe @"),)
        ),
        "training": Kind((_TRAINING,), _one_of({".csv": CSV}), attempts.training_table, share=0.5),
        "parquet": _files(
            "layers.parquet", [_parquet(rows)], mixed((0.6, _parquet_cells), (0.4, raw)),
            attempts.parquet, share=0.5,
        ),
        "predictor": Kind(
            (predictor,), _changed_predictor, attempts.predictor,
            (
                command("predict zoo:lenet --predictor @"),
                command("report zoo:lenet -o @/r.html --predictor @"),
            ),
        ),
        "estimator": _files(
            "model.skops", [estimator] if estimator else [], binary.archive, attempts.estimator,
            share=0.5,
        ),
        "recording": Kind(
            (recording,), _one_of({".json": JSON, ".bin": binary.stream}), attempts.recording,
            (command("qa @"), command("attribute @")), share=0.5,
        ),
        "reference": Kind(
            (reference,), _one_of({".json": JSON, ".log": CSV}), attempts.recording,
            (command("qa @"), command("attribute @ --method network")), share=0.5,
        ),
        "power_log": _files("power.csv", _LOGS, mixed((0.9, CSV), (0.1, TOML)), attempts.power_log),
        "trtexec": _files("times.json", _TIMES, JSON, attempts.trtexec, share=0.5),
        "pointer": _files("data.dvc", [_POINTER], TOML, attempts.pointer, share=0.5),
    }  # fmt: skip


def _files(
    name: str, seeds: list[bytes], mutate: Mutation, attempt: Attempt,
    commands: tuple[Attempt, ...] = (), share: float = 1.0,
) -> Kind:  # fmt: skip
    def one(rng: random.Random, files: Files, other: Files) -> Files:
        return {name: mutate(rng, files[name], other[name])}

    return Kind(tuple({name: seed} for seed in seeds), one, attempt, commands, share)


def _one_of(mutations: Mapping[str, Mutation]) -> Callable[[random.Random, Files, Files], Files]:
    def mutate(rng: random.Random, files: Files, _: Files) -> Files:
        made = dict(files)
        for name in rng.sample(sorted(made), rng.choice((1, 1, 1, 2))):
            if rng.random() < 0.03:
                del made[name]
                continue
            made[name] = mutations[Path(name).suffix](rng, made[name], made[name])
        return made

    return mutate


def _changed_predictor(rng: random.Random, files: Files, _: Files) -> Files:
    made = dict(files)
    if rng.random() < 0.6:
        made["predictor.json"] = JSON(rng, made["predictor.json"], b"")
    if rng.random() < 0.5:
        made["arrays.npz"] = binary.archive(rng, made["arrays.npz"], b"")
    return binary.resigned(made) if rng.random() < 0.95 else made


def _boards() -> list[bytes]:
    from importlib import resources

    shipped = resources.files("edgeprofiler.core.device") / "boards" / "jetson-orin-nano.toml"
    return [_DEVICE, shipped.read_bytes()]


def _profile() -> bytes:
    network = edgeprofiler.read("zoo:lenet")
    found = edgeprofiler.predict(network, "jetson-orin-nano")
    return to_json(found).encode()


def _graph() -> bytes:
    nodes = [
        {"op": "Conv", "inputs": [1], "input_shapes": [[1, 3, 8, 8]],
         "weight_shapes": [[4, 3, 3, 3], [4]], "outputs": [2], "output_shapes": [[1, 4, 8, 8]],
         "kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [1, 1], "dilations": [1, 1],
         "group": 1},
        {"op": "Relu", "inputs": [2], "input_shapes": [[1, 4, 8, 8]], "weight_shapes": [],
         "outputs": [3], "output_shapes": [[1, 4, 8, 8]]},
        {"op": "MaxPool", "inputs": [3], "input_shapes": [[1, 4, 8, 8]], "weight_shapes": [],
         "outputs": [4], "output_shapes": [[1, 4, 4, 4]], "kernel_shape": [2, 2],
         "strides": [2, 2], "pads": [0, 0, 0, 0], "ceil_mode": 0},
        {"op": "Concat", "inputs": [4, 4], "input_shapes": [[1, 4, 4, 4], [1, 4, 4, 4]],
         "weight_shapes": [], "outputs": [5], "output_shapes": [[1, 8, 4, 4]], "axis": 1},
        {"op": "Reshape", "inputs": [5], "input_shapes": [[1, 8, 4, 4]], "weight_shapes": [[2]],
         "outputs": [6], "output_shapes": [[1, 128]]},
        {"op": "Gemm", "inputs": [6], "input_shapes": [[1, 128]],
         "weight_shapes": [[10, 128], [10]], "outputs": [7], "output_shapes": [[1, 10]],
         "transB": 1, "alpha": 1.0, "beta": 1.0},
        {"op": "Softmax", "inputs": [7], "input_shapes": [[1, 10]], "weight_shapes": [],
         "outputs": [8], "output_shapes": [[1, 10]], "axis": -1},
    ]  # fmt: skip
    return json.dumps({"network": "n", "image_size": 8, "batch": 1, "nodes": nodes}).encode()


def _engines() -> list[bytes]:
    from edgeprofiler.reading.engine.write import engine_document

    network = edgeprofiler.read("zoo:squeezenet1_1", precision="fp16")
    document = engine_document(network)
    layers = document["Layers"]
    return [json.dumps({**document, "Layers": layers[:6] + layers[-3:]}).encode()]


def _trained(folder: Path) -> tuple[dict[str, bytes], bytes, Any]:
    """Return a predictor's files, a user's own estimator, and rows to learn from."""
    from edgeprofiler.learning.dataset import Dataset, rows_of

    names = ("lenet", "alexnet", "vgg11", "squeezenet1_1", "resnet18")
    data = Dataset.concatenate([rows_of(as_measured(name, simulated=True), name) for name in names])
    edgeprofiler.train(data, output=folder / "predictor", recipe="neuralpower")
    files = {p.name: p.read_bytes() for p in sorted((folder / "predictor").iterdir())}
    try:
        import skops.io
        from sklearn.ensemble import RandomForestRegressor

        forest = RandomForestRegressor(2, max_depth=2, random_state=0)
        estimator = skops.io.dumps(forest.fit(np.eye(6), np.arange(6.0)))
    except ImportError:
        estimator = b""
    return files, estimator, data.take(np.arange(0, len(data), 12))


def _recorded(folder: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    from edgeprofiler.measurement.recording.opening import open_recording
    from edgeprofiler.measurement.recording.reference_layout import write_reference

    edgeprofiler.collect(
        "zoo:lenet", sensor="sim", runner="sim", runs=30, idle_s=0.3, warmup=0,
        output=folder / "recordings", device="jetson-orin-nano",
    )  # fmt: skip
    made = folder / "recordings" / "lenet"
    write_reference(open_recording(made), folder / "reference")
    return _read(made), _read(folder / "reference")


def _read(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _csv(rows: Any) -> bytes:
    from edgeprofiler.learning.dataset.storage import to_csv

    return to_csv(rows).encode()


def _parquet(rows: Any) -> bytes:
    try:
        from edgeprofiler.learning.dataset.storage import parquet_bytes

        return parquet_bytes(rows)
    except edgeprofiler.EdgeProfilerError:
        return b""


def _parquet_cells(rng: random.Random, data: bytes, _: bytes) -> bytes:
    """Return a Parquet file with cells, types, columns or their names changed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(data))
    columns = [[name, table.column(name).to_pylist()] for name in table.column_names]
    for _time in range(rng.choice((1, 1, 2, 4))):
        column = rng.choice(columns)
        roll = rng.random()
        if roll < 0.5 and column[1]:
            column[1][rng.randrange(len(column[1]))] = rng.choice((*NUMBERS, *TEXTS, None))
        elif roll < 0.65:
            column[1] = [rng.choice((*NUMBERS, *TEXTS, None))] * len(column[1])
        elif roll < 0.75:
            column[0] = rng.choice((*(name for name, _ in columns), *TEXTS))
        elif roll < 0.9:
            columns.remove(column)
            columns = columns or [["", []]]
        else:
            columns.append([column[0] + "_ms", column[1]])
    arrays = []
    for _name, values in columns:
        try:
            arrays.append(pa.array(values))
        except (pa.ArrowException, OverflowError, UnicodeError, TypeError):
            arrays.append(pa.array([str(v).encode("utf-8", "replace") for v in values]))
    names = [str(name).encode("utf-8", "replace").decode() for name, _ in columns]
    out = io.BytesIO()
    pq.write_table(
        pa.Table.from_arrays(arrays, names), out, compression=rng.choice(("none", "zstd"))
    )
    return out.getvalue()


_DEVICE = b"""base = "jetson-orin-nano"
name = "my-board"
idle_power_w = 3.5
mode = "15w"
"""
_BUDGET = b"""model = "zoo:lenet"
device = "jetson-orin-nano@15w"
precision = "fp16"
batch = 1
[limits]
energy_mj = 5
latency_ms = 10.0
power_w = 12
"""
_RECIPE = b"""recipe = "hybrid"
seed = 1
folds = 4
test_networks = ["lenet"]
[options]
depth = 3
"""
_MEASURED = b"""\
device,mode,software,network,model,batch,input,precision,runtime_ms,power_above_idle_w
jetson-orin-nano,15w,trtexec,lenet,zoo:lenet,1,1x32x32,fp16,0.25,2.5
jetson-orin-nano,15w,trtexec,alexnet,zoo:alexnet,1,3x224x224,fp16,3.5,
jetson-orin-nano,25w,cpp,squeezenet1_1,zoo:squeezenet1_1,2,3x128x128,fp32,1.75,4.0
"""
_TRAINING = {
    "training_data/vgg16/convolutional.csv": (
        b"batch_size,input_size_0,input_size_1,input_size_2,output_size_0,output_size_1,"
        b"output_size_2,kernel_0,kernel_1,padding_0,padding_1,stride_0,stride_1,power,runtime,"
        b"layer_name\n1,3,224,224,64,224,224,3,3,2.0,2.0,1,1,5000000,0.2,first\n"
    ),
    "training_data/vgg16/pooling.csv": (
        b"batch_size,input_size_0,input_size_1,input_size_2,output_size_0,output_size_1,"
        b"output_size_2,kernel_0,kernel_1,stride_0,stride_1,power,runtime,layer_name\n"
        b"1,64,224,224,64,112,112,224,224,2,2,4000000,0.1,pool1\n"
    ),
    "training_data/vgg16/dense.csv": (
        b"batch_size,input_size,output_size,power,runtime,layer_name\n"
        b"1,25088,4096,3000000,2.9,fc1\n"
    ),
}
_LOGS = [
    b"timestamp, power.draw [W]\n2024/01/02 03:04:05.000, 10.5 W\n2024/01/02 03:04:05.100, 11 W\n",
    b"time,power_w\n0.0,5.0\n0.1,5.5\n0.2,6.0\n",
    (
        b"01-02-2024 03:04:05 RAM 2/3MB CPU [1%@1] VDD_IN 4500mW/4500mW VDD_GPU 500mW/500mW\n"
        b"01-02-2024 03:04:06 RAM 2/3MB CPU [1%@1] VDD_IN 4600mW/4500mW VDD_GPU 510mW/500mW\n"
    ),
]
_TIMES = [
    (
        b'[{"count": 10}, {"name": "a", "timeMs": 1.5, "averageMs": 0.15, "medianMs": 0.14, '
        b'"percentage": 60.0}, {"name": "b", "timeMs": 1, "averageMs": 0.1, "percentage": 40}]'
    ),
    (
        b'[{"startInMs": 0.1, "endInMs": 0.2, "startComputeMs": 0.2, "endComputeMs": 1.2, '
        b'"startOutMs": 1.2, "endOutMs": 1.3, "inMs": 0.1, "computeMs": 1.0, "outMs": 0.1, '
        b'"latencyMs": 1.2, "endToEndMs": 1.3}]'
    ),
]
_POINTER = b"""outs:
- md5: 1d3f4c5b6a79880796a5b4c3d2e1f001.dir
  size: 1234
  nfiles: 3
  hash: md5
  path: data
"""
