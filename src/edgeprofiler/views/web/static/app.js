// Makes the forms answer at once. Without this script they work by their buttons.
//
// Nothing here needs the other scripts at load: a reader may choose before they arrive.
(() => {
  "use strict";

  const results = document.getElementById("results");
  const status = document.getElementById("status");
  const form = document.querySelector("form[data-live], form[data-asked]");
  if (!form || !results || !status) return;
  const live = "live" in form.dataset;
  let running = null;

  const query = (of) => {
    const values = new URLSearchParams();
    for (const [name, value] of new FormData(of)) {
      if (typeof value === "string" && value !== "") values.append(name, value);
    }
    return values;
  };

  const addressed = (of = form) => `${form.getAttribute("action")}?${query(of)}`;

  // The form as the server wrote it, whatever was chosen before this script came.
  const written = form.cloneNode(true);
  written.reset();
  let asked = addressed(written); // the address whose answer is shown, or on its way

  const say = (text) => {
    status.textContent = text;
  };

  // To those who do not see that the results below have changed.
  const tell = (text) => {
    const words = document.createElement("span");
    words.className = "sr";
    words.textContent = text;
    status.replaceChildren(words);
  };

  // New results take the place of old ones; charts stay where they are and get new data.
  const show = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    const kept = [];
    for (const canvas of fresh.querySelectorAll("[data-figure]")) {
      const old = results.querySelector(`[data-figure="${canvas.dataset.figure}"]`);
      if (old && old.classList.contains("js-plotly-plot")) {
        canvas.replaceWith(old);
        kept.push(old);
      }
    }
    results.replaceChildren(...fresh.childNodes);
    for (const canvas of kept) {
      const source = document.getElementById(canvas.dataset.figure);
      window.EdgeProfiler.draw(canvas, JSON.parse(source.textContent));
    }
    // A script that comes later finds these results by itself.
    window.EdgeProfiler?.enhance?.(results);
    const summary = results.querySelector("[data-summary]");
    const alert = summary && summary.getAttribute("role") === "alert";
    tell(summary && !alert ? summary.textContent.replace(/\s+/g, " ").trim() : "");
  };

  const update = async () => {
    if (running) running.abort();
    const mine = new AbortController();
    running = mine;
    const address = addressed();
    asked = address;
    results.setAttribute("aria-busy", "true");
    say(live ? "" : "Working; this can take some seconds.");
    try {
      const answer = await fetch(address, {
        headers: { "x-results-only": "yes", accept: "text/html" }, signal: mine.signal,
      });
      const text = await answer.text();
      if (running !== mine) return;
      show(text);
      history.replaceState(null, "", address);
    } catch (error) {
      if (error.name === "AbortError") return;
      asked = null;
      say("The server does not answer. Is it still running?");
    } finally {
      if (running === mine) {
        results.removeAttribute("aria-busy");
        running = null;
      }
    }
  };

  // The device whose power modes each choice lists; another device has others.
  const listed = new Map();
  for (const device of form.querySelectorAll("[data-device]")) {
    listed.set(device, written.elements.namedItem(device.name).value);
  }
  const listModes = () => {
    for (const [device, before] of listed) {
      if (device.value === before) continue;
      listed.set(device, device.value);
      const mode = device.closest("[data-choice]").querySelector("[data-mode]");
      const { modes: names, default: chosen } = device.selectedOptions[0].dataset;
      mode.replaceChildren(...names.split(" ").map((name) => new Option(name, name, false, name === chosen)));
    }
  };

  const send = async (choice, file) => {
    say(`Sending ${file.name} …`);
    results.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(`/api/v1/models?name=${encodeURIComponent(file.name.slice(-200))}`, {
        method: "POST", body: file, headers: { "content-type": "application/octet-stream" },
      });
      const found = await answer.json();
      if (!answer.ok) {
        refuse(found.error.message);
        return;
      }
      for (const files of document.querySelectorAll("[data-files]")) {
        files.hidden = false;
        files.append(new Option(found.name, found.model));
      }
      choice.querySelector("[data-model]").value = found.model;
      // Sizes that one file needed say nothing about the next.
      choice.querySelector("input[name$=resolution]").value = "";
      choice.querySelector("input[name$=batch]").value = found.note ? "1" : "";
      if (live) await update();
      else say(`${found.name} is chosen.`);
    } catch (error) {
      refuse("The file could not be sent. Is the server still running?");
    } finally {
      results.removeAttribute("aria-busy");
    }
  };

  const refuse = (text) => {
    const problem = document.createElement("p");
    problem.className = "problem";
    problem.setAttribute("role", "alert");
    // As `prose` of views/markup.py: what stands between backticks is code.
    text.split(/`([^`\n]+)`/).forEach((part, place) => {
      const code = place % 2 ? document.createElement("code") : null;
      if (code) code.textContent = part;
      problem.append(code ?? part);
    });
    results.querySelectorAll(":scope > .problem").forEach((old) => old.remove());
    results.prepend(problem);
    say("");
  };

  let timer = 0;
  const soon = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      // Leaving a field that was answered already is no change: new results would replace the
      // very link that is being clicked.
      if (addressed() !== asked) update();
    }, wait);
  };

  form.addEventListener("change", (event) => {
    listModes();
    if (live && !event.target.matches("[type=file]")) soon(0);
  });
  form.addEventListener("input", (event) => {
    if (live && event.target.matches("input[type=number]")) soon(250);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    update();
  });
  for (const choice of form.querySelectorAll("[data-choice]")) {
    const file = choice.querySelector("[data-file]");
    const drop = choice.querySelector("[data-drop]");
    choice.querySelector("[data-send]").hidden = true;
    choice.querySelector("[data-hint]").hidden = false;
    const sendChosen = () => {
      if (file.files.length) send(choice, file.files[0]);
    };
    file.addEventListener("change", sendChosen);
    sendChosen();
    drop.addEventListener("dragover", (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      if (event.dataTransfer.files.length) send(choice, event.dataTransfer.files[0]);
    });
  }

  // What was chosen before this script came, or what the browser put back on coming back.
  const settle = () => {
    listModes();
    if (live) soon(0);
  };
  settle();
  window.addEventListener("pageshow", settle);
})();
