"""From a trained run to a SavedModel that carries its preprocessing and its labels."""

from kerasdl.export.saved_model import export as export
from kerasdl.export.saved_model import export_model as export_model
from kerasdl.export.versions import next_version as next_version
