"""Makes the parts out of the settings, each with its collaborators. Opens nothing: the order is the lifecycle's."""
