"""A model folder: its manifest, its files and their hashes."""
