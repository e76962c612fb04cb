"""Classic DICOM networking, by pynetdicom."""
