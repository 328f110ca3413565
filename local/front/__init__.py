"""Port 8000: what API Gateway, the registry and the cluster's DNS are to a client, behind one address."""
