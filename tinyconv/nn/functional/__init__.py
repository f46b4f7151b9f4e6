"""What layers compute, with PyTorch's signatures: `import tinyconv.nn.functional as F`."""
from ...ops import linear, pad
from .activation import gelu, leaky_relu, log_softmax, relu, sigmoid, silu, softmax, softplus, tanh
from .convolution import (conv1d, conv2d, conv3d, conv_scaled, conv_transpose1d, conv_transpose2d,
                          conv_transpose3d)
from .dropout import dropout, dropout1d, dropout2d, dropout3d
from .loss import binary_cross_entropy_with_logits, cross_entropy, l1_loss, mse_loss, nll_loss
from .normalization import batch_norm, group_norm, instance_norm, layer_norm, local_response_norm
from .pooling import (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d,
                      adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d,
                      avg_pool1d, avg_pool2d, avg_pool3d, max_pool1d, max_pool2d, max_pool3d,
                      spatial_pyramid_pool)
