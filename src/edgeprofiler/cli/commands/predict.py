"""`edgeprofiler predict`: what every layer of a network costs on a device."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking


@asking()
def predict(
    models: Annotated[list[str], common.argument("MODEL...", common.MODEL_HELP)],
    asked: dict[str, Any],
    csv: common.CsvOption = None,
    json: common.JsonOption = None,
    latex: common.LatexOption = None,
    trace: common.TraceOption = None,
    quiet: common.QuietOption = False,
) -> None:
    """Predict power, runtime and energy of every layer, without the device."""
    import edgeprofiler
    from edgeprofiler.core.errors import UsageError
    from edgeprofiler.core.profile.document import to_document
    from edgeprofiler.core.profile.table import to_csv
    from edgeprofiler.core.profile.words import profile_tables

    if len(models) > 1 and any(target is not None for target in (csv, json, trace)):
        raise UsageError("`csv`, `json` and `trace` take one MODEL; call once for each")
    screen = common.results_console(csv, json, latex, trace)
    profiles = edgeprofiler.predict_many(models, **asked)
    if len(models) > 1:
        common.write_latex(latex, lambda: [profiles.table("Networks side by side")])
    for model, profile in zip(models, profiles, strict=True):
        torch_built = any("[aten_ops." in layer.name for layer in profile.network.layers)
        if torch_built and "runtime" not in asked:
            common.note(f"{model}: built by Torch-TensorRT; see --runtime torch-tensorrt")
        common.write(csv, partial(to_csv, profile))
        common.write_json(json, partial(to_document, profile))
        common.write_trace(trace, profile)
        tables = profile_tables(profile, layers=not quiet)
        if len(models) == 1:
            common.write_latex(latex, partial(list, tables))
        screen.show(*tables)
