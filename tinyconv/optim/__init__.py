"""Optimisers and learning rate schedules, by PyTorch's names.

To read in this order: `optimizer`, `sgd`, `rmsprop`, `adam`, `lr_scheduler`, `clipping`.
"""
from . import lr_scheduler
from .adam import Adam, AdamW
from .clipping import clip_grad_norm_
from .optimizer import Optimizer
from .rmsprop import RMSprop
from .sgd import SGD

__all__ = ["SGD", "RMSprop", "Adam", "AdamW", "Optimizer", "clip_grad_norm_", "lr_scheduler"]
