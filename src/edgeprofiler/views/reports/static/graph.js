// A network's graph that is moved, enlarged and asked, by mouse and by keyboard.
//
// <div data-graph="id"> scrolls an SVG of which every <g data-layer> is a box; `id` is the table
// whose rows the boxes show. Scrolling is the browser's own, so touch and arrow keys move it.
(() => {
  "use strict";

  const STEP = 1.25;
  const LEAST = 0.1;
  const MOST = 4;
  let held = null; // the graph that the pointer moves, and where it was taken

  // A row of the table by the layer's index, which stands in its first cell.
  const rowOf = (table, layer) => {
    const rows = table ? Array.from(table.tBodies[0].rows) : [];
    return rows.find(({ cells }) => (cells[0].dataset.v ?? cells[0].textContent).trim() === layer);
  };

  const start = (view) => {
    if (view.dataset.ready) return;
    view.dataset.ready = "yes";
    const svg = view.querySelector("svg");
    const figure = view.closest("figure");
    const said = figure.querySelector("[role=status]");
    const tools = figure.querySelector(".graph-tools");
    const layers = Array.from(svg.querySelectorAll("[data-layer]"));
    const full = { width: svg.width.baseVal.value, height: svg.height.baseVal.value };
    let scale = 1;

    // The point (x, y) of the view stays where it is.
    const zoomTo = (wanted, x = view.clientWidth / 2, y = view.clientHeight / 2) => {
      const before = scale;
      scale = Math.min(MOST, Math.max(LEAST, wanted));
      svg.setAttribute("width", full.width * scale);
      svg.setAttribute("height", full.height * scale);
      view.scrollLeft = (view.scrollLeft + x) * (scale / before) - x;
      view.scrollTop = (view.scrollTop + y) * (scale / before) - y;
    };

    const whole = () => zoomTo(Math.min(view.clientWidth / full.width, view.clientHeight / full.height));

    const reset = () => {
      zoomTo(Math.min(1, Math.max(0.5, view.clientWidth / full.width)));
      view.scrollTop = 0;
      view.scrollLeft = (svg.width.baseVal.value - view.clientWidth) / 2;
    };

    const focus = (layer) => {
      if (!layer) return;
      for (const other of layers) other.setAttribute("tabindex", other === layer ? 0 : -1);
      layer.focus({ preventScroll: true });
      layer.scrollIntoView({ block: "nearest", inline: "nearest" });
    };

    const show = (layer) => {
      for (const other of layers) other.classList.toggle("picked", other === layer);
      const table = document.getElementById(view.dataset.graph);
      const row = rowOf(table, layer.dataset.layer);
      said.textContent = layer.getAttribute("aria-label");
      if (table) for (const other of table.tBodies[0].rows) other.classList.remove("picked");
      if (!row) return;
      row.hidden = false;
      row.classList.add("picked");
      row.tabIndex = -1;
      row.focus({ preventScroll: true });
      row.scrollIntoView({ block: "center" });
    };

    const acts = { larger: () => zoomTo(scale * STEP), smaller: () => zoomTo(scale / STEP), whole, reset };
    const keys = { "+": acts.larger, "=": acts.larger, "-": acts.smaller, "0": reset, w: whole };

    view.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const at = layers.indexOf(document.activeElement);
      let act = keys[event.key];
      if (at >= 0 && event.key === "ArrowDown") act = () => focus(layers[at + 1]);
      if (at >= 0 && event.key === "ArrowUp") act = () => focus(layers[at - 1]);
      if (at >= 0 && (event.key === "Enter" || event.key === " ")) act = () => show(layers[at]);
      if (!act) return;
      event.preventDefault();
      act();
    });

    // A page that scrolls past a picture does not enlarge it: only one that was entered does.
    view.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !view.contains(document.activeElement)) return;
      event.preventDefault();
      const box = view.getBoundingClientRect();
      zoomTo(scale * STEP ** (-Math.sign(event.deltaY)), event.clientX - box.left, event.clientY - box.top);
    }, { passive: false });

    let moved = false;
    view.addEventListener("pointerdown", (event) => {
      moved = false;
      if (event.pointerType === "touch" || event.button) return;
      held = { view, x: event.clientX + view.scrollLeft, y: event.clientY + view.scrollTop,
        from: [event.clientX, event.clientY], far: () => { moved = true; } };
    });
    view.addEventListener("click", (event) => {
      const layer = event.target.closest("[data-layer]");
      if (layer && !moved) show(layer);
    });

    for (const layer of layers) layer.setAttribute("role", "button");
    layers.forEach((layer, place) => layer.setAttribute("tabindex", place ? -1 : 0));
    tools.hidden = false;
    tools.addEventListener("click", (event) => acts[event.target.dataset.act]?.());
    reset();
  };

  // The window outlives the graphs of a page that is drawn again: it is listened to once.
  window.addEventListener("pointermove", (event) => {
    if (!held) return;
    if (Math.hypot(event.clientX - held.from[0], event.clientY - held.from[1]) > 4) held.far();
    held.view.scrollLeft = held.x - event.clientX;
    held.view.scrollTop = held.y - event.clientY;
  });
  window.addEventListener("pointerup", () => { held = null; });

  const graphs = (root) => root.querySelectorAll("[data-graph]").forEach(start);
  window.EdgeProfiler = Object.assign(window.EdgeProfiler || {}, { graphs });
  graphs(document);
})();
