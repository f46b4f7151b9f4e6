"""The layers by subject: parameters and settings. What they compute is in `functional/`."""
