"""ONNX files of any opset from 7 on, read for their shapes; weights are never loaded.

What a reader of the resulting `Graph` may rely on:

- Every tensor has a shape. Free dimensions are bound by `shapes` and `batch` first; sizes that
  the file calculates (`Shape`, `Gather`, `Concat`, ...) are computed and leave no nodes behind.
- Weights are constants, however the file makes them: initialisers, `Constant`, `ConstantOfShape`,
  transposed, cast or dequantised ones, inputs without values. Those of a quantised layer keep the
  type that they are stored as (`int8`); `QuantizeLinear` and `DequantizeLinear` of activations and
  `QLinear...` operators stay nodes.
- Convolutions and poolings have `kernel_shape`, `strides`, `pads`, `dilations` and `group` as
  attributes, `auto_pad` resolved. Parameters that later opsets take as inputs (`axes`, `split`,
  `pads`, `sizes`, `min`, `max`) are attributes too.
- Operators of ONNX Runtime's `com.microsoft` domain that have a rule keep their bare names; any
  other foreign operator is `domain.Operator`, unknown to every rule of lowering.
- Nodes whose results nobody uses are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.extras import require
from edgeprofiler.core.graph import Graph
from edgeprofiler.reading.front_end import ReadOptions


class OnnxFrontEnd:
    """Reads `*.onnx`."""

    name = "onnx"

    def recognises(self, source: str, head: bytes) -> bool:
        """Say whether `source` is an ONNX file, by its suffix or its first fields."""
        if source.lower().endswith(".onnx"):
            return True
        if Path(source).name == "saved_model.pb":  # begins with the same fields, of other meaning
            return False
        # ModelProto: ir_version (a small number), then producer, domain, opset or graph.
        return len(head) > 3 and head[0] == 0x08 and head[1] < 32 and head[2] in b"\x12\x1a\x3a\x42"

    def read(self, source: str, options: ReadOptions) -> Graph:
        """Return the graph of an ONNX file, with every shape known.

        Raises:
            InvalidInput: the file is no ONNX model, or contradicts itself.
            UsageError: dimensions are free and not given, or an option names no input.
            Unsupported: the opset is older than 7.
        """
        from edgeprofiler.reading.onnx.wire import skim_file

        path = Path(source)
        return read_model(
            skim_file(path),
            source,
            options,
            folder=path.parent,
            name=path.stem,
            again=lambda names: skim_file(path, names),
        )


def read_model(
    data: bytes,
    source: str,
    options: ReadOptions,
    *,
    folder: Path | None = None,
    name: str = "",
    again: Callable[[frozenset[str]], bytes] | None = None,
) -> Graph:
    """Return the graph of a serialised ModelProto.

    Args:
        data: the model, whole or skimmed.
        source: how messages name it.
        options: shapes and batch.
        folder: where tensors stored beside the model lie; `None` to ignore them.
        name: the graph's name; the model's own where empty.
        again: gives the model with the payloads of tensors of these names.
    """
    with require("", "pip install onnx"):
        from edgeprofiler.reading.onnx import convert, structure

    model: Any = structure.parse(data, source)
    try:
        tensors = structure.TensorReader(source, folder, again)
        return convert.graph_of(model, source, options, tensors, name)
    except RecursionError:
        raise InvalidInput(source, "its subgraphs are nested too deep") from None
