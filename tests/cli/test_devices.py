"""`devices` lists the boards and shows what is known of one."""

import json

import pytest


def test_the_list_names_every_board(cli) -> None:
    ran = cli("devices")
    assert ran.code == 0
    assert "jetson-agx-orin-32gb" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_one_board_has_modes_rails_and_sources(cli) -> None:
    ran = cli("devices", "show", "jetson-orin-nano@25w")
    assert ran.code == 0
    for word in ("VDD_IN", "25w *", "15w", "data sheet"):
        assert word in ran.out


@pytest.mark.parametrize("arguments", [["devices"], ["devices", "show", "jetson-tx2"]])
def test_devices_as_json(cli, arguments: list[str]) -> None:
    ran = cli(*arguments, "--json", "-")
    assert json.loads(ran.out)


def test_an_unknown_board(cli) -> None:
    assert cli("devices", "show", "jetson-x").code == 2
