"""From footage to clips: preparation, manifest, tar shards, reading."""
