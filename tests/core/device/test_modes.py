"""Power modes and clocks of a user's own: one state of a board has one name and one answer."""

import math
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.device import AXES, Device, device_names, load_device
from edgeprofiler.core.device.clocks import counts, print_changes
from edgeprofiler.core.errors import UsageError

BOARDS = [name for name in device_names() if name != "generic"]
SPECS = [f"{name}@{mode.name}" for name in BOARDS for mode in load_device(name).modes]


@pytest.mark.parametrize("spec", SPECS)
def test_a_named_mode_and_its_clocks_written_out_are_the_same(spec: str) -> None:
    named = load_device(spec)
    text = print_changes({axis: v for axis, v in named.mode.clocks.items() if v is not None})
    written = load_device(f"{named.name}@{text}")
    assert written.mode.clocks == named.mode.clocks
    assert written.mode.base == written.mode.name  # a mode with these clocks, not one like it
    for dtype in named.datasheet.peak_flops:
        assert written.peak_flops(dtype) == named.peak_flops(dtype)
    assert written.bandwidth_bytes_per_s == named.bandwidth_bytes_per_s
    assert load_device(f"{spec},{text}").mode is named.mode


def test_only_what_differs_from_the_mode_is_named() -> None:
    text = "jetson-agx-orin@30W, cpu=1.728GHz , gpu=510MHz,emc=3.199GHz"
    device = load_device(text)
    assert device.spec == "jetson-agx-orin@30w,gpu=510MHz"
    assert load_device(device.spec) == device
    assert (device.mode.base, device.mode.clocks.cpu_cores, device.mode.clocks.sms) == ("30w", 8, 8)


def test_what_nobody_knows_of_a_board_makes_it_no_other_board() -> None:
    device = load_device("jetson-nano@gpu=460.8MHz")
    assert math.isnan(device.mode.idle_power_w)
    sent = pickle.loads(pickle.dumps(device))
    assert sent == device
    assert hash(sent.mode) == hash(device.mode)


def test_without_a_mode_the_rest_is_as_in_the_boards_default() -> None:
    device = load_device("jetson-agx-orin@gpu=612MHz,emc=2133MHz,cpu=1.2GHz,cores=4")
    clocks = device.mode.clocks
    assert device.mode.base == "maxn"
    assert (clocks.gpu_hz, clocks.emc_hz, clocks.cpu_hz) == (612e6, 2133e6, 1.2e9)
    assert (clocks.cpu_cores, clocks.sms) == (4, 16)
    full = load_device("jetson-agx-orin")
    assert device.peak_flops("fp16") / full.peak_flops("fp16") == pytest.approx(612 / 1300.5)
    assert device.bandwidth_bytes_per_s / full.bandwidth_bytes_per_s == pytest.approx(2133 / 3199)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("jetson-agx-orin@gpu=2GHz", "gpu=2000MHz; it takes 114.75MHz to 1300.5MHz"),
        ("jetson-agx-orin@gpu=10MHz", "it takes 114.75MHz to 1300.5MHz"),
        ("jetson-orin-nano@emc=4GHz", "it takes 204MHz to 3199MHz"),
        ("jetson-agx-orin-32gb@cores=12", "cores=12; it takes 1 to 8"),
        ("jetson-orin-nx@maxn,sms=9", "sms=9; it takes 1 to 8"),
        ("generic@emc=1GHz", "its file does not say what emc can be set to"),
        ("jetson-agx-orin@31w,gpu=1GHz", "no power mode '31w'; choose one of: 15w, 30w, 50w, maxn"),
        ("jetson-agx-orin@gpu=1GHz,30w", "'30w' sets nothing"),
        ("jetson-agx-orin@,gpu=1GHz", "no power mode ''"),
    ],
)
def test_what_a_board_cannot_be_set_to_names_its_range(spec: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_device(spec)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "budget"),
    [
        ("jetson-agx-orin@30w", 30),
        ("jetson-agx-orin@30w,gpu=510MHz,cores=4", 30),
        ("jetson-agx-orin@30w,gpu=714MHz", math.nan),
        ("jetson-agx-orin@30w,gpu=510MHz,cores=12", math.nan),
        ("jetson-agx-orin@gpu=510MHz", math.nan),
    ],
)
def test_a_budget_holds_for_what_keeps_within_its_modes_clocks(spec: str, budget: float) -> None:
    assert load_device(spec).mode.power_budget_w == pytest.approx(budget, nan_ok=True)


