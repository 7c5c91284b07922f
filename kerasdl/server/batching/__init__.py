"""Examples of several requests in one call of the model.

`scheduler` runs the calls and puts jobs together, `rowwise` and its `rules` find the signatures for
which that can change no answer.
"""
