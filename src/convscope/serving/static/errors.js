// Marks labels in place, by mouse and by keyboard, and follows a head that is fitted again.
// Without this script every form still works, by loading the page anew.
const status = document.querySelector("#said");
const counts = document.querySelectorAll(".count-of-marks");
const again = document.querySelector(".again");

document.querySelectorAll(".keys").forEach((hint) => (hint.hidden = false));

function post(address, fields) {
  return fetch(address, { method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams(fields) });
}

async function mark(tile, label) {
  const form = tile.querySelector("form");
  const answer = await post(form.action, { content: tile.dataset.content, label });
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    status.textContent = found.error ?? "That did not work.";
    return;
  }
  show(tile, found.mark);
  for (const each of counts) each.textContent = found.count.toLocaleString("en");
  await refreshMarks();
}

function show(tile, now) {
  const words = now === "remove" ? "left out" : now;
  tile.classList.toggle("marked", Boolean(now));
  tile.querySelector(".mark").hidden = !now;
  tile.querySelector(".now").textContent = words;
  tile.querySelector(".undo").hidden = !now;
  const path = tile.querySelector(".path").textContent;
  status.textContent = now ? `${path}: marked as ${words}` : `${path}: as it was`;
  const select = tile.querySelector("select");
  for (const option of select.options) {
    option.selected = now ? option.text === words || (now === "remove" && option.value === "remove") : option.value === tile.dataset.answer;
  }
}

// The list of marks is drawn by the server alone.
async function refreshMarks() {
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  const fresh = page.querySelector(".marked-only");
  const old = again.querySelector(".marked-only");
  if (fresh) old.replaceWith(document.adoptNode(fresh));
  again.querySelector(".none-marked").hidden = page.querySelector(".none-marked").hidden;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches(".tile form")) {
    event.preventDefault();
    const undo = event.submitter?.value === "undo";
    mark(form.closest(".tile"), undo ? "undo" : form.querySelector("select").value);
  } else if (form.matches(".marks form")) {
    event.preventDefault();
    const content = form.querySelector("[name=content]").value;
    const tile = document.getElementById(`i${content}`);
    if (tile) mark(tile, "undo");
    else post(form.action, { content, label: "undo" }).then(() => location.reload());
  } else if (form.matches(".refit")) {
    event.preventDefault();
    form.querySelector("button").disabled = true;
    post(form.action, {}).then(() => follow(form.action.endsWith("refit") ? "again" : ""));
  }
});

document.addEventListener("keydown", (event) => {
  const tile = event.target.closest?.(".tile[data-content]");
  if (!tile || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select")) return;
  const labels = { y: tile.dataset.answer, x: "remove", u: "undo" };
  if (event.key in labels) {
    event.preventDefault();
    mark(tile, labels[event.key]);
    return;
  }
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const tiles = [...document.querySelectorAll(".tile[data-content]")];
  const next = tiles[tiles.indexOf(tile) + step];
  if (next) {
    event.preventDefault();
    next.querySelector("figure a").focus();
  }
});

async function follow(from) {
  const box = document.querySelector(".standing");
  const bar = box.querySelector("progress");
  for (;;) {
    const found = await (await fetch(`/api/v1/runs/${again.dataset.run}/refit`)).json();
    if (found.state === "done") {
      if (from) location.hash = from;
      location.reload();
      return;
    }
    box.hidden = false;
    box.querySelector(".said").textContent = found.said;
    box.querySelector("p").className = found.state === "failed" ? "error" : "";
    bar.hidden = found.state !== "running";
    if (found.share === null) bar.removeAttribute("value");
    else bar.value = found.share;
    if (found.state !== "running") {
      document.querySelectorAll(".refit button").forEach((button) => (button.disabled = false));
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
}

const standing = document.querySelector(".standing");
if (standing && !standing.hidden && !standing.querySelector("progress").hidden) follow("");
