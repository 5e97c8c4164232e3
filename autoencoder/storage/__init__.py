"""What must never be lost or believed: files of a run, and files of strangers."""
