"""`python -m earlywarning_api`: the service, placed by the environment."""

from earlywarning.settings import Settings
from earlywarning_api import serve

if __name__ == "__main__":
    serve.run(Settings())
