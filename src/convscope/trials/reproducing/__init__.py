"""Published experiments, run again: reported beside measured.

experiments       where they are, and the data that they name
trainings         seed by seed, stopped earlier, or with something changed
training_runs     ordinary runs, made once, gone on with, or used as they are
measuring         the figures of a finished training; measured_wrongly: one that a source got wrong
orderings         whether one experiment is above another
ablations         why a figure is another than the source's
kinds             what trains nothing: the race, VGG's table, timing, features
reproduction      all of that, for one experiment
checking          a card, run again
expected          how long that takes here
selection         which experiments a time budget is given to
"""
