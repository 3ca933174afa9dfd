"""OpenPose: confidence maps and part affinity fields, decoded into people."""
