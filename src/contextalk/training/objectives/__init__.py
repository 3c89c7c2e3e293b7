"""What each network learns, a file each."""
