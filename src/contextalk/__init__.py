"""contextalk: make a person in a video say something else, in the scene they are in."""
