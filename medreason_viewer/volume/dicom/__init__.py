"""DICOM files as bytes: their elements, headers, identities and digests, without decoding a pixel."""
