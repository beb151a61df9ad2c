"""Boards, their power modes, and files of a user's own."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.device import device_names, load_device
from edgeprofiler.errors import InvalidInput, UsageError

BOARDS = {
    "jetson-nano", "jetson-tx2", "jetson-xavier-nx", "jetson-agx-xavier", "jetson-orin-nano",
    "jetson-orin-nx", "jetson-agx-orin", "jetson-agx-orin-32gb",
}  # fmt: skip


def test_the_eight_jetsons_are_shipped() -> None:
    assert set(device_names()) == BOARDS | {"generic"}


@pytest.mark.parametrize(
    ("spec", "tflops", "gigabytes_per_s"),
    [
        # Dense fp16 peaks and bandwidths of NVIDIA's data sheets; see the files' sources.
        ("jetson-nano", 0.472, 25.6),
        ("jetson-tx2", 1.33, 59.7),
        ("jetson-agx-xavier", 11, 137),
        ("jetson-orin-nano", 10, 68),
        ("jetson-orin-nx", 15, 102.4),
        ("jetson-agx-orin", 42.5, 204.8),
        ("jetson-agx-orin-32gb", 27, 204.8),
    ],
)
def test_peaks_agree_with_the_data_sheets(spec: str, tflops: float, gigabytes_per_s: float) -> None:
    device = load_device(spec)
    assert device.peak_flops("fp16") / 1e12 == pytest.approx(tflops, rel=0.03)
    assert device.bandwidth_bytes_per_s / 1e9 == pytest.approx(gigabytes_per_s, rel=0.01)


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_a_slower_mode_has_no_higher_peak_and_says_its_source(name: str) -> None:
    device = load_device(name)
    assert device.datasheet.sources
    assert device.idle_power_source
    assert device.total_rails
    fastest = max(mode.gpu_clock_hz * mode.sms for mode in device.modes)
    for mode in device.modes:
        changed = device.with_mode(mode.name)
        assert changed.peak_flops("fp16") <= device.datasheet.peak_flops["fp16"] * 1.0001
        assert changed.scale == pytest.approx(mode.gpu_clock_hz * mode.sms / fastest)
        assert changed.spec == f"{name}@{mode.name}"


def test_the_super_mode_of_orin_nano_is_a_mode_of_the_same_board() -> None:
    fast, normal = load_device("jetson-orin-nano@25W"), load_device("jetson-orin-nano@15w")
    assert fast.peak_flops("fp16") / normal.peak_flops("fp16") == pytest.approx(918 / 624.75)
    assert fast.bandwidth_bytes_per_s / normal.bandwidth_bytes_per_s == pytest.approx(1.5, rel=0.01)


def test_a_type_without_a_peak_runs_as_fp32() -> None:
    device = load_device("jetson-orin-nano")
    assert device.peak_flops("int64") == device.peak_flops("fp32")
    assert device.peak_flops("bf16") == device.peak_flops("fp16")
    assert device.peak_flops("int8") == pytest.approx(2 * device.peak_flops("fp16"), rel=1e-3)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("jetson-orin-nan", "did you mean 'jetson-orin-nano'"),
        ("jetson-orin-nano@99w", "choose one of: 7w, 15w, 25w, maxn-super"),
    ],
)
def test_an_unknown_board_or_mode_names_the_known(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_device(spec)


def test_an_unknown_host_runtime_names_the_known() -> None:
    with pytest.raises(UsageError, match="trtexec, cpp, torch-tensorrt, torch2trt"):
        load_device("jetson-nano", runtime="tensorflow")
    assert load_device(load_device("jetson-nano"), "cpp").runtime == "cpp"


def test_a_board_of_ones_own_starts_from_a_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "mine"\nbase = "jetson-orin-nano"\nmode = "25w"\nidle_power_w = 5.1\n'
        '[[calibrations]]\nmode = "25w"\nruntime = "trtexec"\nsoftware = "TensorRT 10"\n'
        'provenance = "five networks"\nrows = 5\n[calibrations.parameters]\nlog_launch = 0.1\n'
    )
    device = load_device(path)
    assert (device.name, device.mode.name, device.idle_power_w) == ("mine", "25w", 5.1)
    assert device.calibrations[0].parameters == {"log_launch": 0.1}
    assert load_device(f"{path}@15w").mode.name == "15w"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 'x'\n", r"\[datasheet\] is missing"),
        ("name = '../x'\nbase = 'jetson-nano'\n", "name is missing or odd"),
        ("name = 'x'\nschema = 'other/1'\n", "expected 'edgeprofiler.device/1'"),
        ("name = 'x'\nbase = 'jetson-nano'\nidle_power_w = -1\n", "it must be above zero"),
        ("name = 'x'\nbase = 'jetson-nano'\nidle_power_w = nan\n", "not a finite number"),
        ("name = 'x'\nbase = 'jetson-nano'\ncalibrations = 3\n", "is not a list of tables"),
        (
            "name = 'x'\nbase = 'jetson-nano'\n[[calibrations]]\nmode='maxn'\nruntime='x'\n",
            "unknown runtime",
        ),
        (
            "name = 'x'\nbase = 'jetson-nano'\n[[calibrations]]\nmode='9w'\nruntime='cpp'\n",
            "unknown mode '9w'; it has 5w, maxn",
        ),
        (
            (
                "base = 'jetson-nano'\n[[calibrations]]\nmode='maxn'\nruntime='cpp'\n"
                "[calibrations.parameters]\nlaunch_s = -1\n"
            ),
            "launch_s is -1; it must be at least 0",
        ),
        ("base = 'jetson-nano'\nidle_power = 3\n", "did you mean 'idle_power_w'"),
        ("base = 'jetson-nano'\nmode = '99w'\n", "no power mode '99w'"),
        ("base = 'jetson-nana'\n", "unknown device 'jetson-nana'"),
        ("base = 'broken.toml'\n", "builds on broken.toml after 8 other files"),
    ],
)
def test_a_broken_device_file_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=message) as caught:
        load_device(path)
    assert str(path) in str(caught.value)


@given(st.text(max_size=200))
def test_no_text_makes_a_device_file_crash(text: str) -> None:
    from edgeprofiler.device import _device
    from edgeprofiler.files import parse_toml

    try:
        _device(parse_toml(text, "x"), "x", "x")
    except (InvalidInput, UsageError):
        return
    raise AssertionError("random text is no device")


@pytest.mark.parametrize(
    ("name", "asynchronous"),
    [("jetson-nano", False), ("jetson-tx2", False), ("jetson-xavier-nx", False),
     ("jetson-orin-nx", True), ("generic", True)],
)  # fmt: skip
def test_ampere_copies_while_it_computes(name: str, asynchronous: bool) -> None:
    """`cp.async` came with compute capability 8.0 (CUDA C++ programming guide)."""
    assert load_device(name).datasheet.async_copy is asynchronous


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
        ("sms = 8", "sms = 8\ncompute_capability = 'x'", "is not a finite number"),
        ("sms = 8", "sms = 8\ntensor_cores = 'no'", "neither true nor false"),
        ("sms = 8", "sms = 8\ntensor_cors = true", "did you mean 'tensor_cores'"),
        ("fp16 = 1e13", "int8 = 1e13", "neither fp16 nor fp32"),
        ("fp16 = 1e13", "half = 1e13", "unknown key 'half'; known are fp64"),
        ("fp16 = 1e13", "fp16 = 10", "write it in operations a second"),
        ("idle_power_w = 4", "idle_power_w = 4\npower_budget_w = 3", "4 of a power_budget_w of 3"),
        ("name = 'm'", "name = 'm'\nidle_power_w = 4\n[[modes]]\nname = 'M'", "have one name"),
    ],
)
def test_a_number_that_no_board_has_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "board.toml"
    path.write_text(BOARD)
    assert load_device(path).datasheet.sms == 8
    path.write_text(BOARD.replace(old, new, 1))
    with pytest.raises(InvalidInput, match=message):
        load_device(path)


def test_a_base_is_found_beside_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("base = 'jetson-tx2'\nname = 'mine'\n")
    (tmp_path / "mine-too.toml").write_text("base = 'mine.toml@maxq'\n")
    device = load_device(tmp_path / "mine-too.toml")
    assert (device.name, device.mode.name) == ("mine", "maxq")


def test_lanes_are_not_as_fast_as_the_tensor_cores_beside_them(tmp_path: Path) -> None:
    """Depthwise convolutions run on the lanes; a file need not state their peak."""
    path = tmp_path / "board.toml"
    path.write_text(BOARD.replace("sms = 8", "sms = 8\ntensor_cores = true"))
    device = load_device(path)
    assert device.vector_flops("fp32") == 256 * 8 * 1e9
    assert device.vector_flops("fp16") == 2 * device.vector_flops("fp32")
    assert device.peak_flops("fp16") == 1e13
