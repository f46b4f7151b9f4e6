"""What a run has measured so far: one record an epoch."""
import html
import json

from ..drawing import data_uri
from . import figures

SHOWN = 10                             # epochs, in a notebook
ALWAYS = "epoch", "train_loss", "train_accuracy", "lr", "seconds", "images_per_second"


class History:
    """The records of a run, one dictionary an epoch, in order.

        epoch                           counted from 1
        train_loss, train_accuracy     over the epoch, while the weights changed; in nats, in [0, 1]
        test_loss, test_accuracy       at its end; absent if there was no test set
        validation_loss, validation_accuracy    likewise, on what was held out to know when to stop
        test_f_score, test_average_precision    where images have several labels
        lr                             the learning rate of its last step (of the head)
        seconds, images_per_second     of the training, without the test

    `history["test_accuracy"]` is a column, `history[-1]` a record.
    """

    def __init__(self, records=()):
        self.records = list(records)

    def append(self, record):
        self.records.append(record)

    def __getitem__(self, key):
        if isinstance(key, str):
            return [record[key] for record in self.records if key in record]
        return self.records[key]

    def __len__(self):
        return len(self.records)

    def best(self):
        """The record with the greatest test accuracy (training accuracy without a test set), the
        first of several; None before the end of the first epoch."""
        key = "test_accuracy" if self["test_accuracy"] else "train_accuracy"
        return max((r for r in self.records if key in r), key=lambda r: r[key], default=None)

    def kept(self):
        """The record of the weights that are kept: the least validation loss, the first of several;
        the last record where none was measured."""
        measured = [r for r in self.records if "validation_loss" in r]
        return min(measured, key=lambda r: r["validation_loss"]) if measured else self.records[-1]

    def waited(self, patience):
        """Whether so many epochs have gone by since the least validation loss; 0 is for ever."""
        return bool(patience) and self.records[-1]["epoch"] - self.kept()["epoch"] >= patience

    def to_json_lines(self):
        """One line of JSON an epoch, as in `metrics.jsonl`."""
        return "".join(json.dumps(record) + "\n" for record in self.records)

    @classmethod
    def from_json_lines(cls, text):
        """The history that `to_json_lines` wrote; ValueError for a line that is no record."""
        return cls(_record(number, line) for number, line in enumerate(text.splitlines(), 1))

    def __repr__(self):
        return "\n".join(map(describe, self.records)) or "History: no epoch yet"

    def _repr_html_(self):
        """For Jupyter: the curves, and the last epochs as a table."""
        if not self.records:
            return "<p>History: no epoch yet</p>"
        shown, keys = self.records[-SHOWN:], list(dict.fromkeys(k for r in self.records for k in r))
        rows = "".join("<tr>" + "".join(f"<td>{_cell(record.get(key))}</td>" for key in keys)
                       + "</tr>" for record in shown)
        head = "".join(f"<th>{html.escape(key.replace('_', ' '))}</th>" for key in keys)
        caption = ("" if len(shown) == len(self) else
                   f"<caption>the last {SHOWN} of {len(self)} epochs</caption>")
        return (f'<img src="{data_uri(figures.curves(self))}" style="max-width: 48em; width: 100%" '
                f'alt="Loss and error by epoch"><table>{caption}<thead><tr>{head}</tr></thead>'
                f"<tbody>{rows}</tbody></table>")


def _record(number, line):
    """The record in a line of JSON, where all is that every epoch has."""
    try:
        record = json.loads(line)
        wrong = [key for key in ALWAYS if type(record.get(key)) not in (int, float)]
    except (ValueError, AttributeError) as error:
        raise ValueError(f"line {number} is not the record of an epoch: {error}") from error
    if wrong:
        raise ValueError(f"line {number} should have numbers for {', '.join(wrong)}")
    return record


def _cell(value):
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return "–" if value is None else html.escape(str(value))


def describe(record):
    """A record in one line for people."""
    parts = [f"epoch {record['epoch']:3d}",
             f"train loss {record['train_loss']:.4f}  "
             f"accuracy {100 * record['train_accuracy']:5.2f} %"]
    if "test_loss" in record:
        parts.append(f"test loss {record['test_loss']:.4f}  "
                     f"accuracy {100 * record['test_accuracy']:5.2f} %")
    if "validation_loss" in record:
        parts.append(f"validation loss {record['validation_loss']:.4f}")
    if "test_f_score" in record:
        parts.append(f"F₂ {100 * record['test_f_score']:5.2f} %")
    if "test_average_precision" in record:
        parts[-1] += f"  mAP {100 * record['test_average_precision']:5.2f} %"
    parts += [f"lr {record['lr']:.3g}", f"{record['seconds']:.1f} s",
              f"{record['images_per_second']:,.0f} images/s"]
    return "   ".join(parts)
