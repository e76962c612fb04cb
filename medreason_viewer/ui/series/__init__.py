"""The left-hand side: opening a path, its series and their thumbnails."""
