"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const charts = document.getElementById("tieout-charts").textContent;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const COLOURS = {
    "#010101": ["#57606a", "#a3abb3"], "#020202": ["#d0d7de", "#363c43"], "#030303": ["#005a9c", "#6cb6f0"],
    "#040404": ["#b04a00", "#f0a35e"], "#050505": ["#0a6b3d", "#5fce98"], "#060606": ["#a3202b", "#ff8f96"],
  };

  function draw(isDark) {
    if (typeof Bokeh === "undefined") return;
    let text = charts;
    for (const [name, pair] of Object.entries(COLOURS)) text = text.replaceAll(name, pair[isDark ? 1 : 0]);
    waiting.disconnect();
    items = new Map(Object.values(JSON.parse(text)).map((item) => [item.target_id, item]));
    for (const name of items.keys()) {
      const place = document.getElementById(name);
      place.replaceChildren();
      waiting.observe(place);
    }
  }
  // A chart is drawn when it is about to be seen: the answer does not wait for all of them.
  let items = new Map();
  const waiting = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      waiting.unobserve(entry.target);
      Bokeh.embed.embed_item(items.get(entry.target.id));
    }
  }, { rootMargin: "300px" });
  function drawAll() {
    for (const [name, item] of items) {
      const place = document.getElementById(name);
      if (!place.hasChildNodes()) { waiting.unobserve(place); Bokeh.embed.embed_item(item); }
    }
  }
  draw(dark.matches);
  dark.addEventListener("change", (event) => draw(event.matches));
  window.addEventListener("beforeprint", () => { if (dark.matches) draw(false); if (items.size) drawAll(); });
  window.addEventListener("afterprint", () => { if (dark.matches) draw(true); });

  const HEIGHT = 28, SPARE = 12;
  const grids = {};

  class Grid {
    constructor(frame, data) {
      this.frame = frame;
      this.name = frame.dataset.grid;
      this.data = data;
      this.numeric = new Set(data.numeric);
      this.order = data.rows.map((_, place) => place);
      this.words = [];
      this.sorted = null;
      this.here = -1;
      this.body = frame.querySelector("tbody");
      this.tools();
      this.heads();
      if (data.rows.length > 40) frame.addEventListener("scroll", () => this.show());
      this.show();
    }
    tools() {
      if (this.data.rows.length < 10) return;
      const tools = document.createElement("div");
      tools.className = "tools";
      const label = document.createElement("label");
      label.textContent = "Filter ";
      this.input = document.createElement("input");
      this.input.type = "search";
      this.input.placeholder = "words that a row holds";
      this.input.addEventListener("input", () => this.filter(this.input.value));
      label.append(this.input);
      this.count = document.createElement("span");
      this.count.setAttribute("aria-live", "polite");
      tools.append(label, this.count);
      this.frame.before(tools);
    }
    heads() {
      this.frame.querySelectorAll("thead th").forEach((head, column) => {
        const button = document.createElement("button");
        button.textContent = head.textContent;
        head.replaceChildren(button);
        button.addEventListener("click", () => this.sort(column, head));
      });
    }
    text(row) {
      return this.data.rows[row].map((cell) => (cell === null ? "" : String(cell))).join("\u0001").toLowerCase();
    }
    filter(text, test) {
      this.words = text.toLowerCase().split(/\s+/).filter(Boolean);
      const kept = [];
      this.data.rows.forEach((row, place) => {
        if (test && !test(row)) return;
        const whole = this.words.length ? this.text(place) : "";
        if (this.words.every((word) => whole.includes(word))) kept.push(place);
      });
      this.order = kept;
      this.here = -1;
      if (this.sorted) this.arrange();
      this.frame.scrollTop = 0;
      this.show();
    }
    sort(column, head) {
      const up = !(this.sorted && this.sorted.column === column && this.sorted.up);
      this.sorted = { column, up };
      this.frame.querySelectorAll("thead th").forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      this.arrange();
      this.show();
    }
    arrange() {
      const { column, up } = this.sorted, numeric = this.numeric.has(column), rows = this.data.rows;
      const key = (place) => {
        const cell = rows[place][column];
        return cell === null || cell === "" ? null : numeric ? Number(cell) : String(cell);
      };
      this.order.sort((a, b) => {
        const x = key(a), y = key(b);
        if (x === null || y === null) return x === y ? a - b : x === null ? 1 : -1;
        const order = x < y ? -1 : x > y ? 1 : 0;
        return (up ? order : -order) || a - b;
      });
    }
    show() {
      const total = this.order.length;
      const first = Math.max(0, Math.floor(this.frame.scrollTop / HEIGHT) - SPARE);
      const seen = Math.ceil(this.frame.clientHeight / HEIGHT) + 2 * SPARE;
      const last = Math.min(total, first + Math.max(seen, 40));
      const rows = document.createDocumentFragment();
      const pad = (count) => {
        const row = document.createElement("tr"), cell = document.createElement("td");
        row.setAttribute("aria-hidden", "true");
        cell.colSpan = this.data.columns.length;
        cell.style.height = `${count * HEIGHT}px`;
        cell.style.padding = "0";
        row.append(cell);
        return row;
      };
      if (first) rows.append(pad(first));
      for (let place = first; place < last; place += 1) rows.append(this.row(place));
      if (last < total) rows.append(pad(total - last));
      this.body.replaceChildren(rows);
      if (this.count) this.count.textContent = `${total.toLocaleString("en")} of ${this.data.rows.length.toLocaleString("en")} rows`;
    }
    row(place) {
      const number = this.order[place], row = document.createElement("tr");
      row.id = `${this.name}-${number + 1}`;
      if (place === this.here) row.className = "here";
      this.data.rows[number].forEach((value, column) => {
        const cell = document.createElement("td");
        const text = value === null ? "" : String(value);
        cell.textContent = text;
        cell.title = text;
        if (this.numeric.has(column)) cell.className = "number";
        if (column === 0) {
          const link = document.createElement("a");
          link.href = `#${row.id}`;
          link.textContent = text || "·";
          cell.replaceChildren(link);
        }
        row.append(cell);
      });
      return row;
    }
    go(place) {
      if (!this.order.length) return;
      this.here = Math.min(this.order.length - 1, Math.max(0, place));
      this.frame.scrollTop = Math.max(0, this.here * HEIGHT - this.frame.clientHeight / 2);
      this.show();
    }
    find(number) {
      if (!this.order.includes(number)) this.filter("");
      this.go(this.order.indexOf(number));
      this.frame.scrollIntoView({ block: "center" });
    }
  }

  const data = read("tieout-grids");
  document.querySelectorAll("[data-grid]").forEach((frame) => {
    grids[frame.dataset.grid] = new Grid(frame, data[frame.dataset.grid]);
  });

  function follow() {
    const parts = /^#([a-z-]+?)-(\d+)$/.exec(location.hash);
    if (parts && grids[parts[1]]) grids[parts[1]].find(Number(parts[2]) - 1);
  }
  window.addEventListener("hashchange", follow);
  follow();

  const breaks = grids.breaks;
  document.querySelectorAll(".map a").forEach((cell) => cell.addEventListener("click", () => {
    if (!breaks) return;
    const [from, to] = cell.dataset.stretch.split(" .. ");
    breaks.input && (breaks.input.value = "");
    breaks.filter("", (row) => row[4] === cell.dataset.stage && row[3] >= from && row[3] <= (to || from) + "~");
  }));
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "t") window.scrollTo({ top: 0 });
    if (!breaks) return;
    if (event.key === "j") breaks.go(breaks.here + 1);
    if (event.key === "k") breaks.go(breaks.here - 1);
    if (event.key === "f" && breaks.input) { event.preventDefault(); breaks.input.focus(); }
    if ("jk".includes(event.key)) breaks.frame.scrollIntoView({ block: "nearest" });
  });
})();
