"""Reads the JSON that TensorRT writes of a built engine."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.files import check_readable, read_text
from edgeprofiler.core.network import Network, Source
from edgeprofiler.core.values import parse_json, read_json
from edgeprofiler.reading.engine import network_from_engine
from edgeprofiler.reading.front_end import ReadOptions

_OBJECT = re.compile(rb'^(?:\xef\xbb\xbf)?\s*\{.*"(?:Layers|LayerType)"\s*:', re.DOTALL)
_LIST = re.compile(
    rb'^(?:\xef\xbb\xbf)?\s*\[\s*\{[^{]*"(?:LayerType|Inputs|Outputs|ParameterType)"\s*:', re.DOTALL
)
_DUMP = re.compile(r"^-+ *Layer +\d+ *-+ *$", re.MULTILINE)
"""What stands between the layers where an inspector was asked for one after another."""
_PLANS = (b"ptrt", b"ftrt")
_PLAN_ENDINGS = (".engine", ".plan", ".trt")


class TensorRTFrontEnd:
    """Engine descriptions of `IEngineInspector` and `trtexec --exportLayerInfo`."""

    name = "tensorrt"

    def recognises(self, source: str, head: bytes) -> bool:
        """Say whether a file is an engine's description, or a serialized engine."""
        if not head:
            return False
        times = head.lstrip().startswith(b"[") and b'"averageMs"' in head  # refused with its name
        described = _OBJECT.match(head) or _LIST.match(head)
        return bool(described) or times or _is_dump(head) or _is_plan(source, head)

    def read(self, source: str, options: ReadOptions) -> Network:
        """Return the network that an engine runs.

        Raises:
            InvalidInput: the file is no engine description, or a layer in it is impossible.
            Unsupported: a batch or shape is asked for, or the file is a serialized engine.
        """
        options.refuse_trips(source)
        path = Path(source)
        if options.batch is not None or options.shapes:
            raise Unsupported(
                f"{source}: batch and shapes are fixed in a built engine; "
                "read its ONNX file instead, or build the engine again and describe that"
            )
        check_readable(path, max_bytes=sys.maxsize)
        if _is_plan(source, _head(path)):
            raise Unsupported(
                f"{source}: is a serialized engine, which only its device can read; describe it "
                f"there: trtexec --loadEngine={path.name} --exportLayerInfo=engine_info.json "
                "(built with --profilingVerbosity=detailed)"
            )
        document = _dumped(path) if _is_dump(_head(path)) else read_json(path).raw
        return network_from_engine(document, Source(source, self.name))


def _is_dump(head: bytes) -> bool:
    return bool(_DUMP.search(head.decode("utf-8", "replace")))


def _dumped(path: Path) -> list[object]:
    """Return the layers of a text in which an inspector's JSON stands layer by layer."""
    parts = _DUMP.split(read_text(path))[1:]
    layers: list[object] = []
    for number, part in enumerate(parts):
        try:
            layers.append(parse_json(part.strip(), path).raw)
        except InvalidInput:
            raise InvalidInput(
                path,
                f"layer {number} is no JSON",
                "ask the inspector for LayerInformationFormat.JSON, best of the whole engine: "
                "get_engine_information",
            ) from None
    return layers


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4096)
    except OSError as error:
        raise InvalidInput(path, f"cannot be read ({error.strerror})") from None


def _is_plan(source: str, head: bytes) -> bool:
    text = head.lstrip().startswith((b"{", b"["))
    return head.startswith(_PLANS) or (source.lower().endswith(_PLAN_ENDINGS) and not text)
