"""Whatever the API's description allows, no answer is the server's fault."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from edgeprofiler.views.web import Settings, create_app

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

from schemathesis.checks import not_a_server_error  # noqa: E402 (after the skip)
from schemathesis.specs.openapi.checks import (  # noqa: E402
    response_schema_conformance,
    status_code_conformance,
)

pytestmark = pytest.mark.slow


schema = schemathesis.openapi.from_dict(create_app(Settings()).openapi())
CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]


@schema.parametrize()
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_request_is_the_servers_fault(case, server) -> None:  # type: ignore[no-untyped-def]
    case.call_and_validate(base_url=server.url, checks=CHECKS)
