"""Which layers, units and images of a run are telling, and what was measured on them: arrays out, no drawing.

subject      the run, its classifier, and its images with what the classifier was fitted on
plan         which layers, units and images are telling
asking       a whole look: every question in turn
filters · maps · signals · patches · where · wants · plane     one file a question
"""
