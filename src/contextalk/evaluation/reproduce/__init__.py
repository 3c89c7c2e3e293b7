"""The paper's tables and figures from one command: clips generated, scored beside fakes, written with what differs."""
