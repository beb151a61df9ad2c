"""Model files of other tools: what they are, and the one line that makes an ONNX file of them."""

from __future__ import annotations

from pathlib import Path

from edgeprofiler.core.archives import member_names
from edgeprofiler.core.errors import InvalidInput

_TENSORFLOW = "pip install tf2onnx && python -m tf2onnx.convert"
_TORCH = (
    "build the module and call edgeprofiler.predict(module, (1, 3, 224, 224)), or export it: "
    'torch.onnx.export(module, example, "MODEL.onnx")'
)

_KERAS = (
    "python -c \"import keras; keras.saving.load_model('{file}').export('{onnx}', format='onnx')\""
)

_BY_SUFFIX: dict[str, tuple[str, str]] = {
    ".tflite": ("a TensorFlow Lite model", f"{_TENSORFLOW} --tflite {{file}} --output {{onnx}}"),
    ".pb": (
        "a TensorFlow graph",
        f"{_TENSORFLOW} --graphdef {{file}} --inputs INPUT:0 --outputs OUTPUT:0 --output {{onnx}}",
    ),
    ".keras": ("a Keras model", _KERAS),
    ".h5": ("a Keras model", _KERAS),
    ".xml": ("an OpenVINO model", "pip install openvino2onnx && openvino2onnx {file} {onnx}"),
    ".pt": ("a PyTorch checkpoint, a pickle, which is not loaded", _TORCH),
    ".pth": ("a PyTorch checkpoint, a pickle, which is not loaded", _TORCH),
    ".ckpt": ("a training checkpoint, a pickle, which is not loaded", _TORCH),
    ".safetensors": ("weights without a network", _TORCH),
    ".pkl": ("a pickle, which is not loaded", _TORCH),
    ".mlmodel": ("a Core ML model", "convert what it was made from to ONNX"),
    ".caffemodel": ("Caffe's weights", "convert model and weights to ONNX with caffe2onnx"),
    ".prototxt": ("a Caffe network", "convert model and weights to ONNX with caffe2onnx"),
}
"""What a file of each ending is, and how it becomes an ONNX file."""

_SAVED_MODEL = f"{_TENSORFLOW} --saved-model {{file}} --output {{onnx}}"
_SCRIPTED = (
    "python -c \"import torch; torch.onnx.export(torch.jit.load('{file}'), "
    "(torch.zeros(1, 3, 224, 224),), '{onnx}', dynamo=False)\""
)


def known_format(path: Path, head: bytes) -> str | None:
    """Return what another tool's model file is and how to convert it; `None` where it is none.

    Args:
        path: a file, or a folder.
        head: the first bytes of the file.
    """
    onnx = f"{path.stem}.onnx"
    if path.is_dir():
        if not (path / "saved_model.pb").is_file():
            return None
        what, line = "a TensorFlow SavedModel", _SAVED_MODEL
    else:
        found = _BY_SUFFIX.get(path.suffix.lower())
        if head[4:8] == b"TFL3":
            found = _BY_SUFFIX[".tflite"]
        if found is None or not head:
            return None
        what, line = found
        if path.suffix.lower() == ".pb" and path.name == "saved_model.pb":
            what, line = "a TensorFlow SavedModel", _SAVED_MODEL.replace("{file}", str(path.parent))
        elif path.suffix.lower() in (".pt", ".pth") and _is_scripted(path):
            what, line = "a TorchScript module, which holds code and is not loaded", _SCRIPTED
    return f"{what}; convert it: {line.replace('{file}', str(path)).replace('{onnx}', onnx)}"


def _is_scripted(path: Path) -> bool:
    """Whether a PyTorch archive holds a script beside its pickle; nothing in it is loaded."""
    try:
        return any(name.split("/")[1:2] == ["code"] for name in member_names(path, path))
    except InvalidInput:  # no archive: a pickle of old
        return False
