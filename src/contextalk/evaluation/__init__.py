"""One metric a file. Nothing here yet: `docs/evaluation.md` says what is measured today and where."""
