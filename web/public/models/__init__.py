"""What the pages show, made from the monitor's values: pure functions, nothing of HTTP in them."""
