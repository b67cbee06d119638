"""Optical Recognition of Handwritten Digits, test set; the file lies beside this one."""

from batchlab.declarations.source import Published, RemoteFile

SOURCE = Published(
    title="Digits (8×8)",
    input_shape=(8, 8, 1),
    classes=10,
    examples_train=1797,
    examples_test=0,
    scale=16,
    validation=250,
    test=250,
    layout="optdigits",
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
)
