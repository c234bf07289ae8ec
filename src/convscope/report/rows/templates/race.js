// Plays every race of the page that does not play yet; several can stand in one page, each with its own state.
(() => {
  const PER_SECOND = 20;
  const A_FEW = 5; // steps at a press of the button, where nothing may move
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");

  function attach(figure) {
    const last = Number(figure.dataset.steps);
    const racers = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    const controls = figure.querySelector(".controls");
    const button = controls.querySelector("button");
    const slider = controls.querySelector("input");
    const output = controls.querySelector("output");
    const costs = figure.querySelectorAll("td.cost");
    const groups = figure.querySelectorAll("svg .racer");
    racers.forEach((racer, place) => {
      racer.points = racer.points.split(" ");
      racer.line = groups[place].querySelector("polyline");
      racer.mark = groups[place].querySelector("path");
    });
    let frame = 0; // of the animation that was asked for; 0 while it rests
    let shown = last;

    function show(step) {
      shown = step;
      racers.forEach((racer, place) => {
        racer.line.setAttribute("points", racer.points.slice(0, step + 1).join(" "));
        racer.mark.setAttribute("transform", `translate(${racer.points[step]})`);
        costs[place].textContent = racer.costs[step];
      });
      slider.value = step;
      slider.setAttribute("aria-valuetext", `step ${step} of ${last}`);
      output.textContent = `step ${step}`;
    }

    function label() {
      button.textContent = frame ? "Stop" : still.matches ? "Step" : "Play";
    }

    function stop() {
      cancelAnimationFrame(frame);
      frame = 0;
      label();
    }

    function play() {
      const first = shown < last ? shown : 0;
      let begun = null;
      function next(now) {
        if (!figure.isConnected) return;
        begun ??= now;
        const step = Math.min(last, first + Math.floor(((now - begun) / 1000) * PER_SECOND));
        if (step !== shown) show(step);
        if (step < last) frame = requestAnimationFrame(next);
        else stop();
      }
      show(first);
      frame = requestAnimationFrame(next);
      label();
    }

    button.addEventListener("click", () => {
      if (frame) stop();
      else if (still.matches) show(shown < last ? Math.min(last, shown + A_FEW) : 0);
      else play();
    });
    slider.addEventListener("input", () => {
      stop();
      show(Number(slider.value));
    });
    still.addEventListener("change", stop);
    show(last);
    label();
    controls.hidden = false;
  }

  for (const figure of document.querySelectorAll(".convscope-race:not([data-ready])")) {
    if (!figure.querySelector('script[type="application/json"]')) continue; // it is not whole yet
    figure.dataset.ready = "";
    attach(figure);
  }
})();
