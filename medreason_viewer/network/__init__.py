"""The PACS: DIMSE by pynetdicom, DICOMweb, and the queue of what is still to be sent."""
