"""Training: one loop for every network, an objective a file, latents cached per codec."""
