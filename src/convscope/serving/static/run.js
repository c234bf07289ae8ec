// The curves of a training while it runs: drawn from its records as they come.
const panel = document.getElementById("live");
const charts = panel.querySelector(".charts");
const bar = panel.querySelector("progress");
const step = panel.querySelector(".step");
const said = document.getElementById("said");
const NS = "http://www.w3.org/2000/svg";
const [WIDE, HIGH, LEFT, BELOW] = [420, 190, 46, 24];
const SPLITS = ["batch", "train", "validation"];
let records = [];
let drawing = false;

const element = (name, attributes, text) => {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
};

const lines = (field) =>
  SPLITS.map((split) => [
    split,
    records.filter((each) => each.split === split && Number.isFinite(each[field])).map((each) => [each.step, each[field]]),
  ]).filter(([, points]) => points.length);

// At most so many points of a line: more cannot be told apart.
const thinned = (points, most = 300) => {
  const stride = Math.ceil(points.length / most);
  return points.filter((_, place) => place % stride === 0 || place === points.length - 1);
};

function ticks(low, high, isLog) {
  if (isLog) {
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1)
      for (const digit of [1, 2, 5]) found.push(digit * 10 ** power);
    const inside = found.filter((each) => each >= low && each <= high);
    return inside.length > 6 ? inside.filter((each) => Number.isInteger(Math.log10(each))) : inside;
  }
  const rough = (high - low) / 4 || 1;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 5, 10].map((each) => each * unit).find((each) => each >= rough);
  const found = [];
  for (let at = Math.ceil(low / size) * size; at <= high + size / 1e6; at += size) found.push(at);
  return found;
}

function chart(title, field, isShare) {
  const drawn = lines(field);
  const values = drawn.flatMap(([, points]) => points.map((point) => point[1]));
  const figure = document.createElement("figure");
  if (!values.length) return figure;
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const isLog = !isShare && least > 0 && most > 10 * least;
  const low = isLog ? least / 1.15 : isShare ? Math.max(0, least - 0.02) : Math.min(0, least);
  const high = isLog ? most * 1.15 : isShare ? 1 : most * 1.04 || 1;
  const last = Math.max(1, ...records.map((each) => each.step));
  const x = (at) => LEFT + (at / last) * (WIDE - LEFT - 6);
  const up = (value) => (isLog ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low || 1));
  const y = (value) => 6 + (1 - up(value)) * (HIGH - BELOW - 6);
  const ends = drawn.map(([split, points]) => `${split} ${tell(points.at(-1)[1], isShare)}`).join(", ");
  const svg = element("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": `${title}, now: ${ends}` });
  for (const tick of ticks(low, high, isLog)) {
    svg.append(element("path", { class: "rule", d: `M${LEFT} ${y(tick)}H${WIDE - 6}` }));
    svg.append(element("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, tell(tick, isShare, true)));
  }
  svg.append(element("text", { x: LEFT, y: HIGH - 4 }, "0"));
  svg.append(element("text", { x: WIDE - 6, y: HIGH - 4, "text-anchor": "end" }, `step ${last.toLocaleString("en")}`));
  for (const [split, points] of drawn) {
    const d = thinned(points).map(([at, value], place) => `${place ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`);
    if (points.length > 1) svg.append(element("path", { class: split, d: d.join("") }));
    if (split !== "batch" && points.length <= 40)
      for (const [at, value] of points)
        svg.append(element("circle", { cx: x(at), cy: y(value), r: 2, fill: `var(--${split})` }));
  }
  const caption = document.createElement("figcaption");
  const name = document.createElement("b");
  name.textContent = `${title}. `;
  caption.append(name);
  for (const [split] of drawn) {
    const key = document.createElement("span");
    key.className = `key ${split}`;
    key.textContent = split;
    caption.append(key);
  }
  figure.append(caption, svg);
  return figure;
}

function tell(value, isShare, isTick = false) {
  if (isShare) return `${(100 * value).toFixed(isTick ? 0 : 1)} %`;
  return String(Number(value.toPrecision(3)));
}

function draw() {
  drawing = false;
  charts.replaceChildren(chart("Loss", "loss", false), chart("Accuracy", "accuracy", true));
  const newest = records.at(-1);
  if (!newest) return;
  const measured = records.filter((each) => each.split === "validation").at(-1);
  const parts = [`step ${newest.step.toLocaleString("en")}`];
  if (Number.isFinite(newest.epoch)) parts.push(`epoch ${newest.epoch.toFixed(2)}`);
  if (measured && Number.isFinite(measured.accuracy)) parts.push(`validation ${tell(measured.accuracy, true)}`);
  else if (measured) parts.push(`validation loss ${tell(measured.loss, false)}`);
  if (newest.images_per_second) parts.push(`${Math.round(newest.images_per_second).toLocaleString("en")} images/s`);
  step.textContent = parts.join(" · ");
}

function soon() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(draw);
}

let events = null;

function follow() {
  if (events || document.hidden) return;
  records = [];
  events = new EventSource(panel.dataset.events);
  events.addEventListener("records", (event) => {
    const news = JSON.parse(event.data);
    records = news.anew ? news.records : records.concat(news.records);
    if (news.progress !== null && news.progress !== undefined) bar.value = news.progress;
    if (!panel.hidden) soon();
  });
  events.addEventListener("standing", (event) => {
    const { standing } = JSON.parse(event.data);
    const before = panel.dataset.standing;
    if (standing === before) return;
    panel.dataset.standing = standing;
    if (standing === "training") {
      panel.hidden = false;
      said.textContent = "training began";
      soon();
    } else location.reload(); // its figures, findings and images are there now
  });
}

function rest() {
  events?.close();
  events = null;
}

document.addEventListener("visibilitychange", () => (document.hidden ? rest() : follow()));
addEventListener("pagehide", rest);
addEventListener("pageshow", follow);
follow();
