"""Where tracks come from besides an upload: examples, ZIPs, and previews for Spotify links."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
