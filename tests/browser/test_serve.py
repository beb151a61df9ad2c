"""A person with a browser: drop a file, change a field, read, compare, download; keyboard only."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser.conftest import PATIENCE_MS
from paths import TINY_ONNX as TINY

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("fastapi", reason="the web extra is not installed")

from edgeprofiler import predict  # noqa: E402 (after the skips)
from edgeprofiler.core.units import engineering  # noqa: E402
from edgeprofiler.reading.read import input_shapes  # noqa: E402

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHROMIUM = Path(os.environ.get("EDGEPROFILER_CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = (
    "--no-sandbox", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A running server."""
    if not CHROMIUM.is_file():
        pytest.skip(f"no browser at {CHROMIUM} (apt-get install chromium)")
    command = [sys.executable, "-m", "edgeprofiler", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert " at http" in line, line
        yield line.split(" at ")[1].split()[0]
        process.send_signal(signal.SIGINT)
        process.wait(timeout=120)


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[object]:
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*ARGUMENTS])
        yield made
        made.close()


def new_context(browser, **options):
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    return context


@pytest.fixture(params=[{"viewport": {"width": 1200, "height": 900}}])
def page(request, browser, address: str):
    """A page whose console must stay silent and whose requests must stay on this machine."""
    context = new_context(browser, accept_downloads=True, **request.param)
    made = context.new_page()
    problems: list[str] = []
    asked: list[str] = []
    made.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else 0)
    made.on("pageerror", lambda error: problems.append(str(error)))
    made.on("requestfailed", lambda r: problems.append(f"{r.url}: {r.failure}")
            if "ABORTED" not in str(r.failure) else 0)  # fmt: skip
    context.on("request", lambda r: asked.append(r.url))
    made.goto(address)
    made.expected_problems = []
    yield made
    context.close()
    wrong = [p for p in problems if not any(e in p for e in made.expected_problems)]
    assert wrong == []
    own = urlsplit(address).netloc
    assert {urlsplit(url).netloc for url in asked if not url.startswith(("data:", "blob:"))} == {
        own
    }


narrow = pytest.mark.parametrize(
    "page", [{"viewport": {"width": 360, "height": 740}}], indirect=True
)


def shows(page, label: str, text: str) -> None:
    """The headline of that label shows exactly that text."""
    headline = page.locator(".headline", has=page.locator("dt", has_text=label))
    sync_api.expect(headline.locator("strong").first).to_have_text(text)


def shows_profile(page, profile) -> None:
    totals = profile.totals
    shows(page, "Energy of one inference", engineering(totals.energy_j.value, "J"))
    shows(page, "Time, end to end", engineering(totals.end_to_end_s.value, "s"))
    shows(page, "Average power", engineering(totals.power_w.value, "W"))
    rows = page.locator("#p-layers tbody tr")
    sync_api.expect(rows).to_have_count(len(profile))


def command_line(*arguments: object) -> dict[str, object]:
    """What `edgeprofiler predict --json -` writes."""
    command = [sys.executable, "-m", "edgeprofiler", "predict", *map(str, arguments)]
    ran = subprocess.run([*command, "--json", "-"], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def test_a_file_is_sent_and_every_change_shows_the_command_lines_numbers(page) -> None:
    page.locator("[data-file]").set_input_files(TINY)
    sync_api.expect(page.locator("#results h2")).to_have_text("tiny_cnn.onnx")
    shows_profile(page, predict(TINY))

    page.locator("[name=device]").select_option("jetson-nano")
    sync_api.expect(page.locator("[name=mode]")).to_have_value("maxn")
    shows_profile(page, predict(TINY, "jetson-nano"))
    page.locator("[name=mode]").select_option("5w")
    shows_profile(page, predict(TINY, "jetson-nano@5w"))
    page.locator("[name=precision]").select_option("fp32")
    page.locator("[name=batch]").fill("4")
    page.locator("[name=resolution]").fill("160")
    shapes = input_shapes(TINY, 160)
    expected = predict(TINY, "jetson-nano@5w", precision="fp32", batch=4, shapes=shapes)
    shows_profile(page, expected)
    assert "resolution=160" in page.url

    with page.expect_download() as waiting:
        page.get_by_role("link", name="JSON").click()
    found = json.loads(Path(waiting.value.path()).read_text())
    name, shape = next(iter(shapes.items()))
    line = command_line(
        TINY, "-d", "jetson-nano@5w", "--precision", "fp32", "--batch", 4,
        "--shape", f"{name}={'x'.join(map(str, shape))}",
    )  # fmt: skip
    assert found["totals"] == line["totals"]
    assert found["layers"] == line["layers"]


def test_plots_follow(page) -> None:
    canvas = page.locator('[data-figure="p-timeline-data"]')
    canvas.scroll_into_view_if_needed()
    sync_api.expect(canvas.locator(".main-svg").first).to_be_visible()
    bars = "e => e.data.reduce((n, trace) => n + trace.x.length, 0)"
    before = canvas.evaluate(bars)
    page.locator("[name=model]").select_option("zoo:mobilenet_v2")
    sync_api.expect(page.locator("#results h2")).to_have_text("zoo:mobilenet_v2")
    after = canvas.evaluate(bars)
    assert after > before
    assert page.locator(".js-plotly-plot").count() >= 1


def test_a_tip_and_a_saved_picture_pass_the_pages_policy(page) -> None:
    """Styles are those of the package; the page's console must stay silent."""
    canvas = page.locator('[data-figure="p-timeline-data"]')
    canvas.scroll_into_view_if_needed()
    bars = canvas.locator(".main-svg").first
    sync_api.expect(bars).to_be_visible()
    tip = canvas.locator(".hovertext tspan tspan").first
    box = bars.bounding_box()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.7 * box["height"])
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.7 * box["height"])
    sync_api.expect(tip).to_have_css("font-weight", "700")
    with page.expect_download() as waiting:
        canvas.locator("[data-title*='ownload plot']").click()
    assert Path(waiting.value.path()).read_bytes().startswith(b"\x89PNG")


