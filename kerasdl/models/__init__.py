"""Reference networks, built from `kerasdl.layers` alone."""

from kerasdl.models.vit import ViT as ViT
