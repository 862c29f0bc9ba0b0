"""`python -m earlywarning_pipelines`: the commands, for a program that starts them."""

from earlywarning_pipelines.cli import app

if __name__ == "__main__":
    app(prog_name="earlywarning")
