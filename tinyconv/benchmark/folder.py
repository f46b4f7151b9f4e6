"""What is kept of a suite: SUITE.json, and made from it SUITE.md and SUITE.png."""
import json
from pathlib import Path

from ..atomic import write_atomically
from . import figures, table
from .rounds import FORMAT


def keep(document, folder):
    """Write the three files, each whole or not at all; returns the path of the JSON."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{document['suite']}.json"
    write_atomically(path, _text(document).encode())
    write_atomically(path.with_suffix(".md"), table.markdown(document).encode())
    picture = figures.draw(document)
    if picture is not None:
        write_atomically(path.with_suffix(".png"), picture)
    return path


def _text(document):
    """The document as JSON with a line for each case: so a change can be seen in a diff."""
    def dumps(value):
        return json.dumps(_rounded(value), ensure_ascii=False, allow_nan=False)

    def item(value):
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return "[\n  " + ",\n  ".join(map(dumps, value)) + "]"
        return dumps(value)
    return "{" + ",\n ".join(f"{dumps(key)}: {item(document[key])}" for key in document) + "}\n"


def _rounded(value):
    """Floats with five significant digits: a timing has no more."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, (list, tuple)) else value


def read(folder, name):
    """The document of a suite that was kept in a folder.

    Raises FileNotFoundError, or ValueError for a file that is not one.
    """
    path = Path(folder) / f"{name}.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no {path}; measure first: tinyconv bench {name}"
                                ) from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"{path} is not a document of `tinyconv bench` (format {FORMAT})")
    return document
