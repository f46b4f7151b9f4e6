"""What layers compute, with PyTorch's signatures: `import tinyconv.nn.functional as F`."""
from ...ops import linear, pad
from .activation import (celu, elu, gelu, glu, hardshrink, hardsigmoid, hardswish, hardtanh,
                         leaky_relu, log_softmax, logsigmoid, mish, prelu, relu, relu6, rrelu, selu,
                         sigmoid, silu, softmax, softmin, softplus, softshrink, softsign, tanh,
                         tanhshrink, threshold)
from .attention import scaled_dot_product_attention
from .convolution import (conv1d, conv2d, conv3d, conv_scaled, conv_transpose1d, conv_transpose2d,
                          conv_transpose3d)
from .dropout import (alpha_dropout, dropout, dropout1d, dropout2d, dropout3d,
                      feature_alpha_dropout, stochastic_depth)
from .embedding import bilinear, embedding, one_hot
from .loss import (binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy,
                   gaussian_nll_loss, huber_loss, kl_div, l1_loss, mse_loss, nll_loss,
                   poisson_nll_loss, smooth_l1_loss)
from .margin import (cosine_embedding_loss, hinge_embedding_loss, margin_ranking_loss,
                     multi_margin_loss, multilabel_soft_margin_loss, soft_margin_loss,
                     triplet_margin_loss)
from .normalization import (batch_norm, group_norm, instance_norm, layer_norm, local_response_norm,
                            rms_norm)
from .pooling import (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d,
                      adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d,
                      avg_pool1d, avg_pool2d, avg_pool3d, lp_pool1d, lp_pool2d, lp_pool3d,
                      max_pool1d, max_pool2d, max_pool3d, max_unpool1d, max_unpool2d, max_unpool3d,
                      spatial_pyramid_pool)
from .similarity import cosine_similarity, normalize, pairwise_distance
from .vision import (channel_shuffle, fold, interpolate, pixel_shuffle, pixel_unshuffle, unfold)
