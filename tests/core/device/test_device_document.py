"""A device's file is checked key by key and number by number."""

from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.device import Calibration, calibration_table, load_device
from edgeprofiler.core.device.document import Others, device_from_document
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.values import Value, parse_toml

SHIPPED = resources.files("edgeprofiler.core.device") / "boards"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 'x'\n", r"datasheet is missing, where a table"),
        ("name = '../x'\nbase = 'jetson-nano'\n", "name is odd: '../x'"),
        (
            "base = 'jetson-nano'\n[[modes]]\nname='15w'\nnvpmodel='MAXN'\n",
            "modes have two modes that 'maxn' names",
        ),
        (
            "base = 'jetson-nano'\n[[modes]]\nname='15w'\nnvpmodel='a@b,gpu=1GHz'\n",
            r"modes\[0\].nvpmodel is odd: 'a@b,gpu=1GHz'",
        ),
        ("name = 'x'\nschema = 'other/1'\n", "expected edgeprofiler.device/1"),
        ("name = 'x'\nbase = 'jetson-nano'\nidle_power_w = -1\n", "it must be above zero"),
        ("name = 'x'\nbase = 'jetson-nano'\nidle_power_w = nan\n", "not a finite number"),
        ("name = 'x'\nbase = 'jetson-nano'\ncalibrations = 3\n", "calibrations is 3, where a list"),
        (
            "name = 'x'\nbase = 'jetson-nano'\n[[calibrations]]\nmode='maxn'\nruntime='x'\n",
            r"calibrations\[0\].runtime is 'x'; expected one of",
        ),
        (
            "name = 'x'\nbase = 'jetson-nano'\n[[calibrations]]\nmode='9w'\nruntime='cpp'\n",
            "no power mode '9w'; choose one of: 5w, maxn",
        ),
        (
            (
                "base = 'jetson-nano'\n[[calibrations]]\nmode='maxn'\nruntime='cpp'\n"
                "[calibrations.parameters]\nlaunch_s = -1\n"
            ),
            r"calibrations\[0\].parameters.launch_s is -1.0, below 0",
        ),
        ("base = 'jetson-nano'\nidle_power = 3\n", "did you mean 'idle_power_w'"),
        ("base = 'jetson-nano'\nmode = '99w'\n", "no power mode '99w'"),
        ("base = 'jetson-nana'\n", "unknown device 'jetson-nana'"),
    ],
)
def test_a_broken_device_file_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=message) as caught:
        load_device(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["", " ", " x", "x ", "a@b", "gpu=1GHz", "a,b", "a/b", "models:/x", "x.toml", "a\\u0007",
     "a\\nb", "a\\n", "..", "-x", "\u00e9", "a\\u202e", "x" * 65],
)  # fmt: skip
@pytest.mark.parametrize("base", ["", "base = 'jetson-nano'\n"])
def test_a_name_that_is_no_word_of_a_spec_is_refused(tmp_path: Path, name: str, base: str) -> None:
    """`NAME@MODE` and paths are told apart by their characters, and tables print names as such."""
    path = tmp_path / "board.toml"
    text = base or SHIPPED.joinpath("jetson-nano.toml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith('name = "jetson')]
    path.write_text("\n".join([f'name = "{name}"', *lines]), encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"name is (odd|missing)") as caught:
        load_device(path)
    assert str(caught.value).isprintable()


def test_a_mode_is_found_by_either_of_its_names(tmp_path: Path) -> None:
    path = tmp_path / "board.toml"
    path.write_text("base = 'jetson-nano'\n[[modes]]\nname='15w'\nnvpmodel='MODE_15W_4CORE'\n")
    assert load_device(f"{path}@MODE_15W_4CORE") == load_device(f"{path}@15w")


@given(st.text(max_size=200))
def test_no_text_makes_a_device_file_crash(text: str) -> None:
    others = Others(base=load_device, like=load_device)
    try:
        device_from_document(parse_toml(text, "x"), others)
    except InvalidInput:
        return
    raise AssertionError("random text is no device")


def test_a_file_without_compute_capability_is_told_by_its_tensor_cores(tmp_path: Path) -> None:
    text = (
        "name = 'b'\n[datasheet]\nsms = 8\ngpu_clock_hz = 1e9\nbandwidth_bytes_per_s = 1e10\n"
        "{}[datasheet.peak_flops]\nfp16 = 1e12\n[[modes]]\nname = 'm'\nidle_power_w = 4\n"
    )
    found = []
    for line in ("", "tensor_cores = true\n", "tensor_cores = true\ncompute_capability = 7.2\n"):
        path = tmp_path / "board.toml"
        path.write_text(text.format(line))
        found.append(load_device(str(path)).datasheet.compute_capability)
    assert found == [6.0, 8.0, 7.2]


BOARD = (
    "name = 'b'\n[datasheet]\nsms = 8\ngpu_clock_hz = 1e9\nbandwidth_bytes_per_s = 1e10\n"
    "[datasheet.peak_flops]\nfp16 = 1e13\n[[modes]]\nname = 'm'\nidle_power_w = 4\n"
)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("sms = 8", "sms = 0.5", "sms is 0.5, which no board has"),
        ("sms = 8", "sms = 8.7", "sms is 8.7; it must be a whole number"),
        ("gpu_clock_hz = 1e9", "gpu_clock_hz = 1000", "write it in Hz"),
        ("1e10", "60", "write it in bytes a second"),
        ("sms = 8", "sms = 8\nl2_bytes = 2", "write it in bytes"),
        ("sms = 8", "sms = 8\ncompute_capability = 87", "such as 8.7"),
        ("sms = 8", "sms = 8\ncompute_capability = -1", "it must be above zero"),
        ("sms = 8", "sms = 8\ncompute_capability = 'x'", "is 'x', where a number"),
        ("sms = 8", "sms = 8\ntensor_cores = 'no'", "is 'no', where true or false"),
        ("sms = 8", "sms = 8\ntensor_cors = true", "did you mean 'tensor_cores'"),
        ("fp16 = 1e13", "int8 = 1e13", "neither fp16 nor fp32"),
        ("fp16 = 1e13", "half = 1e13", "unknown key 'half'; known are fp64"),
        ("fp16 = 1e13", "fp16 = 10", "write it in operations a second"),
        ("idle_power_w = 4", "idle_power_w = 4\npower_budget_w = 3", "4 of a power_budget_w of 3"),
        (
            "name = 'm'",
            "name = 'm'\nidle_power_w = 4\n[[modes]]\nname = 'M'",
            "have one name twice",
        ),
        ("name = 'm'\n", "", r"modes\[0\].name is missing"),
        ("idle_power_w = 4\n", "", "idle_power_w is missing"),
        ("[[modes]]\nname = 'm'\nidle_power_w = 4\n", "", "has no power mode"),
        ("name = 'b'", "name = 'b'\ndefault_mode = 'x'", "default_mode: b has no power mode 'x'"),
        ("name = 'b'", "name = 'b'\ntotal_rails = 'IN'", "total_rails is 'IN', where a list"),
        (
            "[datasheet.peak_flops]\nfp16 = 1e13",
            "peak_flops = 3",
            "datasheet.peak_flops is 3, where a table",
        ),
    ],
)
def test_what_no_board_has_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "board.toml"
    path.write_text(BOARD)
    assert load_device(path).datasheet.clocks.sms == 8
    path.write_text(BOARD.replace(old, new, 1))
    with pytest.raises(InvalidInput, match=message):
        load_device(path)


def test_lanes_are_not_as_fast_as_the_tensor_cores_beside_them(tmp_path: Path) -> None:
    """Depthwise convolutions run on the lanes; a file need not state their peak."""
    path = tmp_path / "board.toml"
    path.write_text(BOARD.replace("sms = 8", "sms = 8\ntensor_cores = true"))
    device = load_device(path)
    assert device.vector_flops("fp32") == 256 * 8 * 1e9
    assert device.vector_flops("fp16") == 2 * device.vector_flops("fp32")
    assert device.peak_flops("fp16") == 1e13


@pytest.mark.parametrize("mode", ["15w", "maxn-super,gpu=612MHz"])
def test_a_calibration_written_as_a_table_is_read_as_it_was(mode: str) -> None:
    board = load_device(f"jetson-orin-nano@{mode}")
    own = Calibration(
        board.mode, "cpp", "TensorRT 10", {"launch_s": 1.1}, "mine", 5, ("a", "b"),
        {"loo_q90": 0.1},
    )  # fmt: skip
    table = {"base": board.name, "calibrations": [calibration_table(own)]}
    read = device_from_document(Value(table, "x"), Others(base=load_device, like=load_device))
    assert read.calibrations == (own,)
