"""Reference networks, built from `kerasdl.layers` alone."""

from kerasdl.models.captioner import Captioner as Captioner
from kerasdl.models.cnn import CNN as CNN
from kerasdl.models.language_model import LanguageModel as LanguageModel
from kerasdl.models.mlp import MLP as MLP
from kerasdl.models.perceptron import Perceptron as Perceptron
from kerasdl.models.recurrent_classifier import RecurrentClassifier as RecurrentClassifier
from kerasdl.models.recurrent_tagger import RecurrentTagger as RecurrentTagger
from kerasdl.models.seq2seq import Seq2Seq as Seq2Seq
from kerasdl.models.skip_gram import SkipGram as SkipGram
from kerasdl.models.transformer import Transformer as Transformer
from kerasdl.models.vit import ViT as ViT
from kerasdl.models.vit_detector import ViTDetector as ViTDetector
from kerasdl.models.vit_segmenter import ViTSegmenter as ViTSegmenter
