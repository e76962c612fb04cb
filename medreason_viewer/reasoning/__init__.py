"""The dialogue with the model: request, zoom, parser, evidence, worker. No Qt, no VTK."""
