"""Boards in their power modes: peaks, clocks, bandwidths."""

import pytest

from edgeprofiler.core.device import device_names, load_device
from edgeprofiler.core.errors import UsageError


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


@pytest.mark.parametrize("name", [name for name in device_names() if name != "generic"])
def test_a_slower_mode_has_no_higher_peak_and_says_its_source(name: str) -> None:
    device = load_device(name)
    assert device.datasheet.sources
    assert device.idle_power_source
    assert device.total_rails
    most = device.datasheet.clocks
    for mode in device.modes:
        changed = device.with_mode(mode.name)
        assert changed.peak_flops("fp16") <= device.datasheet.peak_flops["fp16"] * 1.0001
        assert changed.scale == pytest.approx(
            mode.clocks.gpu_hz * mode.clocks.sms / (most.gpu_hz * most.sms)
        )
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


def test_an_unknown_host_runtime_names_the_known() -> None:
    with pytest.raises(UsageError, match="trtexec, cpp, ultralytics, torch-tensorrt"):
        load_device("jetson-nano", runtime="tensorflow")
    assert load_device(load_device("jetson-nano"), "cpp").runtime == "cpp"


@pytest.mark.parametrize(
    ("name", "asynchronous"),
    [("jetson-nano", False), ("jetson-tx2", False), ("jetson-xavier-nx", False),
     ("jetson-orin-nx", True), ("generic", True)],
)  # fmt: skip
def test_ampere_copies_while_it_computes(name: str, asynchronous: bool) -> None:
    """`cp.async` came with compute capability 8.0 (CUDA C++ programming guide)."""
    assert load_device(name).datasheet.async_copy is asynchronous