@pytest.mark.parametrize(
    ("board", "name", "mode"),
    [
        ("jetson-agx-orin", "MODE_30W", "30w"),
        ("jetson-orin-nano", "MAXN_SUPER", "maxn-super"),
        ("jetson-xavier-nx", "MODE_15W_6CORE", "15w"),
        ("jetson-xavier-nx", "15w_2core", "15w-2core"),
        ("jetson-tx2", "MAXP_CORE_ALL", "maxp"),
    ],
)
def test_a_mode_is_found_by_nvpmodels_name(board: str, name: str, mode: str) -> None:
    assert load_device(f"{board}@{name}").mode.name == mode


@st.composite
def settings(draw: st.DrawFn) -> tuple[Device, Device]:
    """Return a board in two settings, the second of which has more of everything."""
    board = load_device(draw(st.sampled_from(BOARDS)))
    low: dict[str, float] = {}
    high: dict[str, float] = {}
    for axis, allowed in board.datasheet.ranges.items():
        kind = st.integers if counts(axis) else st.floats
        ends = (int, float)[not counts(axis)]
        values = kind(ends(allowed.least), ends(allowed.most))  # type: ignore[operator]
        low[axis], high[axis] = sorted((draw(values), draw(values)))
    return board.with_mode(print_changes(low)), board.with_mode(print_changes(high))


@given(settings())
def test_more_of_everything_has_no_lower_peak_or_bandwidth(pair: tuple[Device, Device]) -> None:
    low, high = pair
    assert low.mode.clocks.within(high.mode.clocks)
    for dtype in low.datasheet.peak_flops:
        assert low.peak_flops(dtype) <= high.peak_flops(dtype) * (1 + 1e-12)
        assert low.vector_flops(dtype) <= high.vector_flops(dtype) * (1 + 1e-12)
    assert low.bandwidth_bytes_per_s <= high.bandwidth_bytes_per_s * (1 + 1e-12)


@given(settings())
def test_the_name_of_a_setting_leads_back_to_it(pair: tuple[Device, Device]) -> None:
    for device in pair:
        assert load_device(device.spec).mode.clocks == device.mode.clocks
        assert load_device(device.spec).spec == device.spec


def test_every_axis_of_a_shipped_board_can_be_set() -> None:
    for name in BOARDS:
        assert set(load_device(name).datasheet.ranges) == set(AXES)


def test_a_path_with_an_at_sign_is_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "a@b"
    folder.mkdir()
    (folder / "mine.toml").write_text("base = 'jetson-tx2'\nname = 'mine'\n")
    assert load_device(folder / "mine.toml").name == "mine"
    assert load_device(f"{folder}/mine.toml@maxq,gpu=510MHz").spec == "mine@maxq,gpu=510MHz"


def test_a_sweep_is_every_combination_of_its_clocks() -> None:
    board = load_device("jetson-agx-orin@30w")
    found = board.settings("gpu=408:612:102MHz,emc=2133/3199MHz")
    assert len(found) == 6
    assert found[0].spec == "jetson-agx-orin@30w,gpu=408MHz,emc=2133MHz"
    assert found[-1] == board  # what is a named mode is called so


def test_what_rounds_to_one_setting_is_one_setting() -> None:
    found = load_device("jetson-agx-orin").settings("gpu=1300.5/1301MHz")
    assert [device.spec for device in found] == ["jetson-agx-orin@maxn"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gpu=306:1300:1MHz,emc=204:3199:1MHz", "2,981,020 settings; at most 200,000"),
        ("gpu=306:2000:100MHz", "cannot be set to gpu=1306MHz; it takes 114.75MHz to 1300.5MHz"),
        ("", "'' sets nothing"),
    ],
)
def test_a_sweep_beyond_the_board_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_device("jetson-agx-orin").settings(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "mode", "same"),
    [
        ("jetson-agx-orin@30w", "MODE_30W", True),
        ("jetson-agx-orin@30w", "", True),
        ("jetson-agx-orin@30w", "15w", False),
        ("jetson-agx-orin@30w", "99w", False),
        ("jetson-agx-orin@30w", "gpu=612MHz", False),  # of the default mode, as in a device's name
        ("jetson-agx-orin@gpu=612MHz", "gpu=612MHz", True),
        ("jetson-agx-orin@30w,gpu=816MHz", "50w,cpu=1.728GHz,cores=8,sms=8", True),
    ],
)
def test_a_tables_mode_is_known_by_any_of_its_names(spec: str, mode: str, same: bool) -> None:
    assert load_device(spec).runs_in(mode) is same
