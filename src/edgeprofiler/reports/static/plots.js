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

  const draw = (element, figure, width) => {
    drawn.set(element, figure);
    element.style.height = `${figure.layout.height}px`;
    if (!hasLibrary()) return null;
    const layout = Object.assign(themed(figure.layout), {
      width: width || element.clientWidth || 640,
    });
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
