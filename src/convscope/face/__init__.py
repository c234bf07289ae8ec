"""The Python face: the same things as the command line, as values, never printing. Where to read on:

train, resume                     training; a finished run shows itself: finished, with its curves
evaluate                          judging
load, predict, look, report       asking
diagnose · compare                diagnosing · comparing
data · find_lr · summary          auditing · rates · layers
what a training is told           settings
what a notebook shows meanwhile   live
"""
