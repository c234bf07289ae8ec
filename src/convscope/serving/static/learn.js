// The tour, one step at a time: buttons, arrow keys, and an address for each step. Without it all stand below each other.
const steps = [...document.querySelectorAll(".step")];
const bar = document.querySelector("nav.steps");
const [back, next, list] = [bar.querySelector(".back"), bar.querySelector(".next"), bar.querySelector("ol")];
const said = document.getElementById("said");
let at = 0;

for (const step of steps) {
  const link = document.createElement("a");
  link.href = `#${step.id}`;
  const title = step.querySelector("h2").textContent.trim().replace(/\s+/g, " ");
  link.textContent = title.split(" ")[0];
  link.title = title;
  link.setAttribute("aria-label", `Step ${title}`);
  const item = document.createElement("li");
  item.append(link);
  list.append(item);
}

function show(place, focus) {
  at = Math.min(steps.length - 1, Math.max(0, place));
  steps.forEach((step, number) => {
    step.hidden = number !== at;
    const link = list.children[number].firstChild;
    if (number === at) link.setAttribute("aria-current", "step");
    else link.removeAttribute("aria-current");
  });
  back.disabled = at === 0;
  next.disabled = at === steps.length - 1;
  if (focus) {
    history.replaceState(null, "", `#${steps[at].id}`);
    scrollTo({ top: 0 });
    said.textContent = `Step ${at + 1} of ${steps.length}: ${steps[at].querySelector("h2").lastChild.textContent.trim()}`;
  }
}

const ofAddress = () => Math.max(0, steps.findIndex((step) => `#${step.id}` === location.hash));

back.addEventListener("click", () => show(at - 1, true));
next.addEventListener("click", () => show(at + 1, true));
list.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link) return;
  event.preventDefault();
  show([...list.children].indexOf(link.parentElement), true);
});
addEventListener("hashchange", () => show(ofAddress(), false));
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, textarea, .scroll, pre")) return;
  if (event.key === "ArrowRight") show(at + 1, true);
  else if (event.key === "ArrowLeft") show(at - 1, true);
});
if (steps.length) {
  bar.hidden = false;
  show(ofAddress(), false);
}
