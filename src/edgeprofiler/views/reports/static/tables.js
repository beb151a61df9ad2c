// Tables that sort and filter, by mouse and by keyboard.
//
// Sorts every <table data-sortable> by a button in each heading; filters the table that a
// <form data-filter-for="id"> names. Pages that add tables later call EdgeProfiler.enhance(root).
(() => {
  "use strict";

  const key = (cell, numeric) => {
    if (!cell) return numeric ? NaN : "";
    const text = cell.dataset.v ?? cell.textContent;
    return numeric ? parseFloat(text) : text;
  };

  const compare = (numeric) => (a, b) => {
    if (!numeric) return a.key.localeCompare(b.key, undefined, { numeric: true });
    return a.key - b.key;
  };

  // Rows without a value stay at the end, whichever way the rest is sorted.
  const sort = (table, heading) => {
    const column = heading.cellIndex;
    const numeric = heading.classList.contains("n");
    const before = heading.getAttribute("aria-sort");
    const first = numeric ? "descending" : "ascending";
    const second = numeric ? "ascending" : "descending";
    const order = before === first ? second : first;
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => ({ row, key: key(row.cells[column], numeric) }));
    const known = rows.filter((r) => (numeric ? !Number.isNaN(r.key) : r.key !== ""));
    const unknown = rows.filter((r) => (numeric ? Number.isNaN(r.key) : r.key === ""));
    known.sort(compare(numeric));
    if (order === "descending") known.reverse();
    body.append(...known.map((r) => r.row), ...unknown.map((r) => r.row));
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", order);
  };

  const sortable = (table) => {
    if (table.dataset.ready) return;
    table.dataset.ready = "yes";
    for (const heading of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      button.addEventListener("click", () => sort(table, heading));
      heading.append(button);
    }
  };

  const filterable = (form) => {
    const table = document.getElementById(form.dataset.filterFor);
    if (!table || form.dataset.ready) return;
    form.dataset.ready = "yes";
    form.hidden = false;
    const words = form.querySelector("input");
    const kind = form.querySelector("select");
    const count = form.querySelector("output");
    const rows = Array.from(table.tBodies[0].rows, (row) => {
      const titles = Array.from(row.querySelectorAll("[title]"), (cell) => cell.title);
      const text = Array.from(row.cells, (cell) => cell.textContent).concat(titles).join("\u0001");
      return { row, text: text.toLowerCase() };
    });
    const share = Array.from(table.tHead.rows[0].cells).findIndex((c) => /^share/.test(c.textContent));
    const known = share >= 0 && rows.some(({ row }) => key(row.cells[share], true) > 0);
    const apply = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      let sum = 0;
      for (const { row, text } of rows) {
        const fits = (!kind || !kind.value || row.dataset.g === kind.value) &&
          wanted.every((word) => text.includes(word));
        if (row.hidden === fits) row.hidden = !fits;
        if (!fits) continue;
        shown += 1;
        if (known) sum += key(row.cells[share], true) || 0;
      }
      const part = known ? `, ${(100 * sum).toFixed(1)} % of the energy` : "";
      count.textContent = `${shown} of ${rows.length} rows${part}`;
    };
    words.addEventListener("input", apply);
    if (kind) kind.addEventListener("change", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    apply();
  };

  const enhance = (root) => {
    root.querySelectorAll("table[data-sortable]").forEach(sortable);
    root.querySelectorAll("form[data-filter-for]").forEach(filterable);
    if (window.EdgeProfiler.graphs) window.EdgeProfiler.graphs(root);
    if (window.EdgeProfiler.drawAll) window.EdgeProfiler.drawAll(root);
  };

  window.EdgeProfiler = Object.assign(window.EdgeProfiler || {}, { enhance });
  enhance(document);
})();
