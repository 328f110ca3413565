"""Tests of the Lambda bundles as they are shipped."""
