"""One loop for every network; an objective a file."""
