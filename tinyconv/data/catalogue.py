"""The published data sets this package knows: their files, checksums, mirrors and statistics.

All checksums are sha256.  Those of MNIST and Fashion-MNIST belong to the .gz files as published
and to what they unpack to, those of CIFAR to the members of the official archives.  CIFAR-100's
are the values stated by TensorFlow Datasets (archive) and torchvision-ruby (members).
"""

from dataclasses import dataclass
from difflib import get_close_matches
from os import PathLike
from pathlib import Path

from .errors import DataError

SLACK = 1 << 20                        # bytes that packing adds at most

# Names of classes, in the order of their labels.
_DIGITS = tuple("0123456789")
_GARMENTS = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker",
             "Bag", "Ankle boot")
_CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship",
            "truck")
_CIFAR100 = tuple("""
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
    camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile
    cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp
    lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
    oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
    spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
    train trout tulip turtle wardrobe whale willow_tree wolf woman worm""".split())


@dataclass(frozen=True)
class Member:
    """A plain file as the reader wants it: its name, size in bytes and sha256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Package:
    """A published file that holds members, compressed: what one downloads."""

    name: str
    sha256: str
    members: tuple
    mirrors: tuple                     # folders on the web, https, tried in this order

    @property
    def limit(self):
        """Bytes that such a file has at most."""
        return sum(member.size for member in self.members) + SLACK


@dataclass(frozen=True)
class Published:
    """A published data set."""

    name: str
    title: str
    cite: str
    folders: tuple                     # where people keep it; the first one is ours
    packages: tuple
    train: tuple                       # names of the members of each split
    test: tuple
    shape: tuple                       # (C, H, W)
    counts: tuple                      # images of train and test
    classes: tuple
    mean: tuple                        # of the training images, per channel, in units of [0, 1]
    std: tuple

    @property
    def members(self):
        """All members by name."""
        return {member.name: member for package in self.packages for member in package.members}


def _idx_package(name, sha256, size, content_sha256, mirrors):
    return Package(name + ".gz", sha256, (Member(name, size, content_sha256),), mirrors)


_TRAIN_IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
_TEST_IDX = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_IDX_SIZES = (47_040_016, 60_008, 7_840_016, 10_008)


def _idx_packages(mirrors, *checksums):
    return tuple(_idx_package(name, packed, size, plain, mirrors) for name, size, packed, plain
                 in zip(_TRAIN_IDX + _TEST_IDX, _IDX_SIZES, checksums[::2], checksums[1::2]))


MNIST = Published(
    name="mnist",
    title="MNIST, handwritten digits",
    cite="LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document "
         "recognition, 1998",
    folders=("mnist", "MNIST/raw"),
    packages=_idx_packages(
        ("https://ossci-datasets.s3.amazonaws.com/mnist/",
         "https://storage.googleapis.com/cvdf-datasets/mnist/",
         "https://raw.githubusercontent.com/fgnt/mnist/master/"),
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    train=_TRAIN_IDX, test=_TEST_IDX, shape=(1, 28, 28), counts=(60_000, 10_000),
    classes=_DIGITS, mean=(0.130660,), std=(0.308108,))

FASHION_MNIST = Published(
    name="fashion-mnist",
    title="Fashion-MNIST, garments in the format of MNIST",
    cite="Xiao, Rasul, Vollgraf: Fashion-MNIST, arXiv 1708.07747 (MIT licence)",
    folders=("fashion-mnist", "FashionMNIST/raw"),
    packages=_idx_packages(
        ("https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
         "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
         "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"),
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
    train=_TRAIN_IDX, test=_TEST_IDX, shape=(1, 28, 28), counts=(60_000, 10_000),
    classes=_GARMENTS, mean=(0.286041,), std=(0.353024,))

_KRIZHEVSKY = ("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/")

_CIFAR10_FILES = tuple(
    Member(f"cifar-10-batches-bin/{name}.bin", 10_000 * 3073, sha256) for name, sha256 in (
        ("data_batch_1", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
        ("data_batch_2", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
        ("data_batch_3", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
        ("data_batch_4", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
        ("data_batch_5", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
        ("test_batch", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b")))

CIFAR10 = Published(
    name="cifar10",
    title="CIFAR-10, small colour photographs",
    cite="Krizhevsky: Learning multiple layers of features from tiny images, 2009",
    folders=("cifar-10", ""),
    packages=(Package(
        "cifar-10-binary.tar.gz",
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", _CIFAR10_FILES,
        (*_KRIZHEVSKY, "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/")),),
    train=tuple(member.name for member in _CIFAR10_FILES[:5]), test=(_CIFAR10_FILES[5].name,),
    shape=(3, 32, 32), counts=(50_000, 10_000), classes=_CIFAR10,
    mean=(0.491400, 0.482158, 0.446531), std=(0.247032, 0.243485, 0.261588))

CIFAR100 = Published(
    name="cifar100",
    title="CIFAR-100, small colour photographs",
    cite=CIFAR10.cite,
    folders=("cifar-100", ""),
    packages=(Package(
        "cifar-100-binary.tar.gz",
        "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        (Member("cifar-100-binary/train.bin", 50_000 * 3074,
                "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29"),
         Member("cifar-100-binary/test.bin", 10_000 * 3074,
                "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a")),
        _KRIZHEVSKY),),
    train=("cifar-100-binary/train.bin",), test=("cifar-100-binary/test.bin",),
    shape=(3, 32, 32), counts=(50_000, 10_000), classes=_CIFAR100,
    mean=(0.507075, 0.486549, 0.440918), std=(0.267334, 0.256438, 0.276150))

PUBLISHED = {known.name: known for known in (MNIST, FASHION_MNIST, CIFAR10, CIFAR100)}
EMBEDDED = "digits"                    # drawn by `digits`, needs no file


def names():
    """The names of all sets that need nothing but a name: the embedded one and the published."""
    return (EMBEDDED, *PUBLISHED)


def lookup(name):
    """The Published set of that name, or None for a set without published files.

    The latter are the embedded digits and image folders.  `CIFAR-10` and `fashion_mnist` are
    understood as well.  Raises DataError for a name that is nothing of all this.
    """
    if not isinstance(name, (str, PathLike)):
        raise DataError("a data set is named by a text or the path of a folder, "
                        f"got {type(name).__name__} {name!r:.60}")
    key, plain = _plain(name), {_plain(known): known for known in names()}
    if key in plain:
        return PUBLISHED.get(plain[key])
    if is_folder(name):
        return None
    close = get_close_matches(key, plain, n=1)
    raise DataError(f"unknown data set {str(name)!r}, and no folder of that name; known are "
                    f"{', '.join(names())}" + (f" (did you mean {plain[close[0]]!r}?)"
                                               if close else ""))


def is_folder(name):
    """Whether this name of a data set means an image folder: one that there is, and no known set.

    Beside a known set a folder of the same name is meant by its path: `./digits`.
    """
    return _plain(name) not in map(_plain, names()) and Path(name).is_dir()


def _plain(name):
    return str(name).lower().replace("-", "").replace("_", "")
