"""The real cosign checks what the product signs, and signs what the product checks."""
