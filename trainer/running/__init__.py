"""One config, one command: the stages of a run, picked up where they stopped."""
