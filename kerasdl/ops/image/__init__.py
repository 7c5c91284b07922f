"""Images: geometry, crops, contrast and brightness, one equation each.

Every function but `upsample` takes `ops`, the operations to compute with. It is `keras.ops` except
within `tf.data`, where images are TensorFlow's whatever backend Keras runs on. Names that are not
ours are those of `keras.ops.image`.
"""

import keras

from kerasdl.builtins import fall_back_to
from kerasdl.ops.image.affine import affine_transform as affine_transform
from kerasdl.ops.image.boxes import crop_boxes as crop_boxes
from kerasdl.ops.image.boxes import transform_boxes as transform_boxes
from kerasdl.ops.image.crop import central_window as central_window
from kerasdl.ops.image.crop import crop as crop
from kerasdl.ops.image.crop import largest_window as largest_window
from kerasdl.ops.image.crop import resize_window as resize_window
from kerasdl.ops.image.maps import rotation as rotation
from kerasdl.ops.image.maps import translation as translation
from kerasdl.ops.image.maps import zoom as zoom
from kerasdl.ops.image.sampling import fold as fold
from kerasdl.ops.image.sampling import sample as sample
from kerasdl.ops.image.upsample import upsample as upsample
from kerasdl.ops.image.values import adjust_brightness as adjust_brightness
from kerasdl.ops.image.values import adjust_contrast as adjust_contrast
from kerasdl.ops.image.values import flip as flip

__getattr__ = fall_back_to(keras.ops.image, __name__)
