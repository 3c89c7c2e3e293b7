"""Who is where in a video: faces, landmarks, tracks, head pose, and the crop and mask of the no-leak contract."""
