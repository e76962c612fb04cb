"""A site's cases, from whatever they lie in, as one data set: checked, de-identified, split by patient."""
