"""Tests of the AWS half of the one-machine cloud, against the running process."""
