"""From a path to series: opening files and archives, grouping frames, telling phases and copies apart."""
