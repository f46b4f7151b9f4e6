"""How a module shows itself in a notebook: a tree that can be folded, and what it has to learn."""
import html

OPEN = 1                               # levels that are unfolded at first


def tree(module):
    """The HTML of a module and of all below it; every text in it is escaped."""
    parameters = [*module.parameters()]
    count = sum(p.numel() for p in parameters)
    frozen = sum(p.numel() for p in parameters if not p.requires_grad)
    size = sum(p.data.nbytes for p in parameters)
    total = (f"{count:,} parameters, {size / 1e6:.3g} MB"
             + (f", {frozen:,} of them frozen" if frozen else "")
             + f", in {'training' if module.training else 'evaluation'} mode")
    return (f'<div style="line-height: 1.5">{_node("", module, 0)}'
            f"<small>{html.escape(total)}</small></div>")


def _node(name, module, depth):
    """A module as a line, or as what can be unfolded to show its children."""
    children = [*module.named_children()]
    count = sum(p.numel() for p in module.parameters())
    name = f"<small>{html.escape(name)}</small> " if name else ""
    extra = f"({html.escape(module.extra_repr())})" if not children or module.extra_repr() else ""
    line = (f"{name}<code>{html.escape(type(module).__name__)}{extra}</code>"
            + (f" <small>{count:,}</small>" if count else ""))
    if not children:
        return f'<div style="padding-left: 1.2em">{line}</div>'
    inside = "".join(_node(key, child, depth + 1) for key, child in children)
    return (f"<details{' open' if depth < OPEN else ''}><summary>{line}</summary>"
            f'<div style="padding-left: 1.2em">{inside}</div></details>')
