"""The values on their way: before each non-linearity, their histograms, and the units that never fire."""
