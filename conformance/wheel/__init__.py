"""The wheel of `blue` on a machine that has nothing else of the product."""
