"""A network's layers on a page: their diagram, maps, and the arithmetic of one value.

`numbers` draws small grids of numbers, `steps` a chain of arithmetic steps, `diagram` the layers in their
shapes. `templates/steps.css` is the style that a page needs for them.
"""
