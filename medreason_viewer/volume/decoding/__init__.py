"""From the bytes of a frame to stored values, in child processes wherever a decoder is needed."""
