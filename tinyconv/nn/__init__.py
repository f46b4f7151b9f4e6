"""Modules, layers, initialisers; and the functions: `import tinyconv.nn.functional as F`."""
from . import functional, init
from .containers import ModuleDict, ModuleList, ParameterList, Sequential
from .freezing import freeze, unfreeze
from .layers.activation import (CELU, ELU, GELU, GLU, SELU, Hardshrink, Hardsigmoid, Hardswish,
                                Hardtanh, LeakyReLU, LogSigmoid, LogSoftmax, Mish, PReLU, ReLU,
                                ReLU6, RReLU, Sigmoid, SiLU, Softmax, Softmax2d, Softmin, Softplus,
                                Softshrink, Softsign, Tanh, Tanhshrink, Threshold)
from .layers.attention import MultiheadAttention
from .layers.convolution import (Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d,
                                 ConvTranspose3d)
from .layers.dropout import (AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d,
                             FeatureAlphaDropout, StochasticDepth)
from .layers.linear import Bilinear, Embedding, Linear
from .layers.loss import (BCELoss, BCEWithLogitsLoss, CosineEmbeddingLoss, CrossEntropyLoss,
                          GaussianNLLLoss, HingeEmbeddingLoss, HuberLoss, KLDivLoss, L1Loss,
                          MarginRankingLoss, MSELoss, MultiLabelSoftMarginLoss, MultiMarginLoss,
                          NLLLoss, PoissonNLLLoss, SmoothL1Loss, SoftMarginLoss, TripletMarginLoss)
from .layers.normalization import (BatchNorm1d, BatchNorm2d, BatchNorm3d, GroupNorm, InstanceNorm1d,
                                   InstanceNorm2d, InstanceNorm3d, LayerNorm, LocalResponseNorm,
                                   RMSNorm)
from .layers.padding import (CircularPad1d, CircularPad2d, CircularPad3d, ConstantPad1d,
                             ConstantPad2d, ConstantPad3d, ReflectionPad1d, ReflectionPad2d,
                             ReflectionPad3d, ReplicationPad1d, ReplicationPad2d, ReplicationPad3d,
                             ZeroPad1d, ZeroPad2d, ZeroPad3d)
from .layers.pooling import (AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d,
                             AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d,
                             AvgPool1d, AvgPool2d, AvgPool3d, LPPool1d, LPPool2d, LPPool3d,
                             MaxPool1d, MaxPool2d, MaxPool3d, MaxUnpool1d, MaxUnpool2d, MaxUnpool3d,
                             SpatialPyramidPool)
from .layers.shape import Flatten, Identity, Unflatten
from .layers.similarity import CosineSimilarity, PairwiseDistance
from .layers.vision import (ChannelShuffle, Fold, PixelShuffle, PixelUnshuffle, Unfold, Upsample,
                            UpsamplingBilinear2d, UpsamplingNearest2d)
from .module import Module
from .parameter import Parameter
