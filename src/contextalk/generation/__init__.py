"""From scene, sound and identity to a finished video."""
