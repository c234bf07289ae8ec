"""What a trained network has learned, as arrays; drawing is elsewhere.

Every function borrows the network (`borrowing`) and gives it back as it was. Images are standardised float32
`(N, C, H, W)`; only top patches are cut from uint8 images.

    what a layer weighs and gives      filters · activations · signals/: histograms, dead_units
    what excites a unit                patches/: top_patches, deconvnet, patch_projections · unit_optimisation
    what a class rests on              class_evidence/: class_maps, attribution, sanity
    how one value comes about          arithmetic/: explaining, path
    what the last hidden layer says    hidden_values · planes
"""
