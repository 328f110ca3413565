"""How a user signs in: at an issuer of tokens by the device flow, or with AWS, and what is kept of it."""
