"""Looking inside a model: what it consists of, what it costs, what each layer sees.

    summary(model)                  shapes, parameters, multiply-adds, memory, receptive fields
    receptive_field(model, layer)   the window of the image that an output of a layer sees
    conv_output_size(...)           the arithmetic of convolution and pooling
    most_confused, most_wrong       which classes and which images a classifier gets wrong

How: `field.py` (one dimension), `seen.py` (a tensor), `rules.py` (each operation), `trace.py` (a
model).
"""
from .mistakes import (Confused, Wrong, draw_confused, draw_wrong, most_confused,
                       most_wrong)
from .receptive import ReceptiveField, conv_output_size, receptive_field
from .summary import Summary, summary
