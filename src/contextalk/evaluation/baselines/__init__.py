"""What contextalk is compared with, each a `Generator` that fills the same masked head of the same scene.

All go through our windows and compositor, so that tables compare heads and not ways of pasting them. A stage 2 that
wants the scene says so (`FaceStage.wants`).
"""
