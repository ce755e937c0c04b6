"""Why a class is predicted: attribution maps, a test of them, a trace through the network."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
