"""The published data sets that batchlab knows: sizes, files with digests, mirrors, licences (standard library only)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class RemoteFile:
    """One downloadable file and the digest by which it is judged.

    Attributes:
        name: Canonical file name, the same at every mirror.
        content_sha256: SHA-256 of the decompressed content. It stays true for a mirror that compressed the file anew.
        archive_sha256: SHA-256 of the file as it is; used where the digest of the content is not published.
    """

    name: str
    content_sha256: str = ""
    archive_sha256: str = ""

    @property
    def digest(self) -> str:
        """The digest that decides, preferably that of the content."""
        return self.content_sha256 or self.archive_sha256


@dataclass(frozen=True)
class RegisteredSet:
    """A data set known by name.

    Attributes:
        name: Name in the configuration.
        title: Name in figures and texts.
        input_shape: Shape of one example: (height, width, channels).
        classes: Number of classes.
        examples_train: Examples in the published training set, before validation examples are taken from it.
        examples_test: Examples in the published test set; 0 for a set that was published as one pool.
        scale: Stored pixels are divided by it to give features in [0, 1].
        validation: Validation examples where the configuration names no number.
        test: Test examples drawn from the pool where the configuration names no number.
        layout: Format of the files: `idx` (MNIST), `cifar` (binary version) or `embedded` (in this package).
        files: What to fetch. The order of `idx` files is train images, train labels, test images, test labels.
        mirrors: Base URLs, tried in turn.
        licence: Licence as far as its authors state one.
        citation: The publication to cite.
    """

    name: str
    title: str
    input_shape: tuple[int, int, int]
    classes: int
    examples_train: int
    examples_test: int
    scale: int
    validation: int
    test: int
    layout: Literal["idx", "cifar", "embedded"]
    files: tuple[RemoteFile, ...]
    mirrors: tuple[str, ...]
    licence: str
    citation: str


REGISTRY: dict[str, RegisteredSet] = {
    item.name: item
    for item in (
        RegisteredSet(
            name="digits",
            title="Digits (8×8)",
            input_shape=(8, 8, 1),
            classes=10,
            examples_train=1797,
            examples_test=0,
            scale=16,
            validation=250,
            test=250,
            layout="embedded",
            files=(
                RemoteFile(
                    "digits.csv.gz",
                    content_sha256="6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8",
                ),
            ),
            mirrors=(),
            licence="CC BY 4.0",
            citation="E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, "
            "UCI Machine Learning Repository, doi:10.24432/C50P49",
        ),
        RegisteredSet(
            name="mnist",
            title="MNIST",
            input_shape=(28, 28, 1),
            classes=10,
            examples_train=60_000,
            examples_test=10_000,
            scale=255,
            validation=10_000,
            test=0,
            layout="idx",
            files=(
                RemoteFile(
                    "train-images-idx3-ubyte.gz",
                    content_sha256="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                ),
                RemoteFile(
                    "train-labels-idx1-ubyte.gz",
                    content_sha256="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                ),
                RemoteFile(
                    "t10k-images-idx3-ubyte.gz",
                    content_sha256="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                ),
                RemoteFile(
                    "t10k-labels-idx1-ubyte.gz",
                    content_sha256="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                ),
            ),
            mirrors=(
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
                "http://yann.lecun.com/exdb/mnist/",
            ),
            licence="CC BY-SA 3.0",
            citation="Y. LeCun, L. Bottou, Y. Bengio and P. Haffner (1998), Gradient-based learning applied to "
            "document recognition, Proceedings of the IEEE 86, 2278-2324",
        ),
        RegisteredSet(
            name="fashion_mnist",
            title="Fashion-MNIST",
            input_shape=(28, 28, 1),
            classes=10,
            examples_train=60_000,
            examples_test=10_000,
            scale=255,
            validation=10_000,
            test=0,
            layout="idx",
            files=(
                RemoteFile(
                    "train-images-idx3-ubyte.gz",
                    archive_sha256="3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                ),
                RemoteFile(
                    "train-labels-idx1-ubyte.gz",
                    content_sha256="bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                ),
                RemoteFile(
                    "t10k-images-idx3-ubyte.gz",
                    archive_sha256="346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                ),
                RemoteFile(
                    "t10k-labels-idx1-ubyte.gz",
                    content_sha256="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                ),
            ),
            mirrors=(
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
                "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            ),
            licence="MIT",
            citation="H. Xiao, K. Rasul and R. Vollgraf (2017), Fashion-MNIST: a novel image dataset for benchmarking "
            "machine learning algorithms, arXiv:1708.07747",
        ),
        RegisteredSet(
            name="cifar10",
            title="CIFAR-10",
            input_shape=(32, 32, 3),
            classes=10,
            examples_train=50_000,
            examples_test=10_000,
            scale=255,
            validation=5_000,
            test=0,
            layout="cifar",
            files=(
                RemoteFile(
                    "cifar-10-binary.tar.gz",
                    archive_sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                ),
            ),
            mirrors=(
                "https://www.cs.toronto.edu/~kriz/",
                "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
            ),
            licence="none stated by its authors, who ask to cite the report",
            citation="A. Krizhevsky (2009), Learning multiple layers of features from tiny images, technical report, "
            "University of Toronto",
        ),
    )
}
