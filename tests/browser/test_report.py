"""The report in a real browser: it opens from disk, sorts, filters, prints, and stays silent."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.conftest import PATIENCE_MS
from profiles_to_show import hostile, measured, network

from edgeprofiler.prediction.predict import predict
from edgeprofiler.views.reports.page import report_page

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt install chromium)"),
]

LAYERS = "#p1-layers"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


class Opened:
    """A page from disk, and all it complained of or asked for."""

    def __init__(self, browser: Any, path: Path, **context: Any) -> None:
        self.context = browser.new_context(**context)
        self.context.set_default_timeout(PATIENCE_MS)
        self.page = self.context.new_page()
        self.heard: list[str] = []
        self.page.on("console", lambda message: self.heard.append(message.text))
        self.page.on("pageerror", lambda error: self.heard.append(str(error)))
        self.page.on("dialog", lambda dialog: self.heard.append(dialog.message))
        self.page.on("request", self._asked)
        self.path = path
        self.page.goto(path.as_uri())

    def _asked(self, request: Any) -> None:
        if request.url != self.path.as_uri() and not request.url.startswith(("data:", "blob:")):
            self.heard.append(request.url)

    def column(self, number: int) -> list[str]:
        return self.page.locator(f"{LAYERS} tbody tr td:nth-child({number})").all_text_contents()

    def until(self, expression: str) -> None:
        """Wait for an expression; the page's policy forbids Playwright's own way of waiting."""
        for _ in range(PATIENCE_MS // 50):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(expression)

    def see_all(self) -> None:
        """Scroll to every chart, so that all are drawn."""
        for chart in self.page.locator("[data-figure]").all():
            chart.scroll_into_view_if_needed()
            chart.locator(".main-svg").first.wait_for()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Any]:
    made: list[Opened] = []

    def open_page(text: str, **context: Any) -> Opened:
        path = tmp_path / "report.html"
        path.write_text(text, encoding="utf-8")
        made.append(Opened(browser, path, **context))
        return made[-1]

    yield open_page
    for each in made:
        each.context.close()


@pytest.fixture(scope="module")
def resnet() -> str:
    return report_page([predict("zoo:resnet18", "jetson-orin-nano")])


def test_it_draws_every_chart_and_complains_of_nothing(opened: Any, resnet: str) -> None:
    shown = opened(resnet)
    shown.see_all()
    assert shown.page.locator("[data-figure]").count() == 4
    buttons = shown.page.locator(".modebar-btn").evaluate_all("a => a.map(e => e.dataset.title)")
    assert "Download plot as a PNG" in buttons
    assert not any("hare" in title or "loud" in title for title in buttons)
    assert shown.heard == []


def test_a_heading_sorts_by_mouse_and_by_keyboard(opened: Any, resnet: str) -> None:
    shown = opened(resnet)
    heading = shown.page.locator(f"{LAYERS} th", has_text="energy, mJ").first
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    energy = [float(text) for text in shown.column(8)]
    assert energy == sorted(energy, reverse=True)
    heading.locator("button").focus()
    shown.page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert [float(text) for text in shown.column(8)] == sorted(energy)
    shown.page.locator(f"{LAYERS} th", has_text="#").locator("button").focus()
    shown.page.keyboard.press("Space")
    shown.page.keyboard.press("Space")
    assert shown.column(1) == [str(i) for i in range(25)]
    assert heading.get_attribute("aria-sort") is None


def test_keys_go_through_a_chart_and_say_what_its_tips_say(opened: Any, resnet: str) -> None:
    page = opened(resnet).page
    chart = page.get_by_role("application", name="Chart: One inference")
    said = page.get_by_role("status").last
    page.keyboard.press("Tab")
    for _ in range(5):
        if chart.evaluate("e => e === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Home")
    expect = sync_api.expect
    expect(said).to_contain_text("reformat inp conv1 +2, 0: reformat")
    page.keyboard.press("ArrowRight")
    expect(said).to_contain_text("conv1 +2, 1: convolution")
    expect(said).to_contain_text("(2 of 27)")
    expect(chart.locator(".hovertext")).to_contain_text("conv1")
    page.keyboard.press("End")
    expect(said).to_contain_text("host gap")
    page.keyboard.press("Escape")
    expect(said).to_have_text("")
    roofs = page.get_by_role("application", name="Chart: Roofline")
    roofs.focus()
    page.keyboard.press("Home")
    expect(said).to_contain_text("FLOP per byte")


def test_a_chart_says_where_its_numbers_stand(opened: Any, resnet: str) -> None:
    page = opened(resnet).page
    links = page.get_by_role("link", name="To the table")
    assert links.count() == 2
    for link in links.all():
        assert page.locator(f"table{link.get_attribute('href')}").count() == 1


def test_words_and_kinds_filter_the_rows_and_say_how_much_is_left(opened: Any, resnet: str) -> None:
    shown = opened(resnet)
    shown.page.get_by_label("Find").fill("layer4 conv1")
    rows = shown.page.locator(f"{LAYERS} tbody tr:visible")
    assert rows.count() == 2
    said = shown.page.locator("output").inner_text()
    profile = predict("zoo:resnet18", "jetson-orin-nano")
    chosen = [c for c in profile if "layer4" in c.layer.name and "conv1" in c.layer.name]
    share = sum(c.energy_j.value for c in chosen) / profile.totals.energy_j.value
    assert said == f"2 of 25 rows, {100 * share:.1f} % of the energy"
    shown.page.get_by_label("Find").fill("")
    shown.page.get_by_label("Kind").select_option("dense")
    assert rows.count() == 1


def test_the_keyboard_reaches_the_skip_link_headings_filter_and_table(
    opened: Any, resnet: str
) -> None:
    shown = opened(resnet)
    reached = []
    for _ in range(60):
        shown.page.keyboard.press("Tab")
        reached.append(shown.page.evaluate("document.activeElement.getAttribute('class') || "
                                           "document.activeElement.tagName"))  # fmt: skip
    assert reached[0] == "skip"
    assert {"BUTTON", "INPUT", "SELECT", "scroller"} <= set(reached)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_needs_no_sideways_scrolling(opened: Any, resnet: str, scheme: str) -> None:
    shown = opened(resnet, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    shown.see_all()
    assert shown.page.evaluate("document.documentElement.scrollWidth") == 360
    assert shown.heard == []


def test_the_charts_follow_the_colours_of_the_page(opened: Any, resnet: str) -> None:
    shown = opened(resnet, color_scheme="light")
    shown.see_all()
    fill = "getComputedStyle(document.querySelector('.xtick text')).fill"
    before = shown.page.evaluate(fill)
    shown.page.emulate_media(color_scheme="dark")
    shown.until(f"{fill} !== {before!r}")


def test_what_strangers_call_their_layers_does_nothing(opened: Any) -> None:
    shown = opened(report_page([hostile(), measured()]))
    shown.see_all()
    shown.page.locator("#p1-timeline .main-svg").first.hover()
    shown.page.wait_for_timeout(200)
    assert shown.page.locator("img").count() == 0
    assert shown.heard == []


def test_it_prints_every_layer_and_every_chart(opened: Any, resnet: str, tmp_path: Path) -> None:
    shown = opened(resnet)
    sheet = shown.page.pdf(format="A4")
    assert sheet.startswith(b"%PDF")
    shown.page.emulate_media(media="print")
    drawn = "document.querySelectorAll('[data-figure] .main-svg').length >= 8"
    shown.until(drawn)
    assert shown.page.locator("form.filter").is_hidden()


def test_without_scripts_the_tables_hold_all_numbers(opened: Any, resnet: str) -> None:
    shown = opened(resnet, java_script_enabled=False)
    assert shown.page.locator(f"{LAYERS} tbody tr").count() == 25
    assert shown.page.locator("form.filter").is_hidden()
    assert shown.page.locator("noscript").is_visible()


def test_four_hundred_layers_open_and_sort(opened: Any) -> None:
    """How fast, `benchmarks/report.py` says; here only that nothing hangs or is left out."""
    names = [f"block{i // 4}.conv{i % 4}" for i in range(400)]
    text = report_page([predict(network(names), "jetson-orin-nano")])
    assert len(text.encode()) < 3_000_000
    shown = opened(text)
    shown.page.locator(f"{LAYERS} th button", has_text="time, ms").click()
    assert len(shown.column(1)) == 400


@pytest.mark.parametrize("width", [1280, 360])
def test_the_graph_is_moved_enlarged_and_asked_by_keyboard(
    opened: Any, resnet: str, width: int
) -> None:
    shown = opened(resnet, viewport={"width": width, "height": 800})
    page, keys = shown.page, shown.page.keyboard
    view = page.locator("#p1-graph .graph")
    view.focus()
    wide = "document.querySelector('#p1-graph svg').width.baseVal.value"
    before = page.evaluate(wide)
    keys.press("+")
    assert page.evaluate(wide) == pytest.approx(1.25 * before)
    keys.press("0")
    assert page.evaluate(wide) == pytest.approx(before)
    keys.press("ArrowDown")
    shown.until("document.querySelector('#p1-graph .graph').scrollTop > 0")
    keys.press("Tab")
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    keys.press("Enter")
    row = page.locator(f"{LAYERS} tr.picked")
    assert row.locator("td").nth(1).text_content() == "maxpool"
    assert page.evaluate("document.activeElement.classList.contains('picked')")
    assert "maxpool, pooling" in (page.locator("#p1-graph [role=status]").text_content() or "")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.heard == []


def test_the_graph_is_dragged_and_clicked(opened: Any, resnet: str) -> None:
    shown = opened(resnet)
    view = shown.page.locator("#p1-graph .graph")
    view.scroll_into_view_if_needed()
    box = view.bounding_box()
    x, y = box["x"] + 40, box["y"] + 200
    shown.page.mouse.move(x, y)
    shown.page.mouse.down()
    shown.page.mouse.move(x, y - 120)
    shown.page.mouse.up()
    top = "document.querySelector('#p1-graph .graph').scrollTop"
    assert shown.page.evaluate(top) == pytest.approx(120, abs=2)
    shown.page.locator("#p1-graph [data-layer='4']").click()
    assert shown.page.locator(f"{LAYERS} tr.picked td").first.text_content() == "4"


def test_a_graph_that_is_drawn_again_is_listened_to_once(opened: Any, resnet: str) -> None:
    """A page replaces its results at every change; what was shown before must be let go."""
    page = opened(resnet).page
    added = page.evaluate(
        """() => {
          let added = 0;
          const listen = window.addEventListener;
          window.addEventListener = (...call) => { added += 1; listen.apply(window, call); };
          const figure = document.querySelector("#p1-graph");
          for (let n = 0; n < 3; n += 1) {
            const again = figure.cloneNode(true);
            delete again.querySelector("[data-graph]").dataset.ready;
            figure.replaceWith(again);
            window.EdgeProfiler.graphs(document);
            again.replaceWith(figure);
          }
          window.addEventListener = listen;
          return added;
        }"""
    )
    assert added == 0
