"""How one value of a network comes about: what it is summed, normalised, bent and pooled from.

trace           one pass of one image, every operator's result kept
operators       what each operator is called, and which of its arguments are values of the image
steps           one step of arithmetic: a weighted sum, a normalisation, a pooling, …
explaining      from a value of a trace to the steps that make it and that follow it
path            from the answer back to the pixels, along what contributed most
"""
