"""A model layer by layer: shapes, parameters, multiply-adds, memory, receptive fields."""
import html
import math
from dataclasses import dataclass

from .receptive import ReceptiveField, of_fields, usual_shape
from .trace import trace

HEAD = "layer", "output", "parameters", "mult-adds", "memory", "field", "stride", "offset"
WIDTH = 33                                   # of the names of layers


@dataclass(frozen=True)
class Row:
    """A call of a module, or an operation outside of all layers.

    depth           within how many modules it lies; 0 is the model
    path            "layer1.0.conv2"; "" for the model, and that of the module around an operation
    title           its class and the size of its window, or what an operation does
    is_layer        whether nothing lies within it
    shape           of its output for one image, without the batch; None if that is no tensor
    parameters      numbers that are trained; those of a layer that is called again count once
    multiply_adds   of all that lies within it
    memory          bytes of its output
    field           a ReceptiveField; None if the output is not made from the image
    """
    depth: int
    path: str
    title: str
    is_layer: bool
    shape: tuple | None
    parameters: int
    multiply_adds: int
    memory: int
    field: ReceptiveField | None


@dataclass(frozen=True)
class Summary:
    """What `summary` found; `print(...)` shows it as a table."""
    name: str
    input: tuple
    rows: tuple
    parameters: int
    multiply_adds: int
    memory: int

    def as_dict(self):
        """All of it as JSON can hold it."""
        rows = [{**vars(row), "field": row.field and {
                    "size": list(row.field.size), "offset": list(map(float, row.field.offset)),
                    "stride": list(map(float, row.field.stride))}} for row in self.rows]
        return {"model": self.name, "input": list(self.input), "parameters": self.parameters,
                "multiply_adds": self.multiply_adds, "activation_bytes": self.memory,
                "layers": rows}

    def __str__(self):
        lines = [_line(HEAD), "─" * len(_line(HEAD))]
        lines += [_line(cells(row)) for row in self.rows]
        size = "×".join(map(str, self.input))
        return "\n".join([*lines, lines[1],
                          f"parameters     {_spaced(self.parameters)}  "
                          f"({_bytes(4 * self.parameters)} in float32)",
                          f"multiply-adds  {_short(self.multiply_adds)}  for an image of {size}",
                          f"activations    {_bytes(self.memory)}  the outputs of all layers"])

    __repr__ = __str__

    def _repr_html_(self):
        """For Jupyter: the same as a table."""
        head = "".join(f"<th>{name}</th>" for name in HEAD)
        rows = "".join(
            f'<tr><td style="text-align: left; padding-left: {0.5 + row.depth}em">'
            + "</td><td>".join(html.escape(cell.strip()) for cell in cells(row)) + "</td></tr>"
            for row in self.rows)
        size = "×".join(map(str, self.input))
        caption = html.escape(f"{self.name} for an image of {size}: {self.parameters:,} "
                              f"parameters, {_short(self.multiply_adds)} multiply-adds, "
                              f"{_bytes(self.memory)} of outputs")
        return (f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead>"
                f"<tbody>{rows}</tbody></table>")


def summary(model, shape=None):
    """The `Summary` of a model for an image of `shape` (C, *size), from a trace of its `forward`.

    Right through branches, shortcuts, dilation and padding, because it is the model itself that is
    followed (see `trace.py`), as in evaluation. By default the shape is one that such a model is
    usually given.

    Multiply-adds are those of convolutions, linear layers and matrix products, those of attention
    included, as is usual: neither biases nor normalisation, activation and pooling count. So
    ResNet-50 has 4.09 · 10⁹ at 224×224. (Some count an operation for the product and one for the
    sum: twice that.) Memory is that of the outputs of layers for one image; in training most of
    them are kept for the way back.
    """
    shape = usual_shape(model) if shape is None else tuple(shape)
    root, rows, counted = trace(model, shape), [], set()
    _collect(root, 0, rows, counted)
    layers = [row for row in rows if row.is_layer]
    return Summary(type(model).__name__, shape, tuple(rows),
                   sum(p.numel() for p in model.parameters()), root.multiply_adds,
                   sum(row.memory for row in layers))


def _collect(call, depth, rows, counted):
    """Append the rows of a call and of all calls inside it."""
    own = {} if call.module is None else {id(p): p.numel() for p in call.module.parameters()}
    memory = 0 if call.shape is None else math.prod(call.shape) * call.dtype.itemsize
    rows.append(Row(depth, call.path, call.title + _window(call.module), not call.inside,
                    None if call.shape is None else tuple(call.shape[1:]),
                    sum(n for key, n in own.items() if key not in counted), call.multiply_adds,
                    memory, of_fields(call.seen.fields()) if call.seen else None))
    for inner in call.inside:
        _collect(inner, depth + 1, rows, counted)
    counted.update(own)


def _window(module):
    """The window of a layer that has one, its stride and its dilation: " 3×3/2"."""
    kernel = getattr(module, "kernel_size", None)
    if kernel is None:
        return ""
    stride, dilation = (_per_dim(sizes if isinstance(sizes, tuple) else (sizes,)) for sizes in (
        kernel if module.stride is None else module.stride, getattr(module, "dilation", 1)))
    return (" " + ("×".join(map(str, kernel)) if isinstance(kernel, tuple) else str(kernel))
            + (f"/{stride}" if stride != "1" else "")
            + (f" dil. {dilation}" if dilation != "1" else ""))


# ---- as text -------------------------------------------------------------------------------------

def _line(cells):
    name, *others = cells
    if len(name) > WIDTH:
        name = name[:WIDTH - 1] + "…"
    return name.ljust(WIDTH) + "".join(" " + cell.rjust(width) for cell, width in
                                       zip(others, (13, 11, 9, 8, 7, 6, 6)))


def cells(row):
    """What the table says of a row, under HEAD; the layer is indented by its depth."""
    name = row.path.rpartition(".")[2] if row.path and row.title else ""
    label = "  " * row.depth + (f"{name}  {row.title}" if name else row.title)
    fields = [_per_dim(values) for values in (row.field.size, row.field.stride, row.field.offset)
              ] if row.field else ["–"] * 3
    return [label, "–" if row.shape is None else "×".join(map(str, row.shape)) or "1",
            _spaced(row.parameters) if row.parameters else "",
            _short(row.multiply_adds) if row.multiply_adds else "",
            _bytes(row.memory) if row.is_layer else "", *fields]


def _per_dim(values):
    """One number where all dimensions agree."""
    texts = [str(value) for value in values]
    return texts[0] if len(set(texts)) == 1 else "×".join(texts) or "–"


def _spaced(number):
    return f"{number:,}".replace(",", " ")


def _short(number):
    """Three digits and a prefix: 4.09 G."""
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= factor:
            digits = max(0, 2 - int(math.log10(number / factor)))
            return f"{number / factor:.{digits}f} {prefix}"
    return str(number)


def _bytes(number):
    return f"{_short(number)}B" if number >= 1000 else f"{number} B"
