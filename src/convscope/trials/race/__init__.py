"""The optimizer race (E7), in float64 and by update rules of our own.

surface    the cost of two weights: a curved valley with a saddle
rules      gradient descent, momentum, Adam and AdamW as functions of arrays
racing     all of them from one start, and what each was like at every other learning rate
judging    what the source says of them, held against that
"""
