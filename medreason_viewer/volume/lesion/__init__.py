"""Finding the lesion in a small part of a slice: its tissue, its extent, its outline."""
