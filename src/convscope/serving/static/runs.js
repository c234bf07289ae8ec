// The list of runs: sorted, found and picked without asking the server, and kept up with what happens.
const list = document.getElementById("list");
const table = list.querySelector("table.runs");
const filter = list.querySelector("form.filter");
const words = filter.querySelector("[name=q]");
const state = filter.querySelector("[name=state]");
const order = filter.querySelector("[name=sort]");
const count = filter.querySelector(".count");
const compare = document.getElementById("compare");
const more = list.querySelector(".more");
const said = document.getElementById("said");
const FEWEST = 2;
const MOST = 6;
const FIRST = Number(list.dataset.shown);
const DESCENDING = new Set(["when", "accuracy"]);
const NUMBERS = new Set(["when", "accuracy", "time"]);
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
let backwards = false;
let all = false;

const rows = () => [...table.tBodies];

function value(row, by) {
  const text = row.dataset[by];
  return NUMBERS.has(by) ? (text === "" ? null : Number(text)) : text;
}

function compareBy(by) {
  const sign = DESCENDING.has(by) !== backwards ? -1 : 1;
  return ([a, x], [b, y]) => {
    if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1; // who has none stands last
    const apart = NUMBERS.has(by) ? x - y : collator.compare(x, y);
    return sign * apart || Number(b.dataset.when) - Number(a.dataset.when);
  };
}

function arrange() {
  const by = order.value;
  const keyed = rows().map((row) => [row, value(row, by)]);
  keyed.sort(compareBy(by));
  const wanted = words.value.toLocaleLowerCase().replaceAll("ß", "ss").split(/\s+/).filter(Boolean);
  let found = 0;
  for (const [row] of keyed) {
    const fits =
      (!state.value || row.dataset.state === state.value) && wanted.every((word) => row.dataset.text.includes(word));
    found += fits;
    row.hidden = !fits || (!all && found > FIRST);
  }
  table.append(...keyed.map(([row]) => row));
  count.textContent = `${found.toLocaleString("en")} of ${keyed.length.toLocaleString("en")}`;
  list.querySelector(".nothing").hidden = found > 0;
  more.hidden = all || found <= FIRST;
  more.textContent = `Show all ${found.toLocaleString("en")}`;
  for (const link of table.tHead.querySelectorAll("[data-sort]")) {
    const cell = link.closest("th");
    if (link.dataset.sort !== by) cell.removeAttribute("aria-sort");
    else cell.setAttribute("aria-sort", DESCENDING.has(by) !== backwards ? "descending" : "ascending");
  }
}

function remember() {
  const query = new URLSearchParams();
  if (words.value) query.set("q", words.value);
  if (state.value) query.set("state", state.value);
  if (order.value !== "when") query.set("sort", order.value);
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
}

function pick() {
  const boxes = [...table.querySelectorAll(".pick input")];
  const picked = boxes.filter((box) => box.checked).length;
  compare.querySelector("button").disabled = picked < FEWEST || picked > MOST;
  compare.querySelector("button").textContent = picked >= FEWEST ? `Compare these ${picked}` : "Compare";
  compare.querySelector(".picked").textContent =
    picked === 0 ? "Tick two to six runs." : picked === 1 ? "One ticked; tick another." : picked > MOST ? "Six are the most." : "";
}

function fold(row, open) {
  const button = row.querySelector(".fold");
  if (!button) return;
  button.hidden = false;
  button.setAttribute("aria-expanded", String(open));
  for (const member of row.querySelectorAll(".member")) member.hidden = !open;
}

filter.addEventListener("submit", (event) => event.preventDefault());
for (const field of [words, state, order]) {
  field.addEventListener("input", () => {
    if (field === order) backwards = false;
    arrange();
    remember();
  });
}
table.tHead.addEventListener("click", (event) => {
  const link = event.target.closest("[data-sort]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  backwards = link.dataset.sort === order.value && !backwards;
  order.value = link.dataset.sort;
  arrange();
  remember();
});
table.addEventListener("click", (event) => {
  const button = event.target.closest(".fold");
  if (button) fold(button.closest("tbody"), button.getAttribute("aria-expanded") !== "true");
});
table.addEventListener("change", pick);
more.addEventListener("click", () => {
  all = true;
  arrange();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.closest("input, select, textarea")) {
    event.preventDefault();
    words.focus();
  }
});

// What changes in the folder while one looks.
function put(id, html) {
  const scratch = document.createElement("table");
  scratch.innerHTML = html;
  const row = scratch.tBodies[0];
  const old = rows().find((each) => each.dataset.id === id);
  const isNew = !old;
  const opened = old?.querySelector(".fold")?.getAttribute("aria-expanded") === "true";
  const ticked = new Set([...(old?.querySelectorAll(".pick input:checked") ?? [])].map((box) => box.value));
  if (old) {
    const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    old.replaceWith(row);
    if (focused) [...row.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
  } else table.append(row);
  for (const box of row.querySelectorAll(".pick input")) box.checked = ticked.has(box.value);
  fold(row, opened);
  if (isNew || old.dataset.state !== row.dataset.state) {
    row.classList.add("new");
    said.textContent = `${row.dataset.name}: ${isNew ? "new, " : ""}${row.dataset.state}`;
  }
}

let events = null;
let version = list.dataset.version;

function follow() {
  if (events || document.hidden) return;
  events = new EventSource(`/api/v1/live?since=${encodeURIComponent(version)}`);
  events.addEventListener("rows", (event) => {
    version = event.lastEventId;
    const news = JSON.parse(event.data);
    for (const { id, html } of news.rows) put(id, html);
    for (const id of news.gone) rows().find((row) => row.dataset.id === id)?.remove();
    table.style.setProperty("--lowest", news.lowest);
    const none = rows().length === 0;
    list.hidden = none;
    document.getElementById("none").hidden = !none;
    arrange();
    pick();
  });
}

function rest() {
  events?.close(); // a browser has six lines to a server: a page that nobody sees takes none
  events = null;
}

document.addEventListener("visibilitychange", () => (document.hidden ? rest() : follow()));
addEventListener("pagehide", rest);
addEventListener("pageshow", follow);

filter.querySelector(".go").hidden = true;
for (const row of rows()) fold(row, false);
arrange();
pick();
follow();
