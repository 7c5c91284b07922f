"""Pure functions, tensors in and tensors out, one equation each.

Names that are not ours are `keras.ops`' own (see `kerasdl.builtins`).
"""

import keras

from kerasdl.builtins import fall_back_to
from kerasdl.ops import image as image
from kerasdl.ops import recurrence as recurrence
from kerasdl.ops.adaptive_pooling import adaptive_average_pooling as adaptive_average_pooling
from kerasdl.ops.adaptive_pooling import adaptive_max_pooling as adaptive_max_pooling
from kerasdl.ops.attention import additive_score as additive_score
from kerasdl.ops.attention import attention_equations as attention_equations
from kerasdl.ops.attention import causal_mask as causal_mask
from kerasdl.ops.attention import concat_score as concat_score
from kerasdl.ops.attention import dot_score as dot_score
from kerasdl.ops.attention import masked_softmax as masked_softmax
from kerasdl.ops.attention import scaled_dot_product_attention as scaled_dot_product_attention
from kerasdl.ops.attention import sliding_window_mask as sliding_window_mask
from kerasdl.ops.batch_norm import batch_normalization as batch_normalization
from kerasdl.ops.batch_norm import fast_batch_normalization as fast_batch_normalization
from kerasdl.ops.batch_norm import moments as moments
from kerasdl.ops.batch_renorm import renormalization as renormalization
from kerasdl.ops.boxes import box_iou as box_iou
from kerasdl.ops.boxes import non_max_suppression as non_max_suppression
from kerasdl.ops.convolution import convolution as convolution
from kerasdl.ops.convolution import depthwise_convolution as depthwise_convolution
from kerasdl.ops.embedding import embedding_lookup as embedding_lookup
from kerasdl.ops.embedding import extract_patches as extract_patches
from kerasdl.ops.embedding import join_patches as join_patches
from kerasdl.ops.embedding import one_hot as one_hot
from kerasdl.ops.embedding import resize_positions as resize_positions
from kerasdl.ops.embedding import sinusoidal_encoding as sinusoidal_encoding
from kerasdl.ops.global_pooling import global_average_pooling as global_average_pooling
from kerasdl.ops.global_pooling import global_l2_norm_pooling as global_l2_norm_pooling
from kerasdl.ops.global_pooling import global_max_pooling as global_max_pooling
from kerasdl.ops.group_norm import fast_group_normalization as fast_group_normalization
from kerasdl.ops.group_norm import group_normalization as group_normalization
from kerasdl.ops.linear import affine as affine
from kerasdl.ops.linear import einsum_affine as einsum_affine
from kerasdl.ops.linear import low_rank_adaptation as low_rank_adaptation
from kerasdl.ops.merging import batch_dot as batch_dot
from kerasdl.ops.normalization import deviation_scaling as deviation_scaling
from kerasdl.ops.normalization import fast_layer_normalization as fast_layer_normalization
from kerasdl.ops.normalization import fast_rms_normalization as fast_rms_normalization
from kerasdl.ops.normalization import layer_normalization as layer_normalization
from kerasdl.ops.normalization import rms_normalization as rms_normalization
from kerasdl.ops.normalization import unit_normalization as unit_normalization
from kerasdl.ops.perceptron import perceptron as perceptron
from kerasdl.ops.perceptron import perceptron_epoch as perceptron_epoch
from kerasdl.ops.perceptron import perceptron_update as perceptron_update
from kerasdl.ops.pooling import average_pooling as average_pooling
from kerasdl.ops.pooling import l2_norm_pooling as l2_norm_pooling
from kerasdl.ops.pooling import max_pooling as max_pooling
from kerasdl.ops.pooling_equations import average_pooling_equation as average_pooling_equation
from kerasdl.ops.pooling_equations import l2_norm_pooling_equation as l2_norm_pooling_equation
from kerasdl.ops.pooling_equations import max_pooling_equation as max_pooling_equation
from kerasdl.ops.regularization import alpha_dropout as alpha_dropout
from kerasdl.ops.regularization import dropout as dropout
from kerasdl.ops.regularization import gaussian_dropout as gaussian_dropout
from kerasdl.ops.regularization import gaussian_noise as gaussian_noise
from kerasdl.ops.rollout import attention_rollout as attention_rollout
from kerasdl.ops.rotary import rotary_embedding as rotary_embedding
from kerasdl.ops.spectral import spectral_norm as spectral_norm
from kerasdl.ops.transposed_convolution import (
    transposed_convolution as transposed_convolution,
)
from kerasdl.ops.updates import adadelta_update as adadelta_update
from kerasdl.ops.updates import adafactor_update as adafactor_update
from kerasdl.ops.updates import adagrad_update as adagrad_update
from kerasdl.ops.updates import adam_update as adam_update
from kerasdl.ops.updates import adamax_update as adamax_update
from kerasdl.ops.updates import adamw_update as adamw_update
from kerasdl.ops.updates import amsgrad_update as amsgrad_update
from kerasdl.ops.updates import centered_rmsprop_update as centered_rmsprop_update
from kerasdl.ops.updates import exponential_moving_average as exponential_moving_average
from kerasdl.ops.updates import ftrl_update as ftrl_update
from kerasdl.ops.updates import lamb_update as lamb_update
from kerasdl.ops.updates import lion_update as lion_update
from kerasdl.ops.updates import momentum_update as momentum_update
from kerasdl.ops.updates import muon_update as muon_update
from kerasdl.ops.updates import nadam_update as nadam_update
from kerasdl.ops.updates import nesterov_update as nesterov_update
from kerasdl.ops.updates import newton_schulz as newton_schulz
from kerasdl.ops.updates import rmsprop_update as rmsprop_update
from kerasdl.ops.updates import schedule_free_update as schedule_free_update
from kerasdl.ops.updates import sgd_update as sgd_update

__getattr__ = fall_back_to(keras.ops, __name__)
