"""Looking inside a model: what it consists of, what it costs, what it sees, and why it says so.

What it is
    summary(model)                       shapes, parameters, multiply-adds, memory, receptive fields
    receptive_field(model, layer)        the window of the image that an output of a layer sees
    effective_field(model, layer)        how much each pixel of that window counts
    conv_output_size(...)                the arithmetic of convolution and pooling

What it has learned
    filters(model)                       the weights of a convolution, the first one's are images
    feature_maps(model, x, layer)        what a layer answers to images
    visualise(model, units, layer)       images that excite a unit
    convolutions(model)                  the names of its convolutions

Why it says so: maps over the pixels of images x, for the class that is seen or another
    input_gradient, saliency             the gradient of the score, and its size
    smooth_grad                          its mean over noisy copies
    integrated_gradients                 the score shared out to the pixels
    guided_backpropagation               the gradient with another rule for ReLU …
    deconvnet, deconvnet_by_rule         … and another, as a network that runs backwards
    reverse_network                      that network
    occlusion                            what is lost when a part is hidden
    cam, grad_cam                        where late maps speak for the class

How it learns, and where it is wrong
    outputs_by_depth, gradients_by_depth    numbers of every layer, and `spread` of them
    features, pca                        what the last layer is given, and that in the plane
    loss_between                         the loss along a line between two sets of weights
    most_confused, most_wrong            which classes and which images a classifier gets wrong

Each takes a model and arrays and returns arrays; `insight.figures` draws them. They record
gradients by themselves, also within `no_grad`, run the model in evaluation mode, and leave it as
they found it. A wrong name of a layer is answered with the names there are.

How: `asking.py` and `layers.py` (what all have in common); of summaries and receptive fields,
`field.py` (one dimension), `seen.py` (a tensor), `rules.py` (each operation), `trace.py` (a model).
"""
from .attribution import input_gradient, saliency, smooth_grad, strength
from .between import loss_between
from .cam import cam, enlarged, grad_cam
from .deconvnet import deconvnet, reverse_network
from .depth import Spread, gradients_by_depth, outputs_by_depth, spread
from .effective import EffectiveField, effective_field
from .embedding import Plane, features, pca
from .guided import deconvnet_by_rule, guided_backpropagation
from .integrated import Integrated, integrated_gradients
from .layers import convolutions, feature_maps, filters
from .mistakes import Confused, Wrong, most_confused, most_wrong
from .occlusion import occlusion
from .receptive import ReceptiveField, conv_output_size, receptive_field
from .summary import Summary, summary
from .visualise import visualise
