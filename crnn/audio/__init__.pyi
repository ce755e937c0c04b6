from . import containers as containers
from . import decode as decode
from . import front_end as front_end
from . import mel as mel
from . import names as names
from . import noise as noise
from . import silence as silence
from . import stream as stream
