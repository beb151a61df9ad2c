"""The boards' files that are shipped: complete, sourced, and true to the data sheets."""

import pytest

from edgeprofiler.core.device import JETPACKS, device_names, load_device

BOARDS = [name for name in device_names() if name != "generic"]

FLOPS_A_CLOCK = {5.3: (0, 256), 6.2: (0, 256), 7.2: (1024, 128), 8.7: (2048, 256),
                 11.0: (8192, 256)}  # fmt: skip
"""Dense FP16 tensor and FP32 operations of a multiprocessor a clock by compute capability: CUDA
programming guide, throughput of native arithmetic instructions; NVIDIA's architecture papers."""


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_says_everything_and_where_it_comes_from(name: str) -> None:
    board = load_device(name)
    sheet = board.datasheet
    assert len(sheet.sources) >= 2
    assert board.idle_power_source
    assert board.total_rails
    assert sheet.memory_bytes
    assert None not in dict(sheet.clocks.items()).values()
    assert board.jetpack in board.jetpacks
    assert set(board.jetpacks) <= set(JETPACKS)
    for mode in board.modes:
        assert mode.clocks.within(sheet.clocks), mode.name
        assert not board.idle_power_w >= mode.power_budget_w, mode.name


@pytest.mark.parametrize("name", BOARDS)
def test_peaks_are_those_of_the_multiprocessors_at_the_highest_clock(name: str) -> None:
    sheet = load_device(name).datasheet
    tensor, lanes = FLOPS_A_CLOCK[sheet.compute_capability]
    clock = sheet.clocks.gpu_hz * sheet.clocks.sms
    assert sheet.vector_flops["fp32"] == pytest.approx(lanes * clock)
    assert sheet.peak_flops["fp32"] == pytest.approx(lanes * clock)
    if sheet.tensor_cores:
        assert sheet.peak_flops["fp16"] == pytest.approx(tensor * clock)
        assert sheet.peak_flops["int8"] == pytest.approx(2 * tensor * clock)


@pytest.mark.parametrize(
    ("spec", "gpu_mhz", "emc_mhz", "cores", "sms", "budget"),
    [
        ("jetson-orin-nx@40w", 1173, 3199, 8, 8, 40),
        ("jetson-orin-nx@15w", 612, 3199, 4, 4, 15),
        ("jetson-orin-nx-8gb@20w", 408, 3199, 6, 8, 20),
        ("jetson-orin-nano@7w", 408, 2133, 4, 4, 7),
        ("jetson-orin-nano-4gb@7w-cpu", 306, 2133, 4, 4, 7),
        ("jetson-agx-orin@30w", 612, 3199, 8, 8, 30),
        ("jetson-agx-orin-32gb@40w", 816, 3199, 8, 14, 40),
        ("jetson-agx-xavier@10w", 520, 1065.6, 2, 4, 10),
        ("jetson-xavier-nx-16gb@20w", 1109.25, 1866, 6, 6, 20),
        ("jetson-xavier-nx@10w", 803.25, 1600, 4, 6, 10),
        ("jetson-tx2@maxq", 850, 1331.2, 4, 2, 7.5),
        ("jetson-nano@5w", 640, 1600, 2, 1, 5),
    ],
)
def test_modes_are_nvpmodels(
    spec: str, gpu_mhz: float, emc_mhz: float, cores: int, sms: int, budget: float
) -> None:
    """NVIDIA's nvpmodel files, which each board's sources name."""
    mode = load_device(spec).mode
    clocks = mode.clocks
    assert clocks.gpu_hz == pytest.approx(gpu_mhz * 1e6)
    assert clocks.emc_hz == pytest.approx(emc_mhz * 1e6)
    assert (clocks.cpu_cores, clocks.sms, mode.power_budget_w) == (cores, sms, budget)


@pytest.mark.parametrize(
    ("spec", "tensorrt"),
    [
        ("jetson-nano", "8.2"),
        ("jetson-xavier-nx", "8.5"),
        ("jetson-orin-nano", "10.3"),
        ("jetson-agx-thor", "10.16"),
        ("generic", "10.3"),
    ],
)
def test_a_board_comes_with_the_tensorrt_of_its_jetpack(spec: str, tensorrt: str) -> None:
    assert load_device(spec).tensorrt == tensorrt


def test_a_board_that_nothing_was_fitted_on_says_so() -> None:
    thor = load_device("jetson-agx-thor")
    assert (thor.fitted_rows, thor.like) == (0, "")
    assert "fitted on nothing" in thor.description
