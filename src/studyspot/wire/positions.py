"""Positions as headers."""

POSITION = "StudySpot-Position"
MIN_POSITION = "StudySpot-Min-Position"
