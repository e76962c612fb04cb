"""The model itself, the only room that knows torch: loading, quantising, tokens, decoding."""
