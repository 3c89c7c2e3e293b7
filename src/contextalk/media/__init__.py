"""Video and sound in and out, mel spectrograms, drawings of landmarks."""
