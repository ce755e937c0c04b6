"""Measured results and their tables. The tables are loaded on first use: pandas takes 80 MB."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
