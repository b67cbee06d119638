"""CIFAR-10, binary version."""

from batchlab.declarations.source import Published, RemoteFile

SOURCE = Published(
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
)
