"""Mouse and keys: profiles, and the dialog that shows and edits them."""
