"""What a model is worth: figures with intervals, ablations, comparisons."""
