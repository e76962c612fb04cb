"""Findings as DICOM objects, and regions of others read back."""
