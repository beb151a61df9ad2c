"""`edgeprofiler predict`: what every layer of a network costs on a device."""

from __future__ import annotations

from typing import Annotated

import typer

from edgeprofiler.cli import common


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def predict(
        models: Annotated[
            list[str],
            typer.Argument(
                metavar="MODEL...",
                help="ONNX files, TensorRT engines' layer JSON, graph JSON, or zoo:NAME.",
                show_default=False,
            ),
        ],
        device: common.DeviceOption = None,
        runtime: common.RuntimeOption = None,
        precision: common.PrecisionOption = None,
        batch: common.BatchOption = None,
        shape: common.ShapeOption = None,
        confidence: common.ConfidenceOption = 0.9,
        predictor: common.PredictorOption = None,
        csv: common.CsvOption = None,
        json: common.JsonOption = None,
        front_end: common.FrontEndOption = None,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Totals only.")] = False,
    ) -> None:
        """Predict power, runtime and energy of every layer, without the device."""
        from edgeprofiler.core.errors import UsageError
        from edgeprofiler.core.profile.document import to_json
        from edgeprofiler.core.profile.table import to_csv
        from edgeprofiler.prediction.predict import predictor_for
        from edgeprofiler.reading.read import read
        from edgeprofiler.views.reports.text import print_profile

        if len(models) > 1 and (csv is not None or json is not None):
            raise UsageError("--csv and --json take one MODEL; call once for each")
        screen = common.results_console(csv, json)
        shapes = common.parse_shapes(shape)
        chosen = predictor_for(
            common.device_asked(device, predictor),
            runtime=runtime,
            confidence=confidence,
            predictor=predictor,
        )
        for model in models:
            network = read(
                model,
                precision=precision,
                batch=batch,
                shapes=shapes,
                front_end=front_end,
                runtime=chosen.device.runtime,
                device=chosen.device,
            )
            if runtime is None and any("[aten_ops." in layer.name for layer in network.layers):
                common.note(f"{model}: built by Torch-TensorRT; see --runtime torch-tensorrt")
            profile = chosen.predict(network)
            if csv is not None:
                common.emit_file(to_csv(profile), csv)
            if json is not None:
                common.emit_json(to_json(profile), json)
            print_profile(screen, profile, layers=not quiet)
