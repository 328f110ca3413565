"""How long a deploy takes on a real control plane, beside ``kubectl apply`` of what it made."""
