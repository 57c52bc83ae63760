"""Generated data for benchmarks: distributions as the web's, numbers from a fixed seed."""
