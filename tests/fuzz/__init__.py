"""The fuzz targets, without the fuzzer."""
