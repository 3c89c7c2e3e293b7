"""Records, geometry and time: what every room speaks. Imports numpy alone."""
