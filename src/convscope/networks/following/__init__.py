"""An image followed through the operators that a network runs: where does each result look?"""
