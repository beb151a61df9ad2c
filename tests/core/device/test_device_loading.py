"""Devices are found by name, or in files that may build on one another."""

from pathlib import Path

import pytest

from edgeprofiler.core.device import device_names, load_device
from edgeprofiler.core.errors import InvalidInput, UsageError

BOARDS = {
    "jetson-nano", "jetson-tx2", "jetson-xavier-nx", "jetson-agx-xavier", "jetson-orin-nano",
    "jetson-orin-nx", "jetson-agx-orin", "jetson-agx-orin-32gb",
}  # fmt: skip


def test_the_eight_jetsons_are_shipped() -> None:
    assert set(device_names()) == BOARDS | {"generic"}


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
    assert load_device(path).stand_ins == load_device("jetson-agx-orin").calibrations != ()
    path.write_text(path.read_text().replace("jetson-agx-orin", "toaster"))
    with pytest.raises(InvalidInput, match="like: no shipped device 'toaster'"):
        load_device(path)
