"""The binary version of CIFAR-10: what planning knows of it."""

from batchlab.declarations.source import Format

FORMAT = Format(summary="binary version of CIFAR-10 in a .tar.gz archive")
