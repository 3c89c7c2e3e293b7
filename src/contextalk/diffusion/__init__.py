"""Diffusion apart from any network: how latents are noised, what a network predicts, and how samples are drawn."""
