"""`edgeprofiler benchmark`: how fast the runtimes of this machine run a network."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking


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
    from edgeprofiler.measurement.benchmark.tables import benchmark_table, slowest_table

    screen = common.results_console(json)
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
            given["backends"] = common.names(backends)
        found = measure(model, progress=common.note, **given)
    common.write(json, partial(to_json, found))
    screen.show(benchmark_table(found))
    if layers:
        screen.show(*(slowest_table(ran, layers) for ran in found.results if ran.layers))
    if not any(backend.ran for backend in found.results):
        raise Unavailable("none of the backends can run this model here", "see the reasons")
    if plot is not None:
        from edgeprofiler.views.plots.latency import draw_benchmark

        common.draw(plot, partial(draw_benchmark, found))
