"""The choice of a server that runs the model in this workstation's place: off until the reader agrees."""
