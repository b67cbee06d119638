"""IDX, the format of LeCun's MNIST page: what planning knows of it."""

from batchlab.declarations.source import Format

FORMAT = Format(summary="IDX (MNIST): train images, train labels, test images and test labels, each in a gzip file")
