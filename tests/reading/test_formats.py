"""Model files of other tools get the one line that converts them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.reading.read import read_model

LINES = {
    ".tflite": "python -m tf2onnx.convert --tflite",
    ".pb": "python -m tf2onnx.convert --graphdef",
    ".keras": "keras.saving.load_model",
    ".h5": "keras.saving.load_model",
    ".xml": "openvino2onnx",
    ".pt": "torch.onnx.export",
    ".pth": "torch.onnx.export",
    ".safetensors": "torch.onnx.export",
}


@pytest.mark.parametrize("suffix", LINES)
def test_a_file_of_another_tool_says_how_it_becomes_onnx(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(Unsupported, match="convert it") as caught:
        read_model(path)
    assert LINES[suffix] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_tensorflow_lite_model_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"\x1c\x00\x00\x00TFL3" + bytes(64))
    with pytest.raises(Unsupported, match="TensorFlow Lite"):
        read_model(path)


def test_a_scripted_module_is_told_from_a_checkpoint_without_loading_either(
    tmp_path: Path,
) -> None:
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", b"cos\nsystem\n(S'exit 1'\ntR.")
        archive.writestr("model/code/__torch__.py", "")
    with pytest.raises(Unsupported, match="TorchScript module, which holds code and is not loaded"):
        read_model(path)


def test_a_saved_model_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01\x12\x00")
    for path in (tmp_path, tmp_path / "saved_model.pb"):
        with pytest.raises(Unsupported, match=f"--saved-model {tmp_path}"):
            read_model(path)


def test_a_plain_folder_and_an_unknown_file_are_no_models(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InvalidInput, match="is a folder"):
        read_model(tmp_path)
    with pytest.raises(InvalidInput, match="any front end knows"):
        read_model(tmp_path / "notes.txt")


@pytest.mark.parametrize("name", ["a" * 5000, "a/" * 5000, "a\0b"])
def test_a_name_that_no_file_can_have_is_no_such_file(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"no such file|cannot be read"):
        read_model(name)
