"""A video on its way into batches: decoding, cuts, and which frames become stills."""
