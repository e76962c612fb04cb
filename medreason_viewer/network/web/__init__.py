"""DICOMweb by httpx2.

Not by dicomweb-client: it parses every object and encodes it anew (the file would not be the archive's),
takes neither HTJ2K nor "as stored", builds a whole STOW request in memory, and logs addresses, which hold the
names of patients that are searched for.
"""
