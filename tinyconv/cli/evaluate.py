"""`tinyconv evaluate`: how good is the model of a run?"""
from .. import training
from . import options as common

NAME = "evaluate"
HELP = "measure the model of a run on a test set"
EXAMPLE = """\
examples:
  tinyconv evaluate runs/lenet5-digits-1
  tinyconv evaluate runs/lenet5-digits-1 --data mnist      on other images with the same classes"""


def options(parser):
    parser.add_argument("folder", metavar="RUN", help="folder of the run")
    parser.add_argument("--data", metavar="NAME",
                        help="a data set or image folder (default: that of the run)")
    common.add_threads(parser)
    common.add_json(parser)


def run(args):
    if args.data is not None:
        common.check_data(args.data)
    common.set_threads(args.threads)
    saved = training.load_run(args.folder)
    dataset = saved.test_set(args.data)
    found = training.evaluate(saved.model, dataset, mean=saved.mean, std=saved.std)
    if args.json:
        common.print_json({
            "run": args.folder, "data": dataset.name, "images": len(dataset), "loss": found.loss,
            **common.percent(found.accuracy),
            "class_accuracy": dict(zip(dataset.classes, map(common.number, found.class_accuracy))),
            "confusion": found.confusion.tolist()})
        return
    print(f"{saved.config['model']['name']} of {args.folder} on {dataset.name}: "
          f"{len(dataset):,} test images")
    worst = sorted((part, name) for part, name in zip(found.class_accuracy, dataset.classes)
                   if part == part)[:3]          # not NaN: there are images of this class
    print("weakest classes: " + ", ".join(f"{name} {100 * part:.1f} %" for part, name in worst))
    print(f"test loss {found.loss:.4f}")
    print(f"test accuracy {100 * found.accuracy:.2f} %")