def test_a_wrong_number_is_said_and_mended(page) -> None:
    page.expected_problems.append("400")
    page.locator("[name=model]").select_option("zoo:resnet18")
    page.locator("[name=resolution]").fill("99999")
    sync_api.expect(page.get_by_role("alert")).to_contain_text("is no whole number")
    page.locator("[name=resolution]").fill("192")
    sync_api.expect(page.locator(".headline").first).to_be_visible()
    sync_api.expect(page.get_by_role("alert")).to_have_count(0)


def test_a_file_that_is_no_model_is_refused_in_words(page, tmp_path: Path) -> None:
    page.expected_problems.append("400")
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"junk")
    page.locator("[data-file]").set_input_files(junk)
    sync_api.expect(page.get_by_role("alert")).to_contain_text("junk.onnx: is not an ONNX file")


def test_a_file_can_be_dropped(page) -> None:
    data = page.evaluate_handle(
        """bytes => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "dropped.onnx"));
            return data;
        }""",
        [*TINY.read_bytes()],
    )
    page.locator("[data-drop]").dispatch_event("drop", {"dataTransfer": data})
    sync_api.expect(page.locator("#results h2")).to_have_text("dropped.onnx")


def test_two_are_compared_and_downloaded(page, address: str) -> None:
    page.get_by_role("link", name="Compare").click()
    side = page.locator("fieldset").nth(1)
    side.get_by_label("Network").select_option("zoo:resnet50")
    expected = predict("zoo:resnet50", "jetson-orin-nano").totals.energy_j.value
    row = page.locator("#totals tbody tr").first
    sync_api.expect(row.locator("td").nth(2)).to_have_text(engineering(expected, "J"))
    sync_api.expect(row).to_contain_text("B needs more")
    chart = page.locator('[data-figure="c-compared-data"]')
    chart.scroll_into_view_if_needed()
    sync_api.expect(chart.locator(".main-svg").first).to_be_visible()
    sync_api.expect(page.locator("#results[aria-busy]")).to_have_count(0)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="report of both").click()
    text = Path(waiting.value.path()).read_text()
    assert "resnet18" in text
    assert "resnet50" in text


