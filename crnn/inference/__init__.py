"""Predictions of a track, over time and as a whole, and what is derived from them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
