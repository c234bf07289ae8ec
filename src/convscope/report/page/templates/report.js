// Numbers under the pointer: the charts are still drawings, and their numbers lie beside them in data-hover.
(() => {
  const colours = { batch: "--batch", train: "--train", validation: "--validation" };
  const say = (value, percent) =>
    percent ? (100 * value).toFixed(1) + " %" : String(Number(value.toPrecision(4)));

  function nearest(points, x) {
    let best = points[0];
    for (const point of points) if (Math.abs(point[0] - x) < Math.abs(best[0] - x)) best = point;
    return best;
  }

  function attach(figure) {
    const data = JSON.parse(figure.dataset.hover);
    const plot = figure.querySelector(".plot");
    const area = plot.querySelector(".role-frame.root path.background");
    const steps = [...new Set(data.series.flatMap((line) => line.points.map((point) => point[0])))];
    steps.sort((a, b) => a - b);
    const rule = document.createElement("div");
    const box = document.createElement("div");
    rule.className = "hover-rule";
    box.className = "hover-box";
    box.setAttribute("aria-live", "polite");
    const [low, high] = data.domain;
    const place = (x) =>
      data.log ? Math.log(x / low) / Math.log(high / low) : (x - low) / (high - low);
    let at = steps.length - 1;

    function show(step) {
      const frame = figure.getBoundingClientRect();
      const inside = area.getBoundingClientRect();
      const left = inside.left - frame.left + place(step) * inside.width;
      rule.style.cssText = `left:${left}px;top:${inside.top - frame.top}px;height:${inside.height}px`;
      box.replaceChildren(`${data.x} ${say(step, false)}`);
      for (const line of data.series) {
        const point = nearest(line.points, step);
        // A split measured once per epoch has no value here; the nearest says which step it is of.
        const where = point[0] === step ? "" : ` (${data.x} ${say(point[0], false)})`;
        const key = document.createElement("i");
        key.style.background = `var(${colours[line.name] || "--train"})`;
        const row = document.createElement("div");
        row.append(key, `${line.name} ${say(point[1], data.percent)}${where}`);
        box.append(row);
      }
      figure.append(rule, box);
      const room = frame.width - box.offsetWidth;
      const beside = left + 10 <= room ? left + 10 : left - 10 - box.offsetWidth;
      box.style.left = `${Math.max(0, Math.min(room, beside))}px`;
      box.style.top = `${inside.top - frame.top + 6}px`;
    }

    function hide() {
      rule.remove();
      box.remove();
    }

    plot.addEventListener("pointermove", (event) => {
      const inside = area.getBoundingClientRect();
      const share = Math.min(1, Math.max(0, (event.clientX - inside.left) / inside.width));
      const x = data.log ? low * (high / low) ** share : low + share * (high - low);
      const step = steps.reduce((a, b) => (Math.abs(place(b) - share) < Math.abs(place(a) - share) ? b : a));
      at = steps.indexOf(step);
      show(Number.isFinite(x) ? step : steps[0]);
    });
    plot.addEventListener("pointerleave", hide);
    plot.addEventListener("blur", hide);
    plot.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      at = Math.min(steps.length - 1, Math.max(0, at + (event.key === "ArrowLeft" ? -1 : 1)));
      show(steps[at]);
      event.preventDefault();
    });
  }

  document.querySelectorAll("[data-hover]").forEach(attach);

  // From a point of a plane to its image: by pointer, by touch, and by the arrow keys.
  function explore(plot) {
    const marks = [...plot.querySelectorAll("[data-place]")];
    const source = document.querySelector(`img[data-file="${plot.dataset.sprite}"]`);
    const columns = Number(plot.dataset.columns);
    const [width, height] = plot.dataset.size.split(" ").map(Number);
    const scale = Math.max(1, Math.floor(84 / Math.max(width, height)));
    const box = document.createElement("div");
    box.className = "point";
    box.setAttribute("role", "status");
    const middles = () =>
      marks.map((mark) => {
        const at = mark.getBoundingClientRect();
        return [at.left + at.width / 2, at.top + at.height / 2];
      });
    let chosen = null;

    function show(mark) {
      if (chosen) chosen.classList.remove("chosen");
      chosen = mark;
      mark.classList.add("chosen");
      const place = Number(mark.dataset.place);
      const image = document.createElement("i");
      image.style.cssText =
        `width:${width * scale}px;height:${height * scale}px;background:url(${source.src}) ` +
        `-${(place % columns) * width * scale}px -${Math.floor(place / columns) * height * scale}px / ` +
        `${columns * width * scale}px auto`;
      box.replaceChildren(image, mark.querySelector("title").textContent);
      plot.append(box);
      const frame = plot.getBoundingClientRect();
      const at = mark.getBoundingClientRect();
      const left = at.left - frame.left + plot.scrollLeft;
      const room = plot.scrollLeft + plot.clientWidth - box.offsetWidth;
      const beside = left + 16 <= room ? left + 16 : left - box.offsetWidth - 8;
      box.style.left = `${Math.max(plot.scrollLeft, beside)}px`;
      box.style.top = `${Math.max(0, Math.min(at.top - frame.top + 10, frame.height - box.offsetHeight))}px`;
    }

    function hide() {
      if (chosen) chosen.classList.remove("chosen");
      chosen = null;
      box.remove();
    }

    function nearest(x, y, within) {
      let best = null;
      let least = within;
      middles().forEach(([a, b], place) => {
        const far = Math.hypot(a - x, b - y);
        if (far < least) [best, least] = [marks[place], far];
      });
      return best;
    }

    function step(dx, dy) {
      const from = chosen ? marks.indexOf(chosen) : -1;
      const all = middles();
      if (from < 0) return marks[0];
      let best = marks[from];
      let least = Infinity;
      all.forEach(([a, b], place) => {
        const along = (a - all[from][0]) * dx + (b - all[from][1]) * dy;
        const across = Math.abs((a - all[from][0]) * dy) + Math.abs((b - all[from][1]) * dx);
        if (place !== from && along > 0 && along + 2 * across < least) {
          [best, least] = [marks[place], along + 2 * across];
        }
      });
      return best;
    }

    plot.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch") return;
      const mark = nearest(event.clientX, event.clientY, 14);
      if (mark) show(mark);
      else hide();
    });
    plot.addEventListener("click", (event) => {
      const mark = nearest(event.clientX, event.clientY, 30);
      if (mark) show(mark);
      else hide();
    });
    plot.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch") hide();
    });
    plot.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (event.key === "Escape") hide();
      if (!way) return;
      show(step(...way));
      event.preventDefault();
    });
  }

  document.querySelectorAll("[data-sprite]").forEach(explore);

  // What is wider than its place says so.
  for (const strip of document.querySelectorAll(".scroll")) {
    const hint = document.createElement("p");
    hint.className = "caption hint";
    hint.textContent = "wider than the page: scroll sideways →";
    strip.after(hint);
    const judge = () => strip.classList.toggle("wide", strip.scrollWidth > strip.clientWidth + 1);
    new ResizeObserver(judge).observe(strip);
    judge();
  }
})();
