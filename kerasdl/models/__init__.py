"""Reference networks, built from `kerasdl.layers` alone."""

from kerasdl.models.cnn import CNN as CNN
from kerasdl.models.mlp import MLP as MLP
from kerasdl.models.perceptron import Perceptron as Perceptron
from kerasdl.models.recurrent_classifier import RecurrentClassifier as RecurrentClassifier
from kerasdl.models.vit import ViT as ViT
