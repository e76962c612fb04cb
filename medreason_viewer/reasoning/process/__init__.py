"""The child process that owns the model, and the viewer's side of the pipe."""
