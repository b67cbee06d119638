"""Optical Recognition of Handwritten Digits (UCI): what planning knows of its format."""

from batchlab.declarations.source import Format

FORMAT = Format(summary="images of 8 × 8 pixels as UCI publishes them, one line of 64 values and the class for each")
