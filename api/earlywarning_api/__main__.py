"""`python -m earlywarning_api`: the service, placed by the environment."""

import gc
import sys

gc.disable()  # until `serve.run`: nothing that is imported goes, and looking for it costs a sixth

from earlywarning_api import serve  # noqa: E402

if __name__ == "__main__":
    sys.exit(serve.main())
