"""The window. ``session`` holds the state; panels read it and emit requests."""

from .lasting_true import keep_true_alive

keep_true_alive()  # before any signal of this room
