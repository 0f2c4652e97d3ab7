"""One function per command, over a Dataset: what the command line and the library share."""
