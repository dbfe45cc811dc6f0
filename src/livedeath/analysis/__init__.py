"""Images to traces: the stages of a frame's way, one field, and all fields of a study."""
