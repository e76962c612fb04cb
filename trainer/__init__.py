"""The companion trainer: phantoms, supervised fine-tuning and evaluation of a bundle. No Qt."""
