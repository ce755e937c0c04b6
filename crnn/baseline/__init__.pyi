from . import (
    features,
    svm,
)

__all__ = ["features", "svm"]
