"""convscope: train, understand and prove convolutional image classifiers."""
