"""Sample data: a small, complete data set, and crowds of any size for measurements (`crowd`)."""
