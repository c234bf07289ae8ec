"""What images held out from training taught about a classifier's answers: how far to believe them."""
