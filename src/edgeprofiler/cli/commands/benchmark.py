"""`edgeprofiler benchmark`: how fast the runtimes of this machine run a network."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.measurement.benchmark import BackendResult, Benchmark


@asking("precision", "batch", "resolution", "shapes")
def benchmark(
    model: common.ModelArgument,
    asked: dict[str, Any],
    backends: Annotated[
        str | None,
        common.option(
            "A,B,...",
            "Runtimes: torch, torchscript, onnxruntime, tensorrt, trtexec (these by default), "
            "torch-tensorrt, and any runner's name.",
        ),
    ] = None,
    runs: Annotated[
        int | None,
        common.option(
            "N", "Timed runs, with and without profiler. Default: 50.", "--runs", "-n", min=1
        ),
    ] = None,
    threads: Annotated[
        int | None, common.option("N", "Threads of CPU runtimes. Default: their choice.", min=0)
    ] = None,
    layers: Annotated[
        int,
        common.option("N", "Slowest layers to list for each backend.", shows_default=True, min=0),
    ] = 5,
    json: common.JsonOption = None,
    plot: common.PictureOption = None,
    trtexec_profile: Annotated[
        Path | None,
        common.option(
            "FILE", "What trtexec --exportProfile wrote elsewhere; MODEL is its layer JSON."
        ),
    ] = None,
    trtexec_times: Annotated[
        Path | None, common.option("FILE", "What trtexec --exportTimes wrote.")
    ] = None,
) -> None:
    """Time a network on every runtime that exists here; the others say why not."""
    from edgeprofiler.core.errors import Unavailable, UsageError
    from edgeprofiler.measurement.benchmark import benchmark as measure
    from edgeprofiler.measurement.benchmark import benchmark_trtexec_files, to_json
    from edgeprofiler.views.plots.figure import check_picture

    screen = common.results_console(json, markup=False)
    check_picture(plot)  # before minutes of measuring, not after
    own = {"backends": backends, "runs": runs, "threads": threads}
    given = {name: value for name, value in own.items() if value is not None} | asked
    if trtexec_profile is not None:
        for name in given:
            raise UsageError(f"`{name}` means nothing to what trtexec measured elsewhere")
        found = benchmark_trtexec_files(Path(model), trtexec_profile, trtexec_times)
    elif trtexec_times is not None:
        raise UsageError("`trtexec_times` needs `trtexec_profile`")
    else:
        if backends is not None:
            given["backends"] = [name.strip() for name in backends.split(",") if name.strip()]
        found = measure(model, progress=common.note, **given)
    common.write(json, partial(to_json, found))
    _print(screen, found, layers)
    if not any(backend.ran for backend in found.results):
        raise Unavailable("none of the backends can run this model here", "see the reasons")
    if plot is not None:
        from edgeprofiler.views.plots.figure import save_figure
        from edgeprofiler.views.plots.latency import draw_benchmark

        common.save(plot, partial(save_figure, draw_benchmark(found)))


def _print(console: Console, result: Benchmark, layers: int) -> None:
    from rich.table import Table

    if result.machine:
        console.print(
            f"{result.machine.get('board') or result.machine.get('processor')}, "
            f"{result.machine.get('cores')} cores, load {result.machine.get('load', '-')}"
        )
    table = Table(title=f"{result.model}, {result.runs} runs", title_justify="left", box=None)
    table.add_column("backend")
    for name in ("median ms", "5-95 % ms", "images/s", "layers", "sum ms", "profiler"):
        table.add_column(name, justify="right")
    for backend in result.results:
        if backend.ran:
            table.add_row(*_row(backend))
    if any(backend.ran for backend in result.results):
        console.print(table)
    silent = [backend for backend in result.results if not backend.ran]
    for reason, remedy in dict.fromkeys((b.reason, b.remedy) for b in silent):
        names = ", ".join(b.backend for b in silent if (b.reason, b.remedy) == (reason, remedy))
        console.print(f"{names}: {reason}", style="yellow")
        if remedy:
            console.print(f"  {remedy}", style="dim")
    for backend in result.results:
        if layers and backend.layers:
            _print_layers(console, backend, layers)
    for text in dict.fromkeys(w for b in result.results for w in b.warnings):
        console.print(f"note: {text}", style="dim")


def _row(backend: BackendResult) -> list[str]:
    import math

    low, high = backend.quantile_s(0.05) * 1e3, backend.quantile_s(0.95) * 1e3
    overhead = backend.profiling_overhead
    return [
        backend.backend,
        f"{backend.median_s * 1e3:.4g}",
        f"{low:.4g}-{high:.4g}",
        f"{backend.throughput_per_s:.4g}",
        str(len(backend.layers)) if backend.layers else "-",
        f"{backend.layer_sum_s * 1e3:.4g}" if backend.layers else "-",
        f"{overhead:+.0%}" if math.isfinite(overhead) else "-",
    ]


def _print_layers(console: Console, backend: BackendResult, count: int) -> None:
    import math

    from rich.table import Table

    known = [layer for layer in backend.layers if math.isfinite(layer.median_s)]
    slowest = sorted(known, key=lambda layer: -layer.median_s)[:count]
    table = Table(title=f"{backend.backend}: slowest layers", title_justify="left", box=None)
    table.add_column("layer", max_width=44, no_wrap=True, overflow="ellipsis")
    table.add_column("op")
    table.add_column("ms", justify="right")
    table.add_column("share", justify="right")
    for layer in slowest:
        share = layer.median_s / backend.layer_sum_s if backend.layer_sum_s else math.nan
        table.add_row(layer.name, layer.op, f"{layer.median_s * 1e3:.4g}", f"{share:.1%}")
    console.print(table)
