// Draws figures that the page holds as JSON, in the colours of the page.
//
// <div data-figure="id"> is drawn from <script type="application/json" id="id"> once it comes
// into view, after the page has loaded. EdgeProfiler.draw(element, figure) draws or redraws one from values.
(() => {
  "use strict";

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const themed = (layout) => {
    const axis = { gridcolor: colour("--grid"), linecolor: colour("--line"), tickcolor: colour("--line") };
    const made = Object.assign({}, layout, {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colour("--ink"), family: getComputedStyle(document.body).fontFamily, size: 12 },
      hoverlabel: {
        bgcolor: colour("--raised"), bordercolor: colour("--line"),
        font: { color: colour("--ink") }, align: "left",
      },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--soft"), activecolor: colour("--accent") },
    });
    for (const name of Object.keys(layout)) {
      if (/^[xy]axis/.test(name)) made[name] = Object.assign({}, layout[name], axis);
    }
    return made;
  };

  const config = {
    displaylogo: false,
    responsive: false,
    displayModeBar: "hover",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "sendChartToCloud"],
    plotlyServerURL: "", // nothing of a page is sent anywhere
    toImageButtonOptions: { format: "png", scale: 2 },
  };
  const drawn = new Map();

  // A report holds Plotly as text that nothing runs, so that the page is there before it; the
  // page's policy knows the text by its hash. A served page loads Plotly as a file, after all
  // else; figures wait for it.
  const hasLibrary = () => {
    const source = document.getElementById("plotly-source");
    if (window.Plotly || !source) return Boolean(window.Plotly);
    const script = document.createElement("script");
    script.textContent = source.textContent;
    document.head.append(script);
    return Boolean(window.Plotly);
  };

  // What keys go through, from left to right, or from top to bottom where bars lie.
  const marks = (data) => {
    const found = [];
    data.forEach((trace, curve) => {
      if (trace.hoverinfo === "skip" || trace.hoverinfo === "name") return;
      const along = trace.orientation === "h" ? trace.y : trace.x;
      along.forEach((place, point) => {
        if (place !== null) found.push({ curve, point, place });
      });
    });
    return found.sort((a, b) => a.place - b.place || a.curve - b.curve);
  };

  const plain = (text) =>
    new DOMParser().parseFromString(text.replaceAll("<br>", ", "), "text/html").body.textContent;

  const words = (figure, { curve, point }) => {
    const trace = figure.data[curve];
    const own = trace.customdata?.[point];
    if (typeof own === "string") return plain(own);
    if (trace.hovertext?.[point]) return plain(trace.hovertext[point]);
    const { xaxis, yaxis } = figure.layout;
    return `${xaxis.title.text}: ${trace.x[point]}; ${yaxis.title.text}: ${trace.y[point]}`;
  };

  let said = null;
  const say = (text) => {
    if (!said) {
      said = document.createElement("p");
      said.className = "sr";
      said.setAttribute("role", "status");
      document.body.append(said);
    }
    said.textContent = text;
  };

  // By keyboard: arrow keys show, and say, the tip of one mark after another.
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 20, PageUp: -20,
    Home: -Infinity, End: Infinity };
  const places = new WeakMap();
  const keyed = (element) => {
    if (places.has(element)) return;
    places.set(element, 0);
    element.tabIndex = 0;
    element.setAttribute("role", "application");
    element.setAttribute("aria-roledescription", "chart");
    element.setAttribute("aria-label", `${element.getAttribute("aria-label")}. Arrow keys read it.`);
    const go = (step) => {
      fromPage(element);
      const figure = drawn.get(element);
      if (!figure || !window.Plotly) return;
      const all = marks(figure.data);
      if (!all.length) return;
      const at = Math.min(Math.max(places.get(element) + step, 0), all.length - 1);
      places.set(element, at);
      const { curve, point } = all[at];
      const { xaxis = "x", yaxis = "y" } = figure.data[curve];
      window.Plotly.Fx.hover(element, [{ curveNumber: curve, pointNumber: point }], xaxis + yaxis);
      say(`${words(figure, all[at])} (${at + 1} of ${all.length})`);
    };
    const leave = () => {
      if (element.classList.contains("js-plotly-plot")) window.Plotly.Fx.unhover(element);
      say("");
    };
    element.addEventListener("focus", () => {
      if (element.matches(":focus-visible")) go(0);
    });
    element.addEventListener("blur", leave);
    element.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key === "Escape") leave();
      if (!(event.key in steps)) return;
      event.preventDefault();
      go(steps[event.key]);
    });
  };

  // Lower on paper: two charts and their tables fit on a sheet.
  const draw = (element, figure, paper) => {
    drawn.set(element, figure);
    const height = Math.round(figure.layout.height * (paper ? 0.72 : 1));
    element.style.height = `${height}px`;
    if (!hasLibrary()) return null;
    const width = paper || element.clientWidth || 640;
    const layout = Object.assign(themed(figure.layout), { width, height });
    // A figure that is changed in place keeps the margins of its old width.
    window.Plotly.purge(element);
    return window.Plotly.newPlot(element, figure.data, layout, config);
  };

  // A4 less its margins is 700 px wide; a figure with a table takes half of that.
  const onPaper = (element) => (element.parentElement.querySelector("table") ? 335 : 690);

  const redraw = (paper) => {
    for (const [element, figure] of drawn) {
      if (element.isConnected) draw(element, figure, paper ? onPaper(element) : 0);
      else drawn.delete(element);
    }
  };

  const fromPage = (element) => {
    if (drawn.has(element)) return;
    const source = document.getElementById(element.dataset.figure);
    if (source) draw(element, JSON.parse(source.textContent));
  };

  // One chart at a time, so that the reader can scroll and sort between them.
  const waiting = [];
  const drawNext = () => {
    if (!waiting.length || !hasLibrary()) return;
    const element = waiting.shift();
    if (element.isConnected) fromPage(element);
    setTimeout(drawNext);
  };
  const file = document.getElementById("plotly-file");
  if (file) {
    file.addEventListener("load", () => {
      redraw(false);
      drawNext();
    });
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      if (waiting.push(entry.target) === 1) setTimeout(drawNext);
    }
  }, { rootMargin: "300px" });

  const drawAll = (root) => {
    for (const element of root.querySelectorAll("[data-figure]")) {
      // The height is kept before drawing, so that neither page nor print jumps.
      if (element.dataset.height) element.style.height = `${element.dataset.height}px`;
      keyed(element);
      seen.observe(element);
    }
  };

  let timer = 0;
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(timer);
    timer = setTimeout(() => redraw(false), 120);
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw(false));
  // Whatever was not in view yet is drawn for paper.
  const print = window.matchMedia("print");
  print.addEventListener("change", () => {
    if (print.matches) document.querySelectorAll("[data-figure]").forEach(fromPage);
    redraw(print.matches);
  });

  window.EdgeProfiler = Object.assign(window.EdgeProfiler || {}, { draw, drawAll });
  if (document.readyState === "complete") drawAll(document);
  else window.addEventListener("load", () => setTimeout(() => drawAll(document)));
})();
