"""What axe-core finds grave on a page as it stands in the browser: at its width, in its colours."""

from importlib.resources import files
from typing import Any

GRAVE = {"serious", "critical"}

# A browser gives mixed colours back as color(srgb …), which axe-core 4.4 cannot read: the same as rgba(…).
SETTLE = """() => {
  const pixel = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const plain = (colour) => {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = colour;
    pixel.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = pixel.getImageData(0, 0, 1, 1).data;
    return `rgba(${red}, ${green}, ${blue}, ${alpha / 255})`;
  };
  for (const element of document.querySelectorAll("body *")) {
    const style = getComputedStyle(element);
    for (const name of ["backgroundColor", "color"])
      if (style[name].startsWith("color(")) element.style[name] = plain(style[name]);
  }
}"""


def grave_faults(page: Any) -> list[str]:
    """Each rule that is gravely broken, with the first place; and each that ended in an error."""
    page.evaluate(SETTLE)
    page.evaluate((files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations', 'incomplete'] })")
    faults = [
        f"{rule['id']}, {len(rule['nodes'])} times, as in {rule['nodes'][0]['target']}"
        for rule in found["violations"]
        if rule["impact"] in GRAVE
    ]
    return faults + [f"{rule['id']} was not judged" for rule in found["incomplete"] if not rule["nodes"]]
