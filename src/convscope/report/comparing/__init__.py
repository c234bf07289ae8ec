"""The page of a comparison: verdicts, what each costs, and the images on which runs differ."""
