// "Save this page": what one sees, as one file that opens offline; drawings, images and numbers as they stand.
const button = document.getElementById("save");

async function dataUri(address) {
  const blob = await (await fetch(address)).blob();
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

// Each element with its copy, which stands at the same place: to be asked before anything of the copy is replaced.
const twins = (copy, selector) => {
  const originals = document.querySelectorAll(selector);
  return [...copy.querySelectorAll(selector)].map((twin, place) => [originals[place], twin]);
};

async function whole() {
  const copy = document.documentElement.cloneNode(true);
  const [canvases, fields, images] = ["canvas", "input, select, textarea", "img[src]"].map((each) => twins(copy, each));
  for (const [canvas, twin] of canvases) {
    const image = document.createElement("img");
    image.src = canvas.toDataURL();
    image.alt = canvas.getAttribute("aria-label") ?? "drawing";
    image.className = canvas.className;
    image.style.cssText = `width:${canvas.clientWidth}px;height:${canvas.clientHeight}px;${canvas.style.cssText}`;
    twin.replaceWith(image);
  }
  for (const [field, twin] of fields) {
    if (field.type === "checkbox" || field.type === "radio") twin.toggleAttribute("checked", field.checked);
    else if (field.tagName === "SELECT")
      [...twin.options].forEach((option, place) => option.toggleAttribute("selected", place === field.selectedIndex));
    else if (field.tagName === "TEXTAREA") twin.textContent = field.value;
    else if (field.type !== "file") twin.setAttribute("value", field.value);
    twin.disabled = true;
  }
  for (const [image, twin] of images) {
    if (!image.getAttribute("src").startsWith("data:")) twin.src = await dataUri(image.src);
    twin.removeAttribute("loading");
    twin.removeAttribute("srcset");
  }
  let style = "";
  for (const sheet of document.querySelectorAll('head > link[rel="stylesheet"]')) {
    style += await (await fetch(sheet.href)).text();
  }
  for (const element of copy.querySelectorAll("script, noscript, link[rel='stylesheet'], link[rel='modulepreload']")) element.remove();
  for (const element of copy.querySelectorAll("#save, .skip, #compare button, .live-only")) element.remove();
  // Links within the page lead on; those to other pages need the server, and are text here.
  for (const link of copy.querySelectorAll("a[href]")) {
    if (!link.getAttribute("href").startsWith("#")) link.removeAttribute("href");
  }
  for (const form of copy.querySelectorAll("form")) form.removeAttribute("action");
  for (const element of copy.querySelectorAll("button")) element.disabled = true;
  const policy = document.createElement("meta");
  policy.httpEquiv = "Content-Security-Policy";
  policy.content = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
  const sheet = document.createElement("style");
  sheet.textContent = style;
  copy.querySelector("head meta[charset]").after(policy);
  copy.querySelector("head").append(sheet);
  const note = document.createElement("p");
  note.className = "quiet";
  note.textContent = `Saved from convscope on ${new Date().toLocaleString("en-GB")}.`;
  copy.querySelector("body").append(note);
  return `<!doctype html>\n${copy.outerHTML}\n`;
}

async function save() {
  button.disabled = true;
  try {
    const file = new Blob([await whole()], { type: "text/html" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = `${document.title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "")}.html`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    button.textContent = `Not saved: ${error.message}`;
  } finally {
    button.disabled = false;
  }
}

button.hidden = false;
button.addEventListener("click", save);
