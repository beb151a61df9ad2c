"""`edgeprofiler benchmark`: how fast the runtimes of this machine run a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeprofiler.cli import common

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.measurement.benchmark import BackendResult, Benchmark

_MAX_MODEL_BYTES = 64 * 1024**3
"""Far above what any runtime takes; each has its own limit."""
_DEFAULT_BACKENDS = "torch,torchscript,onnxruntime,tensorrt,trtexec"


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def benchmark(
        model: common.ModelArgument,
        backends: Annotated[
            str,
            typer.Option(
                "--backends",
                help="Runtimes, by commas; torch-tensorrt is another, and any runner's name.",
            ),
        ] = _DEFAULT_BACKENDS,
        runs: Annotated[
            int, typer.Option("--runs", "-n", min=1, help="Timed runs, with and without profiler.")
        ] = 50,
        batch: common.BatchOption = None,
        shape: common.ShapeOption = None,
        precision: Annotated[
            str | None,
            typer.Option(
                "--precision",
                metavar="fp32|fp16|int8",
                show_default=False,
                help="What engines are built for. Default: each runtime's own.",
            ),
        ] = None,
        threads: Annotated[
            int, typer.Option("--threads", min=0, help="Threads of CPU runtimes; 0: their choice.")
        ] = 0,
        layers: Annotated[
            int, typer.Option("--layers", min=0, help="Slowest layers to list for each backend.")
        ] = 5,
        json: common.JsonOption = None,
        plot: Annotated[
            Path | None,
            typer.Option(
                "--plot",
                metavar="FILE",
                help="Draw box plots (PNG, SVG or PDF).",
                show_default=False,
            ),
        ] = None,
        trtexec_profile: Annotated[
            Path | None,
            typer.Option(
                "--trtexec-profile",
                metavar="FILE",
                show_default=False,
                help="What trtexec --exportProfile wrote elsewhere; MODEL is its layer JSON.",
            ),
        ] = None,
        trtexec_times: Annotated[
            Path | None,
            typer.Option(
                "--trtexec-times",
                metavar="FILE",
                show_default=False,
                help="What trtexec --exportTimes wrote.",
            ),
        ] = None,
    ) -> None:
        """Time a network on every runtime that exists here; the others say why not."""
        from edgeprofiler.core.errors import Unavailable, UsageError
        from edgeprofiler.core.files import check_readable
        from edgeprofiler.measurement.benchmark import benchmark as measure
        from edgeprofiler.measurement.benchmark import benchmark_trtexec_files, to_json
        from edgeprofiler.views.plots.figure import picture_format

        screen = common.results_console(json, markup=False)
        if trtexec_times is not None and trtexec_profile is None:
            raise UsageError("--trtexec-times needs --trtexec-profile")
        if plot is not None:
            picture_format(plot)  # before minutes of measuring, not after
        if trtexec_profile is not None:
            result = benchmark_trtexec_files(Path(model), trtexec_profile, trtexec_times)
        else:
            names = [name.strip() for name in backends.split(",") if name.strip()]
            if ":" not in model or Path(model).exists():  # no address such as zoo:NAME
                check_readable(Path(model), _MAX_MODEL_BYTES)
            if not names:
                raise UsageError(f"--backends names none; choose of: {_DEFAULT_BACKENDS}")
            result = measure(
                model,
                names,
                runs=runs,
                batch=batch,
                shapes=common.parse_shapes(shape),
                precision=precision,
                threads=threads,
                progress=common.note,
            )
        if json is not None:
            common.emit_json(to_json(result), json)
        _print(screen, result, layers)
        if not any(backend.ran for backend in result.results):
            raise Unavailable("none of the backends can run this model here", "see the reasons")
        if plot is not None:
            _draw(result, plot)


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


def _draw(result: Benchmark, path: Path) -> None:
    from edgeprofiler.views.plots.figure import save_figure
    from edgeprofiler.views.plots.latency import draw_benchmark

    save_figure(draw_benchmark(result), path)
    common.note(f"wrote {path}")
