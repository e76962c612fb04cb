"""The data set on disk: cases, their rows, their card; and phantoms as one."""
