"""MNIST-1D, generated from its description."""

from batchlab.declarations.source import Published
from batchlab.sources.formats.mnist1d.declaration import FORMAT, sizes

SOURCE = Published(
    title="MNIST-1D",
    input_shape=(40,),
    classes=10,
    examples_train=4000,
    examples_test=1000,
    scale=1,
    validation=500,
    test=0,
    layout="mnist1d",
    files=(),
    mirrors=(),
    licence="none needed: generated",
    citation="S. Greydanus and D. Kobak (2024), Scaling down deep learning with MNIST-1D, ICML, arXiv:2011.14439",
    keys=FORMAT.options,
    inspect=sizes,
)
