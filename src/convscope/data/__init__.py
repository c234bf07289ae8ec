"""From files to tensors. Where to read on:

where images come from          sources/ folders, archives, tables, names · synthetic/ drawn ones
from bytes to pixels            pixels/ decoding, depth, cache · quarantine, what is broken
from a source to a data set     loading · survey, from headers alone · splitting/ · dataset
is it fit for training          auditing/
from a data set to a batch      batches · preprocessing, for every image · augmentation/, for training alone
"""
