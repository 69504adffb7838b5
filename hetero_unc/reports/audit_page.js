// The table of all items: only the rows in view are in the document. Every word of the data goes in
// as text, never as markup.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("item-data").textContent);
  const columns = data.columns, column = Object.fromEntries(columns.map((one) => [one.name, one]));
  const listed = columns.filter((one) => one.listed), ids = column.id.values;
  const box = byId("item-rows"), [above, body, below] = box.querySelectorAll("tbody");
  const search = byId("item-search"), route = byId("item-route");
  const WIDTHS = { text: 180, choice: 100, count: 64, share: 82, number: 82 };
  const width = (one) => (one === column.route ? 164 : WIDTHS[one.kind]);
  const OUT_OF_VIEW = 6;  // rows kept ready above and below what is seen
  let order = Uint32Array.from(ids, (_, item) => item);
  let shown = order, chosen = -1, sorted = null, sign = 1, rowHeight = 35, words = null, waiting = false;

  const make = (tag, text = "", attributes = {}) => {
    const element = document.createElement(tag);
    element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const WRITE = {
    text: (value) => value,
    count: (value) => value.toLocaleString("en"),
    share: (value) => (value > 0 && value < 0.001 ? "<0.1" : (100 * value).toFixed(1)) + "\u00a0%",
    number: (value) => (value > 0 && value < 0.0005 ? "<0.001" : value.toFixed(3)),
  };
  const written = (one, item) => {
    const value = one.values[item];
    if (value === null) return "–";
    return one.kind === "choice" ? one.names[value] : WRITE[one.kind](value);
  };

  // Order ------------------------------------------------------------------------------------
  const ranks = new Map();
  const rank = (one) => {
    if (!ranks.has(one)) {
      const found = new Float64Array(ids.length);
      if (one.kind === "text") {
        const { compare } = new Intl.Collator("en", { numeric: true });
        const places = Array.from(one.values, (_, item) => item);
        places.sort((a, b) => compare(one.values[a], one.values[b]));
        places.forEach((item, place) => { found[item] = place; });
      } else one.values.forEach((value, item) => { found[item] = value === null ? NaN : value; });
      ranks.set(one, found);
    }
    return ranks.get(one);
  };
  const sortBy = (one) => {
    const numeric = one.kind !== "text" && one.kind !== "choice";
    sign = sorted === one ? -sign : numeric ? -1 : 1;
    sorted = one;
    // What has no value stands last both ways.
    const keys = rank(one).map((value) => (Number.isNaN(value) ? 1e300 : sign * value));
    order.sort((a, b) => keys[a] - keys[b] || a - b);
    for (const [place, head] of [...box.querySelectorAll("thead th")].entries()) {
      if (listed[place] !== one) head.removeAttribute("aria-sort");
      else head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    }
    filter();
  };

  // Search -----------------------------------------------------------------------------------
  const filter = () => {
    const sought = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = route.value === "" ? -1 : Number(route.value);
    if (sought.length && words === null) {
      const read = columns.filter((one) => one.kind === "text" || one.kind === "choice");
      words = ids.map((_, item) => read.map((one) => written(one, item)).join("\n").toLowerCase());
    }
    shown = order.filter((item) => (wanted < 0 || column.route.values[item] === wanted)
      && sought.every((word) => words[item].includes(word)));
    byId("item-count").textContent =
      `${shown.length.toLocaleString("en")} of ${ids.length.toLocaleString("en")} items`;
    box.querySelector("table").setAttribute("aria-rowcount", shown.length + 1);
    box.scrollTop = 0;
    draw();
  };

  // Rows -------------------------------------------------------------------------------------
  const draw = () => {
    waiting = false;
    const first = Math.max(0, Math.floor(box.scrollTop / rowHeight) - OUT_OF_VIEW);
    const last = Math.min(shown.length,
      first + Math.ceil(box.clientHeight / rowHeight) + 2 * OUT_OF_VIEW);
    const held = body.contains(document.activeElement) ? Number(document.activeElement.value) : -1;
    above.rows[0].cells[0].style.height = `${first * rowHeight}px`;
    below.rows[0].cells[0].style.height = `${(shown.length - last) * rowHeight}px`;
    const rows = [];
    for (let place = first; place < last; place++) rows.push(row(shown[place], place));
    body.replaceChildren(...rows);
    // One row takes the Tab key; the arrow keys lead to the others.
    const reached = button(chosen) ?? body.querySelector("button");
    if (reached) reached.tabIndex = 0;
    if (held >= 0) (button(held) ?? box).focus({ preventScroll: true });
  };
  const button = (item) => body.querySelector(`button[value="${item}"]`);
  const row = (item, place) => {
    const element = make("tr", "", { "aria-rowindex": place + 2 });
    if (item === chosen) element.setAttribute("aria-current", "true");
    const head = make("th", "", { scope: "row" });
    if (data.pictures[item]) head.append(make("img", "", { src: data.pictures[item], alt: "" }));
    head.append(make("button", ids[item], {
      type: "button", value: item, tabindex: -1, "aria-controls": "item-chosen" }));
    element.append(head, ...listed.slice(1).map((one) =>
      make("td", written(one, item), one.kind === "choice" ? { class: "text" } : {})));
    return element;
  };
  const reach = (place) => {
    choose(shown[place]);
    const room = box.clientHeight - box.querySelector("thead").offsetHeight - rowHeight;
    box.scrollTop = Math.max(Math.min(box.scrollTop, place * rowHeight), place * rowHeight - room);
    draw();
    button(chosen).focus({ preventScroll: true });
  };

  // The chosen item --------------------------------------------------------------------------
  const choose = (item) => {
    chosen = item;
    byId("item-reason").textContent =
      `${ids[item]} – ${written(column.route, item)}: ${written(column.reason, item)}.`;
    const parts = [make("div"), make("dl")];
    if (data.pictures[item]) {
      parts[0].append(make("img", "", { src: data.pictures[item], alt: `Item ${ids[item]}` }));
    }
    parts[0].append(votes(item));
    for (const one of columns) {
      if (one !== column.id && one !== column.reason) {
        parts[1].append(make("dt", one.title), make("dd", written(one, item)));
      }
    }
    byId("item-figures").replaceChildren(...parts);
  };
  const votes = (item) => {
    const table = make("table", "", { "aria-label": "Votes and forecast" });
    const heads = ["class", "votes", "forecast"].map((text) => make("th", text, { scope: "col" }));
    heads[0].className = "text";
    const rest = [column.votes_total.values[item], 1000];
    table.createTHead().insertRow().append(...heads, make("td"));
    const add = (name, count, forecast) => {
      const cell = make("td"), bar = make("span", "", { class: "bar", "aria-hidden": "true" });
      const length = make("i"), line = make("b");
      length.style.width = `${(100 * count) / column.votes_total.values[item]}%`;
      line.style.left = `calc(${forecast / 10}% - 1px)`;
      bar.append(length, line);
      cell.append(bar);
      const numbers = [WRITE.count(count), WRITE.share(forecast / 1000)];
      const texts = numbers.map((text) => make("td", text));
      (table.tBodies[0] ?? table.createTBody()).insertRow()
        .append(make("th", name, { scope: "row" }), ...texts, cell);
    };
    for (let place = item * data.top; place < (item + 1) * data.top; place++) {
      add(data.classes[data.top_classes[place]], data.top_votes[place], data.top_forecast[place]);
      rest[0] -= data.top_votes[place];
      rest[1] -= data.top_forecast[place];
    }
    const others = data.classes.length - data.top;
    if (others > 0) add(`${others} others`, rest[0], Math.max(0, rest[1]));
    return table;
  };

  // Start ------------------------------------------------------------------------------------
  listed.forEach((one) => {
    const words = one.kind === "text" || one.kind === "choice";
    const head = make("th", "", { scope: "col", class: words ? "text" : "" });
    head.append(make("button", one.title, { type: "button" }));
    head.firstChild.addEventListener("click", () => sortBy(one));
    box.querySelector("thead tr").append(head);
    box.querySelector("colgroup").append(make("col", "", { style: `width: ${width(one)}px` }));
  });
  for (const part of [above, below]) part.rows[0].cells[0].colSpan = listed.length;
  box.querySelector("table").style.width =
    `${listed.reduce((sum, one) => sum + width(one), 0)}px`;
  route.append(new Option("everything", ""));
  column.route.names.forEach((name, place) => {
    const count = column.route.values.reduce((sum, value) => sum + (value === place), 0);
    route.append(new Option(`${name} (${count.toLocaleString("en")})`, place));
  });
  search.addEventListener("input", filter);
  route.addEventListener("change", filter);
  box.addEventListener("scroll", () => {
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  });
  box.addEventListener("click", (event) => {
    const picked = event.target.closest("tbody tr")?.querySelector("button");
    if (picked) reach(shown.indexOf(Number(picked.value)));
  });
  box.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !body.contains(event.target)) return;
    event.preventDefault();
    const place = shown.indexOf(Number(event.target.value)) + step;
    if (place >= 0 && place < shown.length) reach(place);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-route]");
    if (!link) return;
    route.value = String(data.routes.indexOf(link.dataset.route));
    search.value = "";
    filter();
  });
  window.addEventListener("resize", draw);
  byId("item-table").hidden = false;
  filter();
  if (body.rows.length) rowHeight = body.rows[0].getBoundingClientRect().height;
  draw();
})();
