"""Recurrent networks: the plain loop over time, and cells with their gradient derived by hand."""

from kerasdl.ops.recurrence.gates import by_hand as by_hand
from kerasdl.ops.recurrence.gru import gru as gru
from kerasdl.ops.recurrence.gru import gru_step as gru_step
from kerasdl.ops.recurrence.gru import gru_step_reset_before as gru_step_reset_before
from kerasdl.ops.recurrence.lstm import lstm as lstm
from kerasdl.ops.recurrence.lstm import lstm_step as lstm_step
from kerasdl.ops.recurrence.pairs import both as both
from kerasdl.ops.recurrence.simple_rnn import simple_rnn as simple_rnn
from kerasdl.ops.recurrence.unfold import unfold as unfold
