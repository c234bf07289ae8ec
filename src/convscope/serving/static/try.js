// Sends what is drawn, dropped, pasted or chosen, and shows what comes back. While something moves, the newest
// state is asked for as soon as the answer before is here; when it rests, also where the network looked.

const page = document.querySelector("#try");
const paper = page.querySelector("#paper");
const pen = page.querySelector("#pen");
const ink = page.querySelector("#ink");
const fit = page.querySelector("#fit");
const chooser = page.querySelector("#choose input[type=file]");
const several = page.querySelector("#several");
const sliders = page.querySelector("#sliders");
const pixels = page.querySelector("#pixels");
const done = page.querySelector("#done");
const answer = page.querySelector("#answer");
const more = page.querySelector("#more");
const path = page.querySelector("#path");
const REST = 220; // milliseconds without a change after which everything is asked for

page.classList.add("has-script");

// One request at a time; of those that come meanwhile the newest is sent next, the others never are.
let running = false;
let next = null;
let resting = 0;
let given = null; // the blob and how it is to be read
let seen = null; // the network's own pixels of it, as a PNG, which sliders change

const ask = (question) => {
  next = question;
  page.dataset.waiting = 1;
  if (!running) send();
};

const send = async () => {
  running = true;
  while (next) {
    const question = next;
    next = null;
    try {
      const query = new URLSearchParams(question.query);
      const response = await fetch(`${page.dataset.ask}?${query}`, {
        method: "POST",
        headers: { "content-type": "application/octet-stream" },
        body: question.blob,
      });
      const found = await response.json();
      if (!response.ok) throw new Error(found.error ?? `The server answered ${response.status}.`);
      question.show(found);
    } catch (error) {
      say(error.message);
    }
  }
  running = false;
  page.dataset.waiting = 0;
};

const say = (words) => {
  answer.innerHTML = '<h2>No answer</h2><p class="error"></p>';
  answer.querySelector("p").textContent = words;
};

const show = (found) => {
  pixels.src = found.pixels;
  pixels.hidden = false;
  answer.innerHTML = found.answer;
  if (found.more !== null) {
    more.innerHTML = found.more;
    more.classList.remove("old");
  } else {
    more.classList.add("old");
  }
  page.dataset.class = found.prediction.class ?? found.prediction.value;
  page.dataset.answered = Number(page.dataset.answered ?? 0) + 1;
  if (found.path !== null) path.querySelector(".steps-here").innerHTML = found.path;
  path.hidden = false;
};

const blobOf = async (address) => {
  const [head, body] = address.split(",");
  const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: head.slice(5).split(";")[0] });
};

// What was given anew: its pixels are seen first, unchanged.
const give = (blob, source, whole = true) => {
  given = { blob, source };
  rest(false);
  ask({
    blob,
    query: { source, whole, path: whole && path.open },
    show: async (found) => {
      show(found);
      seen = await blobOf(found.pixels);
      sliders.disabled = false;
      done.textContent = found.done.length ? `${found.done.join("; ")}.`.replace(/^./, (first) => first.toUpperCase()) : "As it is.";
    },
  });
};

const change = () => Object.fromEntries([...sliders.querySelectorAll("input")].map((input) => [input.name, input.value]));

const changed = (whole) => {
  if (!seen) return;
  ask({ blob: seen, query: { source: "pixels", whole, path: whole && path.open, ...change() }, show });
};

const moving = () => {
  sliders.querySelectorAll("label").forEach((label) => {
    label.querySelector("output").value = label.querySelector("input").value;
  });
  changed(false);
  clearTimeout(resting);
  resting = setTimeout(() => changed(true), REST);
};

const rest = (asks = true) => {
  clearTimeout(resting);
  sliders.querySelectorAll("input").forEach((input) => {
    input.value = input.dataset.rest;
    input.nextElementSibling.value = input.dataset.rest;
  });
  if (asks) changed(true);
};

sliders.addEventListener("input", moving);
page.querySelector("#reset").addEventListener("click", () => rest());
path.addEventListener("toggle", () => {
  if (path.open) changed(true);
});

// Drawing.
const context = paper.getContext("2d", { willReadFrequently: true });
let last = null;
let isBlank = true;

const clear = () => {
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, paper.width, paper.height);
  isBlank = true;
};
clear();

