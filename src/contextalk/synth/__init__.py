"""Procedural conversations with exact truth. The only room that draws with skia or speaks with espeak-ng."""
