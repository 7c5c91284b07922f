"""Keras layers, each computing its equation from `kerasdl.ops`.

`from kerasdl import layers` replaces `from keras import layers`: same constructor arguments,
weights, masks and files. Names not written here yet are Keras' own (see `kerasdl.builtins`);
`OURS` lists those that are written from their equations.
"""

import keras

from kerasdl.builtins import fall_back_to
from kerasdl.layers.activation import ELU, Activation, LeakyReLU, ReLU
from kerasdl.layers.activity_regularization import ActivityRegularization
from kerasdl.layers.additive_attention import AdditiveAttention
from kerasdl.layers.alpha_dropout import AlphaDropout
from kerasdl.layers.attention import Attention
from kerasdl.layers.batch_normalization import BatchNormalization
from kerasdl.layers.class_token import ClassToken
from kerasdl.layers.conv import Conv1D, Conv2D, Conv3D
from kerasdl.layers.conv_transpose import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from kerasdl.layers.cropping import Cropping1D, Cropping2D, Cropping3D
from kerasdl.layers.dense import Dense
from kerasdl.layers.depthwise_conv import DepthwiseConv1D, DepthwiseConv2D
from kerasdl.layers.dropout import Dropout
from kerasdl.layers.einsum_dense import EinsumDense
from kerasdl.layers.embedding import Embedding
from kerasdl.layers.feed_forward import FeedForward
from kerasdl.layers.flatten import Flatten
from kerasdl.layers.gaussian_noise import GaussianDropout, GaussianNoise
from kerasdl.layers.group_normalization import GroupNormalization
from kerasdl.layers.grouped_query_attention import GroupQueryAttention
from kerasdl.layers.identity import Identity
from kerasdl.layers.layer_normalization import LayerNormalization
from kerasdl.layers.masking import Masking
from kerasdl.layers.merging.arithmetic import Add, Average, Multiply, Subtract
from kerasdl.layers.merging.arithmetic import add as add
from kerasdl.layers.merging.arithmetic import average as average
from kerasdl.layers.merging.arithmetic import multiply as multiply
from kerasdl.layers.merging.arithmetic import subtract as subtract
from kerasdl.layers.merging.concatenate import Concatenate
from kerasdl.layers.merging.concatenate import concatenate as concatenate
from kerasdl.layers.merging.dot import Dot
from kerasdl.layers.merging.dot import dot as dot
from kerasdl.layers.merging.extrema import Maximum, Minimum
from kerasdl.layers.merging.extrema import maximum as maximum
from kerasdl.layers.merging.extrema import minimum as minimum
from kerasdl.layers.multi_head_attention import MultiHeadAttention
from kerasdl.layers.patch_embedding import PatchEmbedding
from kerasdl.layers.perceptron import Perceptron
from kerasdl.layers.permute import Permute
from kerasdl.layers.pooling.adaptive_average_pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
)
from kerasdl.layers.pooling.adaptive_max_pooling import (
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
)
from kerasdl.layers.pooling.average_pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
)
from kerasdl.layers.pooling.global_average_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
)
from kerasdl.layers.pooling.global_l2_norm_pooling import (
    GlobalL2NormPooling1D,
    GlobalL2NormPooling2D,
    GlobalL2NormPooling3D,
)
from kerasdl.layers.pooling.global_max_pooling import (
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from kerasdl.layers.pooling.l2_norm_pooling import (
    L2NormPooling1D,
    L2NormPooling2D,
    L2NormPooling3D,
)
from kerasdl.layers.pooling.max_pooling import MaxPooling1D, MaxPooling2D, MaxPooling3D
from kerasdl.layers.position_embedding import PositionEmbedding
from kerasdl.layers.prelu import PReLU
from kerasdl.layers.preprocessing.center_crop import CenterCrop
from kerasdl.layers.preprocessing.normalization import Normalization
from kerasdl.layers.preprocessing.random_brightness import RandomBrightness
from kerasdl.layers.preprocessing.random_contrast import RandomContrast
from kerasdl.layers.preprocessing.random_crop import RandomCrop
from kerasdl.layers.preprocessing.random_flip import RandomFlip
from kerasdl.layers.preprocessing.random_rotation import RandomRotation
from kerasdl.layers.preprocessing.random_translation import RandomTranslation
from kerasdl.layers.preprocessing.random_zoom import RandomZoom
from kerasdl.layers.preprocessing.rescaling import Rescaling
from kerasdl.layers.repeating import RepeatVector, UpSampling1D, UpSampling3D
from kerasdl.layers.reshape import Reshape
from kerasdl.layers.reversible_embedding import ReversibleEmbedding
from kerasdl.layers.rms_normalization import RMSNormalization
from kerasdl.layers.rnn.bidirectional import Bidirectional as Bidirectional
from kerasdl.layers.rnn.gru import GRU as GRU
from kerasdl.layers.rnn.gru_cell import GRUCell as GRUCell
from kerasdl.layers.rnn.lstm import LSTM as LSTM
from kerasdl.layers.rnn.lstm_cell import LSTMCell as LSTMCell
from kerasdl.layers.rnn.rnn import RNN as RNN
from kerasdl.layers.rnn.simple_rnn import SimpleRNN as SimpleRNN
from kerasdl.layers.rnn.simple_rnn_cell import SimpleRNNCell as SimpleRNNCell
from kerasdl.layers.rnn.stacked_rnn_cells import StackedRNNCells as StackedRNNCells
from kerasdl.layers.rnn.time_distributed import TimeDistributed as TimeDistributed
from kerasdl.layers.rotary_embedding import RotaryEmbedding
from kerasdl.layers.separable_conv import SeparableConv1D, SeparableConv2D
from kerasdl.layers.sinusoidal_position_encoding import SinusoidalPositionEncoding
from kerasdl.layers.softmax import Softmax
from kerasdl.layers.spatial_dropout import SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from kerasdl.layers.spectral_normalization import SpectralNormalization
from kerasdl.layers.transformer_decoder import TransformerDecoder
from kerasdl.layers.transformer_encoder import TransformerEncoder
from kerasdl.layers.unit_normalization import UnitNormalization
from kerasdl.layers.up_sampling import UpSampling2D
from kerasdl.layers.zero_padding import ZeroPadding1D, ZeroPadding2D, ZeroPadding3D

OURS = (
    Bidirectional,
    GRU,
    GRUCell,
    LSTM,
    LSTMCell,
    RNN,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
    TimeDistributed,
    Normalization,
    Masking,
    Reshape,
    UpSampling2D,
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    L2NormPooling1D,
    L2NormPooling2D,
    L2NormPooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalL2NormPooling1D,
    GlobalL2NormPooling2D,
    GlobalL2NormPooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    ZeroPadding3D,
    ZeroPadding2D,
    ZeroPadding1D,
    UpSampling3D,
    UpSampling1D,
    RepeatVector,
    Permute,
    Flatten,
    Identity,
    Cropping3D,
    Cropping2D,
    Cropping1D,
    ELU,
    Activation,
    ActivityRegularization,
    AdditiveAttention,
    AlphaDropout,
    Attention,
    BatchNormalization,
    CenterCrop,
    ClassToken,
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    Dense,
    DepthwiseConv1D,
    DepthwiseConv2D,
    Dropout,
    EinsumDense,
    Embedding,
    FeedForward,
    GaussianDropout,
    GaussianNoise,
    GroupNormalization,
    GroupQueryAttention,
    LayerNormalization,
    LeakyReLU,
    MultiHeadAttention,
    PReLU,
    PatchEmbedding,
    Perceptron,
    PositionEmbedding,
    RMSNormalization,
    ReLU,
    Softmax,
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    Rescaling,
    ReversibleEmbedding,
    RotaryEmbedding,
    SeparableConv1D,
    SeparableConv2D,
    SinusoidalPositionEncoding,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
    SpectralNormalization,
    TransformerDecoder,
    TransformerEncoder,
    UnitNormalization,
)

# Keras' other names for the same classes.
Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution1DTranspose, Convolution2DTranspose = Conv1DTranspose, Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D

# Keras' short names.
AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
AvgPool3D = AveragePooling3D
MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
MaxPool3D = MaxPooling3D
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D

__getattr__ = fall_back_to(keras.layers, __name__)
