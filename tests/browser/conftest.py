"""How long a browser may take: never the reason why a test fails, however slow the machine."""

from __future__ import annotations

import contextlib

PATIENCE_MS = 120_000

with contextlib.suppress(ImportError):  # the tests themselves are skipped then
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE_MS)
