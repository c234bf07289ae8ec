"""The run folder: the only bridge between training and everything after it. Where to read on:

the folder and its files        folder · names · environment · records, `metrics.jsonl`
weights and training state      checkpoints · checkpoint_names
whole or not at all             atomic · lock, one training a run · advice, what to do when it fails
"""
