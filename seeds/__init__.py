"""Sample data: a small place full of people (`sample`), and crowds as large as wanted (`crowd`)."""
