"""Looking into one run, for the pages: what was seen is kept for the next click.

`lenses` finds the lens of a run without loading torch; `lens` is one; `network` and `trying` make of it what
the two pages show.
"""
