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
    document.documentElement.classList.toggle("dark-charts", isDark);
    let text = charts;
    for (const [name, pair] of Object.entries(COLOURS)) text = text.replaceAll(name, pair[isDark ? 1 : 0]);
    waiting.disconnect();
    items = new Map(Object.values(JSON.parse(text)).map((item) => [item.target_id, item]));
    for (const name of items.keys()) {
      const place = document.getElementById(name);
      place.replaceChildren();
      waiting.observe(place);
    }
    setTimeout(drawIdly, 300);
  }
  // A chart is drawn when it is about to be seen, the others when there is nothing else to do: the answer
  // does not wait for them.
  let items = new Map();
  function embed(name) {
    const item = items.get(name);
    if (!item) return;
    items.delete(name);
    waiting.unobserve(document.getElementById(name));
    Bokeh.embed.embed_item(item);
  }
  const waiting = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) embed(entry.target.id);
    }
  }, { rootMargin: "300px" });
  function drawNext() {
    const [name] = items.keys();
    if (name !== undefined) embed(name);
    return items.size > 0;
  }
  function drawAll() { while (drawNext()); }
  const idle = window.requestIdleCallback || ((then) => setTimeout(then, 100));
  const drawIdly = () => idle(() => { if (drawNext()) drawIdly(); });

  const HEIGHT = 28, SPARE = 12, PRINTED = 40, PAPER = 680, DATE = /^\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?$/;
  const data = read("tieout-grids");
  const grids = {};
  const number = (count) => count.toLocaleString("en");
  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  class Grid {
    constructor(frame, given) {
      this.frame = frame;
      this.name = frame.dataset.grid;
      this.data = given;
      this.columns = given.columns;
      this.numeric = new Set(given.numeric);
      this.order = given.rows.map((_, place) => place);
      this.texts = [];
      this.words = "";
      this.only = {};
      this.sorted = null;
      this.here = -1;
      this.body = frame.querySelector("tbody");
      this.tools();
      this.heads();
      let drawn = false;
      if (given.rows.length > PRINTED) frame.addEventListener("scroll", () => {
        if (drawn) return;
        drawn = true;
        requestAnimationFrame(() => { drawn = false; if (!this.covered()) this.show(); });
      });
      this.show();
    }
    tools() {
      if (this.data.rows.length < 10) return;
      const tools = element("div", undefined, "tools"), label = element("label", "Filter ");
      this.input = element("input");
      this.input.type = "search";
      this.input.placeholder = "words that a row holds";
      this.input.addEventListener("input", () => { this.words = this.input.value; this.filter(); remember(this); });
      label.append(this.input);
      this.count = element("span");
      this.count.setAttribute("aria-live", "polite");
      this.all = element("button", "Show all");
      this.all.type = "button";
      this.all.hidden = true;
      this.all.addEventListener("click", () => { this.set({}); remember(this); });
      const copy = element("button", "Copy link");
      copy.type = "button";
      copy.addEventListener("click", () => { remember(this); copyLink(copy); });
      tools.append(label, this.count, this.all, copy);
      this.frame.before(tools);
    }
    heads() {
      this.frame.querySelectorAll("thead th").forEach((head, column) => {
        const button = element("button", head.textContent);
        button.type = "button";
        head.replaceChildren(button);
        button.addEventListener("click", () => this.sort(column, head));
      });
    }
    text(place) {
      if (this.texts[place] === undefined) {
        this.texts[place] = this.data.rows[place].map((cell) => (cell === null ? "" : String(cell))).join("\u0001").toLowerCase();
      }
      return this.texts[place];
    }
    // What is shown: words (q), a value of a column (symbol, stage, rebalance), periods (since, until), and
    // a stretch of time (from, to).
    set(wanted) {
      const { q, row, ...only } = wanted;
      this.words = q || "";
      this.only = only;
      if (this.input) this.input.value = this.words;
      this.filter();
    }
    tests() {
      const tests = [], period = this.columns.indexOf("rebalance"), time = this.columns.indexOf(this.columns.includes("time") ? "time" : "month");
      for (const [name, value] of Object.entries(this.only)) {
        const column = this.columns.indexOf(name);
        if (name === "since" && period >= 0) tests.push((row) => (row[period] ?? -1) >= Number(value));
        else if (name === "until" && period >= 0) tests.push((row) => (row[period] ?? -1) <= Number(value));
        else if (name === "from" && time >= 0) tests.push((row) => row[time] >= value);
        else if (name === "to" && time >= 0) tests.push((row) => row[time] <= value + "~");
        else if (column >= 0) tests.push((row) => String(row[column] ?? "") === value);
      }
      return tests;
    }
    fits(only) {
      const before = this.only;
      this.only = only;
      const tests = this.tests();
      this.only = before;
      return this.data.rows.some((row) => tests.every((test) => test(row)));
    }
    filter() {
      const words = this.words.toLowerCase().split(/\s+/).filter(Boolean), tests = this.tests(), kept = [];
      this.data.rows.forEach((row, place) => {
        if (tests.every((test) => test(row)) && (!words.length || words.every((word) => this.text(place).includes(word)))) kept.push(place);
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
    // Whether the rows that can be seen are in the page already. They are then left alone: a row that is replaced while
    // a finger or a button is down on it loses the click.
    covered() {
      const [first, last] = this.held, seen = this.frame.scrollTop / HEIGHT;
      return seen >= first && Math.min(this.order.length, seen + this.frame.clientHeight / HEIGHT) <= last;
    }
    show(printing) {
      const total = this.order.length;
      const first = printing ? 0 : Math.max(0, Math.floor(this.frame.scrollTop / HEIGHT) - SPARE);
      const seen = Math.ceil(this.frame.clientHeight / HEIGHT) + 2 * SPARE;
      const last = Math.min(total, printing ? PRINTED : first + Math.max(seen, PRINTED));
      this.held = [first, last];
      const rows = document.createDocumentFragment();
      const pad = (count) => {
        const row = element("tr", undefined, "pad"), cell = element("td");
        row.setAttribute("aria-hidden", "true");
        cell.colSpan = this.columns.length;
        cell.style.height = `${count * HEIGHT}px`;
        cell.style.padding = "0";
        row.append(cell);
        return row;
      };
      const say = (text) => {
        const row = element("tr"), cell = element("td", text, "note");
        cell.colSpan = this.columns.length;
        row.append(cell);
        rows.append(row);
      };
      if (first) rows.append(pad(first));
      for (let place = first; place < last; place += 1) rows.append(this.row(place));
      if (last < total && printing) say(`and ${number(total - last)} more rows`);
      else if (last < total) rows.append(pad(total - last));
      if (!total) say(this.data.left_out ? `None of the rows held here; ${number(this.data.left_out)} more are counted, not held. reconcile diff --csv FILE writes all.` : "No row.");
      this.body.replaceChildren(rows);
      const only = Object.entries(this.only).map(([name, value]) => `${name === "since" || name === "until" ? `${name} rebalance` : name} ${value}`).join(", ");
      if (this.count) this.count.textContent = `${number(total)} of ${number(this.data.rows.length)} rows${only ? `: ${only}` : ""}`;
      if (this.all) this.all.hidden = !only && !this.words;
    }
    row(place) {
      const at = this.order[place], row = element("tr");
      row.id = `${this.name}-${at + 1}`;
      if (place === this.here) row.className = "here";
      this.data.rows[at].forEach((value, column) => {
        const text = value === null ? "" : String(value);
        const cell = element("td", undefined, this.numeric.has(column) ? "number" : DATE.test(text) ? "date" : undefined);
        cell.title = text;
        const target = this.target(column, value, at);
        if (target) {
          const link = element("a", text || "·");
          link.href = target;
          cell.append(link);
        } else cell.textContent = text;
        row.append(cell);
      });
      return row;
    }
    // Where a cell leads: its own row, or the breaks of its symbol or of its period.
    target(column, value, at) {
      const name = this.columns[column];
      if (column === 0) return `#${this.name}-${at + 1}`;
      if (value === null || value === "" || !grids.breaks) return null;
      if (name === "symbol" || name === "rebalance") return address("breaks", { [name]: String(value) });
      const period = this.data.rows[at][0];
      if (this.name === "periods" && name === "breaks" && value && period !== null) return address("breaks", { rebalance: String(period) });
      if (this.name === "roots" && name === "roots" && grids.root) {
        const [symbol, month] = this.data.rows[at];
        return address("root", { symbol: symbol === "(account)" ? "" : symbol, from: month, to: month });
      }
      return null;
    }
    go(place) {
      if (!this.order.length) return;
      this.here = Math.min(this.order.length - 1, Math.max(0, place));
      this.frame.scrollTop = Math.max(0, this.here * HEIGHT - this.frame.clientHeight / 2);
      this.show();
    }
    find(at) {
      if (!this.order.includes(at)) this.set({});
      this.go(this.order.indexOf(at));
      this.frame.scrollIntoView({ block: "center" });
    }
  }

  const address = (name, wanted) => `#${name}?${new URLSearchParams(wanted)}`;
  // The address says what is shown, so that it can be copied; this is no step back in the history.
  function remember(grid) {
    const wanted = { ...(grid.words ? { q: grid.words } : {}), ...grid.only };
    if (grid.here >= 0) wanted.row = String(grid.order[grid.here] + 1);
    const hash = Object.keys(wanted).length ? address(grid.name, wanted) : `#${grid.name}`;
    try { history.replaceState(null, "", hash); } catch { /* an address that may not be changed */ }
  }
  async function copyLink(button) {
    let done = true;
    try { await navigator.clipboard.writeText(location.href); } catch {
      const field = element("textarea", location.href);
      document.body.append(field);
      field.select();
      done = document.execCommand("copy");
      field.remove();
    }
    button.textContent = done ? "Copied" : "Copy it from the address";
    setTimeout(() => { button.textContent = "Copy link"; }, 2000);
  }

  const frames = document.querySelectorAll("[data-grid]");
  frames.forEach((frame) => { grids[frame.dataset.grid] = null; });
  frames.forEach((frame) => { grids[frame.dataset.grid] = new Grid(frame, data[frame.dataset.grid]); });
  const breaks = grids.breaks;
  if (breaks) for (const grid of Object.values(grids)) grid.show();

  function follow() {
    const hash = location.hash.slice(1), mark = hash.indexOf("?");
    const row = /^(.+)-(\d+)$/.exec(hash);
    if (mark >= 0 && grids[hash.slice(0, mark)]) {
      const grid = grids[hash.slice(0, mark)], wanted = Object.fromEntries(new URLSearchParams(hash.slice(mark + 1)));
      grid.set(wanted);
      if (wanted.row) grid.go(grid.order.indexOf(Number(wanted.row) - 1));
      grid.frame.closest("section").scrollIntoView({ block: "start" });
    } else if (row && grids[row[1]]) {
      open(grids[row[1]].frame);
      grids[row[1]].find(Number(row[2]) - 1);
    }
  }
  const open = (node) => { const folded = node.closest("details"); if (folded) folded.open = true; };
  window.addEventListener("hashchange", follow);

  document.querySelectorAll(".map a").forEach((cell) => {
    const { stage, since, until } = cell.dataset;
    const wanted = { stage, since, until };
    // Of the first breaks none may be in the cell; its roots are all held.
    const root = breaks && grids.root && !breaks.fits(wanted) && grids.root.fits(wanted);
    if (breaks) cell.href = address(root ? "root" : "breaks", wanted);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "t") window.scrollTo({ top: 0 });
    if (!breaks) return;
    if (event.key === "f" && breaks.input) { event.preventDefault(); breaks.input.focus(); }
    if (event.key !== "j" && event.key !== "k") return;
    breaks.go(breaks.here + (event.key === "j" ? 1 : -1));
    breaks.frame.scrollIntoView({ block: "nearest" });
    remember(breaks);
  });
  document.querySelectorAll("details").forEach((folded) => folded.addEventListener("toggle", () => {
    folded.querySelectorAll("[data-grid]").forEach((frame) => grids[frame.dataset.grid].show());
  }));

  // On paper dark charts are turned into light ones by the style: to draw them anew would come too late.
  let printing = false;
  draw(dark.matches);
  dark.addEventListener("change", (event) => { if (!printing && !window.matchMedia("print").matches) draw(event.matches); });
  window.addEventListener("beforeprint", () => {
    printing = true;
    for (const grid of Object.values(grids)) grid.show(true);
    drawAll();
    document.querySelectorAll(".chart").forEach((place) => { place.style.zoom = String(Math.min(1, PAPER / place.offsetWidth)); });
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    for (const grid of Object.values(grids)) grid.show();
    document.querySelectorAll(".chart").forEach((place) => { place.style.zoom = ""; });
  });
  follow();
})();
