"""What is written about a build: the SBOM and the provenance."""
