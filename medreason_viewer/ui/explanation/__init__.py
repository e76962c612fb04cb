"""The right-hand side: the question on its way, the answer, its steps and evidence."""
