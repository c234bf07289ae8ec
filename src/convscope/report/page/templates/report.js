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
})();
