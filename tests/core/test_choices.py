"""Names of what can be chosen are taken in any case."""

import pytest

from edgeprofiler.core.choices import PRECISIONS, RUNTIMES, precision_named, runtime_named
from edgeprofiler.core.errors import UsageError


@pytest.mark.parametrize("name", PRECISIONS)
def test_a_precision_in_any_case(name: str) -> None:
    assert precision_named(f" {name.upper()} ") == name


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_host_in_any_case(name: str) -> None:
    assert runtime_named(name.title()) == name


def test_what_is_none_is_told_the_choices() -> None:
    with pytest.raises(UsageError, match="no precision 'fp4'; choose one of: fp32, fp16, int8"):
        precision_named("fp4")
    with pytest.raises(UsageError, match="no host runtime"):
        runtime_named("x" * 999)
