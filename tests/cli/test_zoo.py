"""`zoo` lists the networks that are known by name."""

import json

from edgeprofiler.reading.zoo import names


def test_every_network_is_listed_in_the_width_of_a_terminal(cli) -> None:
    ran = cli("zoo")
    assert ran.code == 0
    assert all(f"\n{name} " in ran.out for name in names() if len(name) < 28)
    assert max(map(len, ran.out.splitlines())) <= 80


def test_a_part_of_a_name_lists_those_that_hold_it(cli) -> None:
    ran = cli("zoo", "YOLO-v8", "--csv", "-")
    rows = ran.out.splitlines()
    assert rows[0] == "network,task,input,classes,parameters,macs"
    assert rows[1] == "yolov8n,detection,1x3x640x640,80,3157200,4371993600"
    assert len(rows) == 6


def test_the_list_as_json_has_whole_numbers(cli) -> None:
    (network,) = json.loads(cli("zoo", "mnasnet0_5", "--json", "-").out)
    assert network == {
        "name": "mnasnet0_5", "task": "classification", "input": [1, 3, 224, 224],
        "classes": 1000, "parameters": 2218512, "macs": 104455968,
    }  # fmt: skip


def test_a_name_that_is_not_known_gets_the_nearest(cli) -> None:
    ran = cli("zoo", "yolo8n")
    assert ran.code == 3
    assert "did you mean yolov8n" in ran.err
