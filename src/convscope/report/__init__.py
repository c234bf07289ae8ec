"""Charts, picture grids and the HTML report of a run."""
