"""Layers that keep one number for each window, or for each channel."""
