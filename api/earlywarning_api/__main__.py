"""`python -m earlywarning_api`: the service, placed by the environment."""

import sys

from earlywarning_api import serve

if __name__ == "__main__":
    sys.exit(serve.main())
