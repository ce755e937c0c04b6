from . import features, ranges, svm

__all__ = ["features", "ranges", "svm"]
