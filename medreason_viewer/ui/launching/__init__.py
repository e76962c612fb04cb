"""Launch in context: a link, or a second start of the program, opens a study in the window that runs.

The link is ``medreason://open?study=UID&series=UID&accession=NUMBER&goto=PLACE&path=PATH``, in any order,
every part at most once and percent-encoded (``+`` is a plus sign); at least one but ``goto`` must be there.

============= ===========================================================================================
part          what it is
============= ===========================================================================================
``study``     Study Instance UID
``series``    Series Instance UID
``accession`` accession number; where there is a UID as well, both must fit
``goto``      an image: its SOP Instance UID, its number (``42``), or a point in patient mm, LPS
              (``-12.5,30,118``), whose nearest image is shown
``path``      folder, file, zip or DICOMDIR on this machine, where the rest is looked for first
============= ===========================================================================================

What is asked for is looked up in what is open, at ``path``, where the reader had it last (``Places``), and in
the archive (``Fetch``), in that order; those two are the seams to journal and network. Only what fits is
shown; where nothing does, the window stays as it was and says so. Another patient is never shown without a
bar that the reader acknowledges.

``single``: one window per user and desktop, behind a socket that only the user may open.
"""
