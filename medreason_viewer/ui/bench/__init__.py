"""``medreason bench view``: how fast the image is, beside VTK in one run."""
