"""The one renderer of slice, overlay, letters and zoom: QPainter on QImage, no widgets."""
