"""The README that goes along with a saved classifier."""

from typing import Any


def model_card(description: dict[str, Any]) -> str:
    """Markdown with the front matter that model hubs read."""
    target, preprocessing = description["target"], description["preprocessing"]
    if target["task"] == "classification":
        pipeline, outputs = (
            "image-classification",
            f"{len(target['class_names'])} classes, in this order:\n\n",
        )
        outputs += "\n".join(f"{index}. `{name}`" for index, name in enumerate(target["class_names"]))
    else:
        pipeline, outputs = (
            "image-feature-extraction",
            f"one number, seen from {target['low']} to {target['high']}.",
        )
    shape = f"{preprocessing['channels']} × {preprocessing['height']} × {preprocessing['width']}"
    return f"""---
library_name: convscope
pipeline_tag: {pipeline}
---
# {description["network"]["name"]}

A network of convscope. Input: {shape} (channels × height × width), fitted by `{preprocessing["fit"]}`, pixels
scaled to 0-1, then minus the mean and divided by the deviation that `config.json` gives.

Output: {outputs}

Use it:

```python
import convscope

classifier = convscope.load("path/to/this/folder")
classifier.predict("image.jpg")
```
"""
