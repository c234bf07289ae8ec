"""From the bytes of files to pixels of one shape: reading, decoding, resizing, and the cache."""
