"""Supervised fine-tuning: model, warm-up, adapters, checkpoints."""
