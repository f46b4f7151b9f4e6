"""`tinyconv evaluate`: how good is the model of a run, or one with weights from elsewhere?"""
from .. import data, training
from ..checkpoint import load_weights, read_weights
from ..models import pretrained, published
from ..training import recipes
from . import known
from . import options as common

NAME = "evaluate"
HELP = "measure a model on a test set"
EXAMPLE = """\
examples:
  tinyconv evaluate runs/lenet5-digits-1
  tinyconv evaluate runs/lenet5-digits-1 --data mnist      on other images with the same classes
  tinyconv evaluate --model lenet5 --data mnist            with the weights shipped in the package
  tinyconv evaluate --model resnet20 --weights resnet20-12fca82f.th --data cifar10

Weights may be safetensors, .npz, or PyTorch's .pth, .pt and .th; nothing in a file is run. Images
are normalised as the file says, or as is known of a published file, or else by the mean and
standard deviation of the data set; --imagenet takes those of ImageNet."""


def options(parser):
    """Add what the command takes to its parser."""
    parser.add_argument("folder", nargs="?", metavar="RUN", help="folder of the run")
    known.add_model(parser)
    parser.add_argument("--data", metavar="NAME",
                        help="a data set or image folder (default: that of the run)")
    parser.add_argument("--tta", nargs="?", const="usual", type=common.views, metavar="VIEWS",
                        help="the mean over several views of each image: flip, shift, or "
                             "flip,shift (default: shift, and flip if it was trained so)")
    common.add_threads(parser)
    common.add_json(parser)


def run(args):
    """Do what the command is for."""
    if (args.folder is None) == (args.model is None):
        raise common.UsageError("expected either the folder of a RUN, or --model NAME with --data "
                                "(and --weights FILE)")
    if args.folder is not None and (args.weights or args.imagenet):
        raise common.UsageError("--weights and --imagenet go with --model, a RUN has its own")
    if args.model is not None:
        known.check_model(args)
        if args.data is None:
            raise common.UsageError("--model needs --data NAME")
    if args.data is not None:
        common.check_data(args.data)
    common.set_threads(args.threads)
    if args.folder is not None:
        saved = training.load_run(args.folder)
        name, where = saved.config["model"]["name"], {"run": args.folder}
        model, dataset, mean, std = saved.model, saved.test_set(args.data), saved.mean, saved.std
    else:
        name, where = args.model, {"model": args.model, "weights": args.weights or "pretrained"}
        model, dataset, mean, std = _loaded(args)
    thresholds = saved.thresholds if args.folder else None
    tta = args.tta or ""
    if tta == "usual":
        trained = (saved.config["recipe"].get("augment", "") if args.folder else
                   recipes.choose(model, dataset.name).augment)
        tta = "flip,shift" if "flip" in trained else "shift"
    found = training.evaluate(model, dataset, mean=mean, std=std, tta=tta, thresholds=thresholds)
    if isinstance(found, training.LabelsEvaluation):
        _print_labels(args, name, dataset, found)
        return
    if args.json:
        common.print_json({
            **where, "data": dataset.name, "images": len(dataset), "mean": list(mean),
            "std": list(std), "tta": tta, "loss": found.loss, **common.percent(found.accuracy),
            "class_accuracy": dict(zip(dataset.classes, map(common.number, found.class_accuracy))),
            "confusion": found.confusion.tolist()})
        return
    print(f"{name} of {args.folder or args.weights or 'the package'} on {dataset.name}: "
          f"{len(dataset):,} test images")
    if args.model:
        print(f"normalised by mean {_numbers(mean)}, std {_numbers(std)}")
    worst = sorted((part, name) for part, name in zip(found.class_accuracy, dataset.classes)
                   if part == part)[:3]          # not NaN: there are images of this class
    print("weakest classes: " + ", ".join(f"{name} {100 * part:.1f} %" for part, name in worst))
    print(f"test loss {found.loss:.4f}")
    print(f"test accuracy {100 * found.accuracy:.2f} %")


def _print_labels(args, name, dataset, found):
    """The measures of a model that tells several labels an image."""
    each = {label: (common.number(ap), float(at)) for label, ap, at in
            zip(dataset.classes, found.average_precision, found.thresholds)}
    if args.json:
        common.print_json({
            "run": args.folder, "data": dataset.name, "images": len(dataset), "loss": found.loss,
            **common.percent(found.accuracy), "f_score": found.f_score,
            "mean_average_precision": common.number(found.mean_average_precision),
            "labels": {label: {"average_precision": ap, "threshold": at}
                       for label, (ap, at) in each.items()}})
        return
    print(f"{name} of {args.folder or args.weights or 'the package'} on {dataset.name}: "
          f"{len(dataset):,} test images, {len(each)} labels")
    for label, (ap, at) in each.items():
        shown = "no such image" if ap is None else f"{100 * ap:6.2f} %"
        print(f"  {label:20} average precision {shown}   threshold {at:.2f}")
    print(f"test loss {found.loss:.4f}")
    print(f"F₂ {100 * found.f_score:.2f} %, mean average precision "
          f"{100 * found.mean_average_precision:.2f} %")
    print(f"test accuracy {100 * found.accuracy:.2f} % of all labels")


def _loaded(args):
    """The model with its weights, the test set, and the mean and std to normalise by."""
    dataset = data.load(args.data, "test")
    path = args.weights or pretrained.path_of(args.model)
    metadata, found = read_weights(path)[1], published.lookup(path)
    model = known.made_for(dataset, args.model, metadata)
    load_weights(model, path)
    usual = dataset.mean, dataset.std
    return model, dataset, *known.normalisation(args, metadata, found, usual)


def _numbers(values):
    return " ".join(f"{value:.4g}" for value in values)
