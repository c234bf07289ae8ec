// Moves the chosen value of a map by click and by arrow keys, and fetches its arithmetic; without this script
// the same map is a form that leads to the same addresses.

const map = document.querySelector("#map");
const patches = document.querySelector("#patches");

const layers = document.querySelector(".layers");

if (layers && layers.scrollWidth > layers.clientWidth) {
  layers.nextElementSibling.hidden = false;
  const chosen = layers.querySelector("[aria-current]")?.getBoundingClientRect();
  if (chosen) layers.scrollLeft = chosen.left + chosen.width / 2 - layers.getBoundingClientRect().left - layers.clientWidth / 2;
}

const latest = () => {
  let running = null;
  return async (address) => {
    running?.abort();
    running = new AbortController();
    const answer = await fetch(address, { signal: running.signal });
    return answer.ok ? answer.text() : `<p class="error">The server answered ${answer.status}.</p>`;
  };
};

if (map) {
  const rows = Number(map.dataset.rows);
  const columns = Number(map.dataset.columns);
  const cursor = map.querySelector("#cursor");
  const picture = map.querySelector("input[type=image]");
  const shown = document.querySelector("#pixel");
  const seen = document.querySelector("#seen");
  const ask = latest();

  const move = async (row, column) => {
    row = Math.min(rows - 1, Math.max(0, row));
    column = Math.min(columns - 1, Math.max(0, column));
    cursor.setAttribute("x", column);
    cursor.setAttribute("y", row);
    const address = `${map.dataset.here}&row=${row}&column=${column}`;
    history.replaceState(null, "", address);
    try {
      shown.innerHTML = await ask(`${address}&part=pixel`);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
      return;
    }
    const box = shown.querySelector(".value")?.dataset.box?.split(" ");
    const frame = seen?.querySelector("rect");
    if (box && frame) ["x", "y", "width", "height"].forEach((name, place) => frame.setAttribute(name, box[place]));
  };
  const at = () => [Number(cursor.getAttribute("y")), Number(cursor.getAttribute("x"))];

  map.closest("form").addEventListener("submit", (event) => event.preventDefault());
  picture.addEventListener("click", (event) => {
    event.preventDefault();
    if (event.detail === 0) return; // Enter on the map: there is no place that was pointed at
    const frame = picture.getBoundingClientRect();
    move(
      Math.floor(((event.clientY - frame.top) / frame.height) * rows),
      Math.floor(((event.clientX - frame.left) / frame.width) * columns),
    );
  });
  picture.addEventListener("keydown", (event) => {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const [row, column] = at();
    move(row + step[0], column + step[1]);
  });
}

if (patches?.querySelector(".waiting")) {
  patches.querySelector(".waiting").textContent = "Searching the training images …";
  fetch(`${patches.dataset.here}&part=patches`)
    .then((answer) => (answer.ok ? answer.text() : `<p class="error">The server answered ${answer.status}.</p>`))
    .then((part) => {
      patches.innerHTML = part;
    });
}
