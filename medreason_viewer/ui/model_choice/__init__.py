"""The choice of a model folder: what it needs and what this workstation has, before it is used."""
