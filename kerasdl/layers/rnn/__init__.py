"""Recurrent layers: cells, the layer that runs a cell along a sequence, and wrappers."""
