"""Devices are found by name, or in files that may build on one another."""

import math
from pathlib import Path

import pytest

from edgeprofiler.core.device import Device, calibration_table, device_names, load_device
from edgeprofiler.core.errors import InvalidInput, UsageError

BOARDS = {
    "jetson-nano", "jetson-tx2", "jetson-xavier-nx", "jetson-agx-xavier", "jetson-orin-nano",
    "jetson-orin-nx", "jetson-agx-orin", "jetson-agx-orin-32gb", "jetson-agx-thor",
    "jetson-orin-nano-4gb", "jetson-orin-nx-8gb", "jetson-xavier-nx-16gb",
}  # fmt: skip


def test_the_jetsons_are_shipped() -> None:
    assert set(device_names()) >= BOARDS | {"generic"}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("jetson-orin-nan", "did you mean 'jetson-orin-nano'"),
        ("jetson-agx-orin-64gb", "'jetson-agx-orin-32gb' or 'jetson-agx-orin'"),
        ("rtx-4090", "any other GPU is `generic` with its own numbers in a .toml file"),
        ("raspberry-pi", "docs/devices.md"),
        ("jetson-orin-nano@99w", "choose one of: 7w, 15w, 25w, maxn-super"),
    ],
)
def test_an_unknown_board_or_mode_names_the_known(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_device(spec)


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


def test_a_base_is_found_beside_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("base = 'jetson-tx2'\nname = 'mine'\n")
    (tmp_path / "mine-too.toml").write_text("base = 'mine.toml@maxq'\n")
    device = load_device(tmp_path / "mine-too.toml")
    assert (device.name, device.mode.name) == ("mine", "maxq")


def test_files_that_build_on_one_another_without_end_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("base = 'broken.toml'\n")
    with pytest.raises(InvalidInput, match=r"builds on broken\.toml after 8 other files") as caught:
        load_device(path)
    assert str(path) in str(caught.value)


def test_a_board_stands_in_for_one_that_is_like_it(tmp_path: Path) -> None:
    path = tmp_path / "board.toml"
    path.write_text(
        "name = 'b'\nlike = 'jetson-agx-orin'\n[datasheet]\nsms = 8\ngpu_clock_hz = 1e9\n"
        "bandwidth_bytes_per_s = 1e10\n[datasheet.peak_flops]\nfp16 = 1e13\n"
        "[[modes]]\nname = 'm'\nidle_power_w = 4\n"
    )
    assert load_device(path).like == "jetson-agx-orin"
    path.write_text(path.read_text().replace("jetson-agx-orin", "toaster"))
    with pytest.raises(InvalidInput, match="like: no shipped device 'toaster'"):
        load_device(path)


def mine(folder: Path, text: str, base: str = "jetson-orin-nano") -> Device:
    """Return the device of a file on a base."""
    path = folder / "mine.toml"
    path.write_text(f"base = '{base}'\nname = 'mine'\n{text}")
    return load_device(path)


def test_a_file_on_a_base_adds_a_mode(tmp_path: Path) -> None:
    """What the mode does not say is as the board can do most."""
    device = mine(
        tmp_path,
        "mode = '20w'\n[[modes]]\nname = '20w'\ngpu_clock_hz = 816e6\nemc_clock_hz = 2133e6\n"
        "power_budget_w = 20\n",
    )
    base = load_device("jetson-orin-nano")
    assert device.spec == "mine@20w"
    assert [mode.name for mode in device.modes] == [*(m.name for m in base.modes), "20w"]
    assert device.peak_flops("fp16") == base.with_mode("25w").peak_flops("fp16") * 816 / 918
    assert device.bandwidth_bytes_per_s == base.with_mode("15w").bandwidth_bytes_per_s
    assert (device.mode.power_budget_w, device.mode.clocks.cpu_cores) == (20, 6)
    assert device.calibrations == base.calibrations


def test_a_file_on_a_base_changes_a_mode(tmp_path: Path) -> None:
    """JetPack 6.2's `super` configuration caps 15 W at 612 MHz."""
    base = load_device("jetson-orin-nano")
    device = mine(tmp_path, "[[modes]]\nname = '15W'\ngpu_clock_hz = 612e6\n")
    mode = device.with_mode("15w").mode
    assert mode.clocks.gpu_hz == 612e6
    assert (mode.clocks.sms, mode.power_budget_w, mode.bandwidth_bytes_per_s) == (
        8,
        15,
        base.bandwidth_bytes_per_s,
    )
    assert [m.name for m in device.modes] == [m.name for m in base.modes]
    faster = mine(tmp_path, "[[modes]]\nname = '15w'\ngpu_clock_hz = 714e6\n")
    assert math.isnan(faster.mode.power_budget_w)


def test_what_was_fitted_on_a_mode_stays_of_the_clocks_it_was_fitted_at(tmp_path: Path) -> None:
    fitted = "[[calibrations]]\nmode = '15w'\nruntime = 'cpp'\n"
    own = mine(tmp_path, fitted).source
    text = f"base = '{own}'\nmode = '15w'\n[[modes]]\nname = '15w'\ngpu_clock_hz = 306e6\n"
    changed = tmp_path / "changed.toml"
    changed.write_text(text, encoding="utf-8")
    device = load_device(changed)
    assert device.mode.clocks.gpu_hz == 306e6
    assert {c.mode.clocks.gpu_hz for c in device.calibrations} == {624.75e6}


def test_a_file_on_a_base_states_memory_rails_idle_power_and_jetpack(tmp_path: Path) -> None:
    device = mine(
        tmp_path,
        "total_rails = ['VIN']\nother_rails = []\nidle_power_w = 5.5\ncarrier = 'own'\n"
        "jetpack = '5.1'\n[datasheet]\nmemory_bytes = 16e9\nbandwidth_bytes_per_s = 51.2e9\n",
    )
    base = load_device("jetson-orin-nano")
    assert (device.total_rails, device.other_rails) == (("VIN",), ())
    assert (device.idle_power_w, device.carrier) == (5.5, "own")
    assert (device.jetpack, device.tensorrt, base.tensorrt) == ("5.1", "8.5", "10.3")
    assert mine(tmp_path, "tensorrt = '8.6.2'\n").tensorrt == "8.6.2"
    assert device.datasheet.memory_bytes == 16e9
    for mode in device.modes:
        assert device.with_mode(mode.name).bandwidth_bytes_per_s == pytest.approx(
            base.with_mode(mode.name).bandwidth_bytes_per_s / 2
        )


def test_a_file_on_a_base_may_start_in_clocks_of_its_own(tmp_path: Path) -> None:
    device = mine(tmp_path, "mode = '15w,gpu=510MHz'\n")
    assert device.spec == "mine@15w,gpu=510MHz"
    calibration = (
        "mode = 'gpu=510MHz'\n[[calibrations]]\nmode = '15w,gpu=510MHz'\nruntime = 'trtexec'\n"
    )
    own = mine(tmp_path, calibration).calibrations[0]
    assert own.mode.clocks == device.mode.clocks
    assert calibration_table(own)["mode"] == "15w,gpu=510MHz"


def test_a_file_without_a_memory_clock_has_modes_by_bandwidth(tmp_path: Path) -> None:
    device = mine(
        tmp_path, "[[modes]]\nname = 'slow'\nbandwidth_bytes_per_s = 30e9\n", base="generic"
    )
    slow = device.with_mode("slow")
    assert slow.bandwidth_bytes_per_s == 30e9
    assert slow.with_mode("gpu=500MHz").bandwidth_bytes_per_s == 30e9


def test_a_modes_bandwidth_means_its_memory_clock_where_the_board_has_one(tmp_path: Path) -> None:
    device = mine(tmp_path, "[[modes]]\nname = 'slow'\nbandwidth_bytes_per_s = 51.2e9\n")
    assert device.with_mode("slow").mode.clocks.emc_hz == pytest.approx(3199e6 / 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[modes]]\nname = '9w'\ngpu_clock_hz = 2e9\n", "datasheet has 3.06e+08 to 1.02e+09"),
        ("[[modes]]\nname = '9w'\ncpu_cores = 9\n", "cpu_cores is 9"),
        ("[[modes]]\nname = '9w'\ngpu_hz = 2e9\n", "unknown key 'gpu_hz'"),
        ("[[modes]]\nname = 'a,b=c'\n", "modes[0].name is odd: 'a,b=c'"),
        ("[[modes]]\nname = '9w'\n[[modes]]\nname = '9W'\n", "one name"),
        ("[[modes]]\nname = '7w'\nidle_power_w = 8\n", "8 of a power_budget_w of 7"),
        (
            "[[modes]]\nname = '9w'\nemc_clock_hz = 1e9\nbandwidth_bytes_per_s = 1e10\n",
            "give one",
        ),
        ("jetpack = '1.0'\n", "jetpack is '1.0'; expected one of: 4.6, 4.6.1"),
        ("tensorrt = 'new'\n", "no TensorRT version 'new'; write one such as 8.0, 8.2"),
        ("[datasheet]\nsms = 16\n", "unknown key 'sms'"),
        ("mode = '15w,gpu=9GHz'\n", "it takes 306MHz to 1020MHz"),
    ],
)
def test_a_mode_that_the_base_cannot_have_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        mine(tmp_path, text)
    assert message in str(caught.value)
    assert "mine.toml" in str(caught.value)


def test_the_board_of_the_docs_is_one(tmp_path: Path) -> None:
    docs = (Path(__file__).parents[3] / "docs" / "devices.md").read_text(encoding="utf-8")
    path = tmp_path / "my-board.toml"
    path.write_text(docs.partition("```toml\n")[2].partition("```")[0])
    device = load_device(path)
    assert device.spec == "my-board@20w"
    assert device.with_mode("15w").gpu_clock_hz == 612e6
