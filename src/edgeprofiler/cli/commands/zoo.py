"""`edgeprofiler zoo`: which networks are known by name."""

from __future__ import annotations

from typing import Annotated

from edgeprofiler.cli import common


def zoo(
    text: Annotated[str, common.argument("TEXT", "Those alone whose name holds it.")] = "",
    csv: common.CsvOption = None,
    json: common.JsonOption = None,
) -> None:
    """List the networks that are known by name, with parameters, MACs and sizes."""
    from edgeprofiler.reading.zoo.listing import zoo_list, zoo_table

    screen = common.results_console(csv, json)
    found = zoo_list(text)
    table = zoo_table(found)
    common.write(csv, table.to_csv)
    common.write_json(json, lambda: [network.document() for network in found])
    screen.show(table)
