"""From files to tensors: sources, decoding, audit, splits, preprocessing, augmentation."""
