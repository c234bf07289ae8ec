"""What schemathesis sends where the OpenAPI document says that an image is wanted: images, of many kinds."""

import io

import schemathesis
from hypothesis import strategies as st
from PIL import Image


@st.composite
def images(draw: st.DrawFn) -> bytes:
    size = draw(st.tuples(st.integers(1, 60), st.integers(1, 60)))
    mode = draw(st.sampled_from(["L", "RGB"]))
    colour = draw(st.integers(0, 255))
    file = io.BytesIO()
    picture = Image.new(mode, size, colour if mode == "L" else (colour, 0, 255 - colour))
    picture.save(file, draw(st.sampled_from(["PNG", "JPEG", "BMP", "GIF"])))
    return file.getvalue()


for kind in ("image/*", "application/octet-stream"):
    schemathesis.openapi.media_type(kind, images())
schemathesis.openapi.format("binary", images())
