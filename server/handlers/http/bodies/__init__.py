"""Request bodies: multipart forms, files, their time limits, and bodies that are refused."""
