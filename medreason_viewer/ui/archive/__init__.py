"""The archives in the window: finding, retrieving and sending studies, and what others send here.

Every conversation with an archive, every file and the keyring are touched in threads alone; what comes back
is dropped where something newer was asked for. Names and texts of an archive are shown as plain text.
"""
