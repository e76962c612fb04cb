"""From a trained bundle to the one that serves, and back."""
