"""The benchmark harness: whole processes beside their rivals, accuracy beside every time."""
