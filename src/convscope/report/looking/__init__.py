"""What a run's network has learned: `inspection` measures, this package chooses, draws and puts into words.

subject      the run, its classifier, its images
plan         which layers, units and images are telling
answer       one picture, the question that it answers, and what it found
filters · maps · histograms · patches · where · wants · plane · mistakes     one file a question
album        the pictures of a whole look, written into the run
look         the same for a notebook: `cs.look(run).filters("conv1")`
"""
