"""The reader's verdict, kept in the journal, and what is kept of a study when it is opened again."""
