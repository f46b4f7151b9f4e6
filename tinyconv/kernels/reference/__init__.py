"""Every kernel of this folder once more in plain NumPy, as the textbook has it: read this first.

| here               | what it states                            | the fast kernels             |
|--------------------|-------------------------------------------|------------------------------|
| `convolution.py`   | im2col; convolution and its two gradients | the same name, one folder up |
| `winograd.py`      | 3 × 3 convolution with fewer products     | the same                     |
| `pooling.py`       | maxima and weighted sums of windows       | the same                     |
| `normalization.py` | mean and variance; normalising, and back  | the same                     |
| `sums.py`          | sums over some dimensions                 | the same                     |
| `elementwise.py`   | relu and its gradient; the error function | the same, and `special.py`   |
| `cross_entropy.py` | softmax cross-entropy and its gradient    | the same                     |
| `matrix.py`        | the matrix product                        | the same                     |
| `tile.py`          | a block of sums, as an array              | the same, in registers       |
| `updates.py`       | the steps of the optimisers               | the same                     |
| `images.py`        | cutting out, mirroring, normalising       | the same                     |

Names, arguments and results are those of the fast kernels, which are tested against these. Nothing
here thinks of speed, of threads or of how an array lies in memory, and results come in the dtype
that NumPy gives them.
"""
