r"""Update rules of the optimisers: gradient and state in, new state and step out.

Every rule returns the new states in the order in which they came, and the step last, to be
subtracted: $\theta_t = \theta_{t-1} - \Delta_t$ (rules that differ say so). `ema_increment`,
`adadelta_move` and the `…_step`s are the same equations cut in two, for an optimiser that writes
its states in place: on TensorFlow that saves a tensor for every state.

A gradient of an embedding may be sparse on TensorFlow and JAX. Where it enters an equation stands
`ops.multiply` and the like, which keep it sparse as long as the result is.
"""

from kerasdl.ops.updates.adafactor import adafactor_update as adafactor_update
from kerasdl.ops.updates.adam import adam_step as adam_step
from kerasdl.ops.updates.adam import adam_update as adam_update
from kerasdl.ops.updates.adam import adamax_step as adamax_step
from kerasdl.ops.updates.adam import adamax_update as adamax_update
from kerasdl.ops.updates.adam import adamw_update as adamw_update
from kerasdl.ops.updates.adam import amsgrad_update as amsgrad_update
from kerasdl.ops.updates.adaptive import adadelta_move as adadelta_move
from kerasdl.ops.updates.adaptive import adadelta_update as adadelta_update
from kerasdl.ops.updates.adaptive import adagrad_update as adagrad_update
from kerasdl.ops.updates.adaptive import centered_rmsprop_update as centered_rmsprop_update
from kerasdl.ops.updates.adaptive import rmsprop_update as rmsprop_update
from kerasdl.ops.updates.adaptive import scaled_step as scaled_step
from kerasdl.ops.updates.ftrl import ftrl_update as ftrl_update
from kerasdl.ops.updates.lamb import lamb_step as lamb_step
from kerasdl.ops.updates.lamb import lamb_update as lamb_update
from kerasdl.ops.updates.momentum import constant_like as constant_like
from kerasdl.ops.updates.momentum import ema_increment as ema_increment
from kerasdl.ops.updates.momentum import exponential_moving_average as exponential_moving_average
from kerasdl.ops.updates.momentum import lion_update as lion_update
from kerasdl.ops.updates.momentum import momentum_update as momentum_update
from kerasdl.ops.updates.momentum import nesterov_update as nesterov_update
from kerasdl.ops.updates.momentum import sgd_update as sgd_update
from kerasdl.ops.updates.muon import muon_update as muon_update
from kerasdl.ops.updates.muon import newton_schulz as newton_schulz
from kerasdl.ops.updates.nadam import nadam_momentum as nadam_momentum
from kerasdl.ops.updates.nadam import nadam_step as nadam_step
from kerasdl.ops.updates.nadam import nadam_update as nadam_update
from kerasdl.ops.updates.schedule_free import schedule_free_update as schedule_free_update
