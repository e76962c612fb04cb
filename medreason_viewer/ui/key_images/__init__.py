"""Key images: marked, listed, walked through."""
