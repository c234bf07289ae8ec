"""Result cards: what was found, beside what was reported.

figures     a figure of one run, and of several seeds
verdicts    whether a reported figure and ours are the same
card        both, kept in small files that are never changed
saying      figures and verdicts in words
"""
