from . import archive as archive
from . import examples as examples
from . import http as http
from . import previews as previews
from . import spotify as spotify
