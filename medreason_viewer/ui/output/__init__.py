"""What leaves the window: an image saved or copied, a page printed."""
