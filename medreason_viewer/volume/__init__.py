"""CT data: reading, geometry, windowing, planes and measurements. No Qt, no torch."""