class Held:
    """Requests for a file that are answered only when the test says so."""

    def __init__(self, page, file: str) -> None:
        self._routes: list = []
        self._page = page
        page.route(f"**/{file}", lambda route: self._routes.append(route))

    def release(self) -> None:
        for _ in range(PATIENCE_MS // 20):
            if self._routes:
                break
            self._page.wait_for_timeout(20)
        assert self._routes
        for route in self._routes:
            route.continue_()
        self._routes.clear()


def test_what_is_chosen_before_the_script_comes_counts(page, address: str) -> None:
    script = Held(page, "app.js")
    page.goto(address, wait_until="commit")
    page.locator("[name=model]").select_option("zoo:lenet")
    page.locator("[name=device]").select_option("jetson-nano")
    page.locator("[name=batch]").fill("4")
    shows_profile(page, predict("zoo:resnet18"))
    script.release()
    shows_profile(page, predict("zoo:lenet", "jetson-nano", batch=4))
    sync_api.expect(page.locator("[name=mode]")).to_have_value("maxn")
    modes = page.locator("[name=mode] option").all_text_contents()
    assert set(modes) == {"maxn", "5w"}


def test_a_file_chosen_before_the_script_comes_is_sent(page, address: str) -> None:
    script = Held(page, "app.js")
    page.goto(address, wait_until="commit")
    page.locator("[data-file]").set_input_files(TINY)
    script.release()
    shows_profile(page, predict(TINY))


def test_one_side_chosen_before_the_script_comes_counts(page, address: str) -> None:
    script = Held(page, "app.js")
    page.get_by_role("link", name="Compare").click(no_wait_after=True)
    side = page.locator("fieldset").nth(1)
    side.get_by_label("Network").select_option("zoo:resnet50")
    script.release()
    expected = predict("zoo:resnet50", "jetson-orin-nano").totals.energy_j.value
    row = page.locator("#totals tbody tr").first
    sync_api.expect(row.locator("td").nth(2)).to_have_text(engineering(expected, "J"))


def test_a_page_that_was_written_as_it_is_asks_nothing_more(page, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if r.resource_type == "fetch" else 0)
    for path in (
        "?device=jetson-nano&mode=5w&batch=4&precision=fp32",
        "compare?b_device=jetson-nano",
    ):
        page.goto(address + path)
        page.wait_for_load_state("networkidle")
    assert asked == []


def test_a_device_that_is_unknown_stays_refused(page, address: str) -> None:
    page.expected_problems.append("400")
    page.goto(f"{address}?device=abacus")
    page.wait_for_load_state("networkidle")
    sync_api.expect(page.get_by_role("alert")).to_contain_text("abacus")


def test_coming_back_shows_what_the_fields_say(page, address: str) -> None:
    """A browser puts back what was chosen, though the address is that of the page before it."""
    Held(page, "app.js")
    page.goto(address, wait_until="commit")
    page.locator("[name=model]").select_option("zoo:lenet")
    page.locator("[name=device]").select_option("jetson-nano")
    page.get_by_role("link", name="API").click(no_wait_after=True)
    sync_api.expect(page.locator("h1")).to_contain_text("HTTP API")
    page.unroute("**/app.js")
    page.go_back()
    model = page.locator("[name=model]").input_value()
    device = page.locator("[name=device]").input_value()
    shows_profile(page, predict(model, device))
    page.evaluate(
        """() => {
            document.querySelector("[name=model]").value = "zoo:alexnet";
            dispatchEvent(new PageTransitionEvent("pageshow"));
        }"""
    )
    shows_profile(page, predict("zoo:alexnet", device))


def test_results_do_not_wait_for_the_plots(page, address: str) -> None:
    plotly = Held(page, "plotly-cartesian.min.js")
    page.goto(address, wait_until="commit")
    page.locator("[name=model]").select_option("zoo:lenet")
    profile = predict("zoo:lenet")
    shows_profile(page, profile)
    canvas = page.locator('[data-figure="p-timeline-data"]')
    canvas.scroll_into_view_if_needed()
    assert page.locator(".js-plotly-plot").count() == 0
    page.locator("[name=model]").select_option("zoo:mobilenet_v2")
    sync_api.expect(page.locator("#results h2")).to_have_text("zoo:mobilenet_v2")
    plotly.release()
    canvas.scroll_into_view_if_needed()
    sync_api.expect(canvas.locator(".main-svg").first).to_be_visible()
    bars = "e => e.data.reduce((n, trace) => n + trace.x.length, 0)"
    assert canvas.evaluate(bars) >= len(predict("zoo:mobilenet_v2"))


def test_advice_is_given(page) -> None:
    page.get_by_role("link", name="Advice").click()
    page.locator("[name=model]").select_option("zoo:lenet")
    page.locator("[name=budget_percent]").fill("90")
    page.get_by_role("button", name="Find advice").click()
    sync_api.expect(page.locator("#results")).to_contain_text("The budget is met")


def test_the_keyboard_is_enough(page) -> None:
    page.expected_problems.append("400")  # "1" and "16", where the answer is quicker than typing
    focused = "() => document.activeElement.textContent.trim() || document.activeElement.name"

    def tab_to(wanted: str, key: str = "Tab") -> None:
        for _ in range(40):
            page.keyboard.press(key)
            if page.evaluate(focused).startswith(wanted):
                return
            if page.evaluate("() => document.activeElement.name || ''") == wanted:
                return
        raise AssertionError(f"Tab does not reach {wanted!r}")

    def choose(field: str, wanted: str) -> None:
        """By arrows: letters that come too slowly begin another word."""
        for _ in range(page.locator(f"[name={field}] option").count()):
            if page.locator(f"[name={field}]").input_value() == wanted:
                return
            page.keyboard.press("ArrowDown")
        assert page.locator(f"[name={field}]").input_value() == wanted

    page.keyboard.press("Tab")
    assert page.evaluate(focused).startswith("Skip to")
    tab_to("model")
    page.keyboard.press("Home")
    choose("model", "zoo:squeezenet1_1")
    sync_api.expect(page.locator("#results h2")).to_have_text("zoo:squeezenet1_1")
    tab_to("device")
    page.keyboard.press("Home")
    choose("device", "jetson-xavier-nx")
    tab_to("resolution")
    page.keyboard.type("160")
    sync_api.expect(page.locator("#status")).to_contain_text("batch 1")
    profile = predict(
        "zoo:squeezenet1_1",
        "jetson-xavier-nx",
        shapes=input_shapes("zoo:squeezenet1_1", 160),
    )
    shows_profile(page, profile)
    tab_to("JSON")
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    found = json.loads(Path(waiting.value.path()).read_text())
    assert found["totals"]["energy_j"] == profile.totals.energy_j.value


@pytest.mark.parametrize(
    "page", [{"viewport": {"width": w, "height": 740}} for w in (1280, 360)], indirect=True
)
@pytest.mark.parametrize(
    ("path", "field", "text", "told"),
    [
        ("check", "latency_ms", "900", "The budget is held."),
        ("sweep", "batches", "124", "1 of 1 combinations"),
        ("impact", "battery", "50Wh", "battery life"),
    ],
)
def test_a_decision_is_reached_by_keyboard(
    page, address: str, path: str, field: str, text: str, told: str
) -> None:
    page.goto(f"{address}{path}?model=zoo:lenet")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.name || ''") == field:
            break
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    sync_api.expect(page.locator("#results")).to_contain_text(told)
    assert f"{field}={text}" in page.url
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_results_are_announced(page) -> None:
    page.locator("[name=model]").select_option("zoo:lenet")
    energy = engineering(predict("zoo:lenet").totals.energy_j.value, "J")
    status = page.get_by_role("status").first
    sync_api.expect(status).to_contain_text(f"Energy of one inference {energy}")
    # To be heard: the same numbers stand below for those who see them.
    assert status.locator("span").bounding_box()["width"] <= 1


def test_an_address_without_a_page_is_said_and_nothing_else(page, address: str) -> None:
    page.expected_problems.append("404")
    page.goto(f"{address}nothing")
    sync_api.expect(page.get_by_role("alert")).to_have_text("Not Found")
    page.wait_for_load_state("networkidle")


def test_every_field_has_a_label(page, address: str) -> None:
    for path in ("", "compare", "advise", "sweep", "check", "impact"):
        page.goto(address + path)
        unnamed = page.locator("input, select").evaluate_all(
            "all => all.filter(e => !e.labels.length && !e.ariaLabel).map(e => e.outerHTML)"
        )
        assert unnamed == []


@narrow
def test_nothing_is_cut_off_at_360_pixels(page, address: str) -> None:
    for path in ("", "compare", "advise?model=zoo:lenet", "check?fps=9", "impact", "recordings",
                 "api/docs"):  # fmt: skip
        page.goto(address + path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.goto(address)
    page.locator("[name=device]").select_option("jetson-nano")
    shows_profile(page, predict("zoo:resnet18", "jetson-nano"))


def test_pages_work_without_scripts(browser, address: str) -> None:
    context = new_context(browser, java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    page.locator("[data-file]").set_input_files(TINY)
    page.get_by_role("button", name="Send").click()
    sync_api.expect(page.locator("#results h2")).to_have_text("tiny_cnn.onnx")
    page.locator("[name=device]").select_option("jetson-nano")
    page.get_by_role("button", name="Predict").click()
    shows_profile(page, predict(TINY, "jetson-nano"))
    context.close()


def test_light_and_dark_differ(browser, address: str) -> None:
    found = set()
    for scheme in ("light", "dark"):
        context = new_context(browser, color_scheme=scheme)
        page = context.new_page()
        page.goto(address)
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        found.add(re.sub(r"\s", "", colour))
        context.close()
    assert len(found) == 2
