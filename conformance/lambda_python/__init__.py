"""The unit tests of ``functions/`` under the Python version that the template names for Lambda."""
