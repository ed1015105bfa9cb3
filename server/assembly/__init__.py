"""Builds the components from the settings; resources are context managers, which `lifecycle` enters in order."""
