"""Modules, layers, initialisers; and the functions: `import tinyconv.nn.functional as F`."""
from . import functional, init
from .containers import ModuleDict, ModuleList, ParameterList, Sequential
from .layers.activation import (GELU, LeakyReLU, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Softplus,
                                Tanh)
from .layers.convolution import (Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d,
                                 ConvTranspose3d)
from .layers.dropout import Dropout, Dropout1d, Dropout2d, Dropout3d
from .layers.linear import Linear
from .layers.loss import BCEWithLogitsLoss, CrossEntropyLoss, L1Loss, MSELoss, NLLLoss
from .layers.normalization import (BatchNorm1d, BatchNorm2d, BatchNorm3d, GroupNorm, InstanceNorm1d,
                                   InstanceNorm2d, InstanceNorm3d, LayerNorm, LocalResponseNorm)
from .layers.padding import (CircularPad1d, CircularPad2d, CircularPad3d, ConstantPad1d,
                             ConstantPad2d, ConstantPad3d, ReflectionPad1d, ReflectionPad2d,
                             ReflectionPad3d, ReplicationPad1d, ReplicationPad2d, ReplicationPad3d,
                             ZeroPad1d, ZeroPad2d, ZeroPad3d)
from .layers.pooling import (AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d,
                             AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d,
                             AvgPool1d, AvgPool2d, AvgPool3d, MaxPool1d, MaxPool2d, MaxPool3d,
                             SpatialPyramidPool)
from .layers.shape import Flatten, Identity, Unflatten
from .module import Module
from .parameter import Parameter
