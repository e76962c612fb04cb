"""One HTML file that tells of a run."""
