"""Rules are functions of measured values and give findings: a conclusion, its evidence, and what to do."""
