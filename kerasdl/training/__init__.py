"""From a recipe to a trained model: config → fit → run folder; resumable, repeatable."""

from kerasdl.training.config import TrainConfig as TrainConfig
from kerasdl.training.descend import Trace as Trace
from kerasdl.training.descend import descend as descend
from kerasdl.training.recipes import recipe as recipe
from kerasdl.training.recipes import recipe_file as recipe_file
from kerasdl.training.recipes import recipe_names as recipe_names
from kerasdl.training.run import Run as Run
from kerasdl.training.tasks import task_of as task_of
from kerasdl.training.train import evaluate as evaluate
from kerasdl.training.train import train as train
