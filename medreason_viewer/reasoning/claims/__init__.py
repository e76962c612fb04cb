"""What a sentence claims, in words a published lexicon knows."""
