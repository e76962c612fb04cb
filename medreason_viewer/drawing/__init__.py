"""The one renderer of slice, overlay, letters and zoom: QPainter on QImage, no widgets."""

from .lasting_constants import keep_constants_alive

keep_constants_alive()  # before the first call of Qt
