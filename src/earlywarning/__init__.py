"""Which families a school should visit at home first, and whether the visits helped."""

from importlib.metadata import version

__version__ = version("earlywarning")
