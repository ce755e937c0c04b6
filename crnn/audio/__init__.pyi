from . import containers as containers
from . import decode as decode
from . import front_end as front_end
from . import mel as mel
from . import noise as noise
from . import stream as stream
