"""The image: what it shows, and what mouse and keys do on it."""
