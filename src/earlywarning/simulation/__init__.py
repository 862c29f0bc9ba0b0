"""An invented district whose truth is known."""
