"""What was measured, drawn: measures nothing. Where to read on:

one page that opens offline     page/ html, from its material
what `look` answers             pictures/ one file a question, set on paper/
lines, points and bars          charts/
in one look                     palette · wording
"""