const at = (event) => {
  const frame = paper.getBoundingClientRect();
  const scale = paper.width / paper.clientWidth;
  return [(event.clientX - frame.left - paper.clientLeft) * scale, (event.clientY - frame.top - paper.clientTop) * scale];
};

const line = (from, to) => {
  context.strokeStyle = ink?.value ?? "#111111";
  context.lineWidth = Number(pen.value);
  context.lineCap = "round";
  context.lineJoin = "round";
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
  isBlank = false;
};

let drawn = 0;
const giveDrawing = (whole) => {
  if (isBlank) return;
  drawn += 1;
  const turn = drawn;
  paper.toBlob((blob) => {
    if (turn === drawn) give(blob, "drawing", whole);
  }, "image/png");
};

paper.addEventListener("pointerdown", (event) => {
  event.preventDefault();
  paper.setPointerCapture(event.pointerId);
  last = at(event);
  line(last, last);
});
paper.addEventListener("pointermove", (event) => {
  if (!last) return;
  for (const each of event.getCoalescedEvents?.() ?? [event]) {
    const here = at(each);
    line(last, here);
    last = here;
  }
  if (!running) giveDrawing(false);
});
const lift = () => {
  if (!last) return;
  last = null;
  giveDrawing(true);
};
paper.addEventListener("pointerup", lift);
paper.addEventListener("pointercancel", lift);
page.querySelector("#clear").addEventListener("click", () => {
  drawn += 1;
  clear();
});

// Files: chosen, dropped or pasted.
const sourceOf = () => (fit?.checked ? "drawing" : "file");

const take = (files) => {
  const images = [...files].filter((file) => file.type.startsWith("image/") || file.type === "");
  if (!images.length) {
    say("That is no image file.");
    return;
  }
  several.replaceChildren(
    ...images.map((file, place) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = file.name || `image ${place}`;
      button.addEventListener("click", () => choose(file, item));
      item.append(button);
      return item;
    }),
  );
  several.hidden = images.length < 2;
  choose(images[0], several.firstElementChild);
};

const choose = (file, item) => {
  several.querySelectorAll("[aria-current]").forEach((other) => other.removeAttribute("aria-current"));
  item.querySelector("button").setAttribute("aria-current", "true");
  give(file, sourceOf());
};

chooser.addEventListener("change", () => {
  if (chooser.files.length) take(chooser.files);
});
fit?.addEventListener("change", () => {
  if (given && given.source !== "pixels") give(given.blob, sourceOf());
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData?.files.length) {
    event.preventDefault();
    take(event.clipboardData.files);
  }
});
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    page.classList.add("dropping");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) page.classList.remove("dropping");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  page.classList.remove("dropping");
  if (event.dataTransfer?.files.length) take(event.dataTransfer.files);
});

// A drag over the pixels covers a part of them.
const cover = page.querySelector("#seen");
const slider = (name) => sliders.querySelector(`[name=${name}]`);
let covering = false;

const coverAt = (event) => {
  const frame = pixels.getBoundingClientRect();
  const [width, height] = [Number(page.dataset.width), Number(page.dataset.height)];
  if (Number(slider("side").value) === 0) slider("side").value = Math.round(Math.min(width, height) / 4);
  const half = Number(slider("side").value) / 2;
  slider("left").value = Math.max(0, Math.round(((event.clientX - frame.left) / frame.width) * width - half));
  slider("top").value = Math.max(0, Math.round(((event.clientY - frame.top) / frame.height) * height - half));
  moving();
};
cover.addEventListener("pointerdown", (event) => {
  if (!seen) return;
  event.preventDefault();
  covering = true;
  cover.setPointerCapture(event.pointerId);
  coverAt(event);
});
cover.addEventListener("pointermove", (event) => {
  if (covering) coverAt(event);
});
for (const kind of ["pointerup", "pointercancel"]) {
  cover.addEventListener(kind, () => {
    covering = false;
  });
}

// An image of the run itself, as the page of errors leads here: ?image=<the hash of its content>
const own = new URLSearchParams(location.search).get("image");
if (own) {
  const found = await fetch(`${page.dataset.images}/${encodeURIComponent(own)}.png`);
  if (found.ok) give(await found.blob(), "pixels");
  else done.textContent = "This run's data has no such image, or is elsewhere now.";
}
