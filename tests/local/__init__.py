"""The whole path over real HTTP on the one-machine cloud, and the parts that the cloud is made of."""
