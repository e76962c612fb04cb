"""The window. ``session`` holds the state; panels read it and emit requests."""
