"""Networks as files: reading, checking and optimising TensorFlow's graphs."""
