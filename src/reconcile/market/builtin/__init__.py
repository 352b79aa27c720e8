"""Markets that come with the package: generated ones, and a real one."""
