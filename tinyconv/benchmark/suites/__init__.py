"""All suites, by name, in the order of the table of contents."""
from . import epochs, growth, kernels, networks, process, roofline

SUITES = {suite.name: suite for suite in (
    networks.TRAINING, networks.INFERENCE, kernels.KERNELS, epochs.EPOCHS, process.MEMORY,
    process.STARTUP, process.DISPATCH, growth.GROWTH, roofline.ROOFLINE)}
