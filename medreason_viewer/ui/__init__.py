"""The window. ``session`` holds the state; panels read it and emit requests."""

from ..drawing.lasting_constants import keep_constants_alive

keep_constants_alive()  # before the first call of Qt
