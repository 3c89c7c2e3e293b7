"""The four steps from scene and audio to a finished video: landmarks, heads, compositing, segments."""
