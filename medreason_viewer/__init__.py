"""MedReason Viewer: a desktop CT viewer in which a right-click explains a region."""

__version__ = "0.1.0"
